"""Events are found by what their error code means: in any spelling, with the codes below it, or by area."""

from typing import Any

import pytest

from access.actor import SYSTEM
from registry.taxonomy import publish_taxonomy
from tests.conftest import Person
from tests.events.replays import store

pytestmark = pytest.mark.django_db
SENT = [
    "SHOP_PAY_001",
    "shop_payment_001_declined",
    "SHOP_PAY_002_CARD_EXPIRED",
    "SHOP_PAY_999",
    "SHOP_PAYROLL_001",
    "SHOP_PAY_001_LATE",
    "E17",
    "other",
]


def code(number: int, slug: str, **more: Any) -> dict[str, Any]:
    known = {"number": number, "slug": slug, "meaning": slug, "severity": "ERROR", "recoverable": "no"}
    return known | more


TAXONOMY = {
    "taxonomy": "team.errors",
    "prefix": "SHOP",
    "areas": [
        {
            "token": "PAY",
            "aliases": ["PAYMENT"],
            "codes": [
                code(1, "DECLINED", aliases=["E17"]),
                code(2, "CARD_EXPIRED", parent="SHOP_PAY_001"),
                code(3, "LATE"),
            ],
        },
        {"token": "PAYROLL", "codes": [code(1, "LATE")]},
    ],
}


@pytest.fixture(autouse=True)
def events(db: None) -> None:
    publish_taxonomy(actor=SYSTEM, document=TAXONOMY)
    for text in SENT:
        store(0, error_code=text)


def found(person: Person, text: str) -> list[str]:
    answer = person.api.get("/api/v1/events", {"error_code": text})
    assert answer.status_code == 200, answer.content
    return [item["error_code"] for item in answer.json()["items"]][::-1]


@pytest.mark.parametrize(
    ("asked", "codes"),
    [
        ("SHOP_PAY_001", [*SENT[:3], "E17"]),
        ("shop_payment_001", [*SENT[:3], "E17"]),
        ("E17", [*SENT[:3], "E17"]),
        ("SHOP_PAY_002", ["SHOP_PAY_002_CARD_EXPIRED"]),
        ("SHOP_PAY_003", []),
        ("SHOP_PAY_999", ["SHOP_PAY_999"]),
        ("SHOP_PAY", [*SENT[:4], "SHOP_PAY_001_LATE", "E17"]),
        ("payment", [*SENT[:4], "SHOP_PAY_001_LATE", "E17"]),
        ("SHOP_PAYROLL_*", ["SHOP_PAYROLL_001"]),
        ("other", ["other"]),
        ("SHOP_P", []),
        ("^.*", []),
    ],
)
def test_a_code_asks_for_what_it_means(owner: Person, asked: str, codes: list[str]) -> None:
    assert found(owner, asked) == codes


def test_a_taxonomy_that_may_not_be_read_gives_nothing_away(teammate: Person, stranger: Person) -> None:
    """All events are `team.order`s; whoever reads them and the taxonomy sees what a code means."""
    assert len(found(teammate, "SHOP_PAY_001")) == 4
    assert found(stranger, "SHOP_PAY_001") == []
