"""Events are found by conditions on any of their fields; what cannot be read is told, and never a 500."""

from typing import Any

import pytest

from tests.conftest import Person
from tests.events.conftest import Send, event
from tests.events.test_event_pages import text_of

pytestmark = pytest.mark.django_db
METADATA: dict[str, Any] = {
    "three": {"amount": 3, "note": "a b", "tags": ["x", "y"]},
    "half": {"amount": 3.5, "note": 'say "hi"', "paid": True},
    "text": {"amount": "3", "note": None, "at": "2026-11-01"},
    "none": {"at": "2026-10-01"},
}


@pytest.fixture(autouse=True)
def events(send: Send, settings: Any) -> None:
    settings.UNKNOWN_EVENT_TYPE = "accept"
    send(*[event("t", node_id=name, metadata=metadata) for name, metadata in METADATA.items()])


def found(person: Person, where: str) -> list[str]:
    answer = person.api.get("/api/v1/events", {"where": where})
    assert answer.status_code == 200, answer.content
    return [item["node_id"] for item in answer.json()["items"]][::-1]


@pytest.mark.parametrize(
    ("where", "nodes"),
    [
        ("metadata.amount = 3", ["three"]),
        ("metadata.amount=3.0", ["three"]),
        ('metadata.amount = "3"', ["text"]),
        ("metadata.amount != 3", ["half", "text"]),
        ("metadata.amount >= 3", ["three", "half"]),
        ("metadata.amount > 3 and metadata.amount < 4", ["half"]),
        ("metadata.amount > 3 AND metadata.paid = true", ["half"]),
        ("metadata.note exists", ["three", "half", "text"]),
        ("metadata.note = null", ["text"]),
        ('metadata.note = "a b"', ["three"]),
        (r'metadata.note = "say \"hi\""', ["half"]),
        ('metadata.note ~ " "', ["three", "half"]),
        ("metadata.at >= 2026-10-15", ["text"]),
        ("metadata.at < 2026-10-15", ["none"]),
        ("metadata.tags.1 = y", ["three"]),
        ("metadata.tags ~ x", ["three"]),
        ("node_id = none", ["none"]),
        ("metadata.missing != 1", []),
        ("metadata.note = %s", []),
        ("metadata.note = ');--", []),
        (" ", ["three", "half", "text", "none"]),
    ],
)
def test_conditions_on_fields(owner: Person, where: str, nodes: list[str]) -> None:
    assert found(owner, where) == nodes


@pytest.mark.parametrize(
    "where",
    [
        "amount",
        "= 3",
        "metadata.amount > true",
        "metadata.amount = 3 or metadata.amount = 4",
        "metadata.note = a b",
        'metadata.note = "a',
        "metadata.amount = 1e999",
        r'metadata.note = "\ud800"',
        r'metadata.note = "\u0000"',
        "a..b = 1",
        "a = 1 and ",
        " and ".join(["a = 1"] * 9),
        "a" * 501,
    ],
)
def test_what_cannot_be_read_is_told(owner: Person, where: str) -> None:
    answer = owner.api.get("/api/v1/events", {"where": where})
    assert (answer.status_code, "'where' is like" in answer.json()["message"]) == (422, True)


def test_the_page_keeps_conditions_in_its_address_and_tells_at_the_field(owner: Person) -> None:
    page = text_of(owner, "/events?where=metadata.amount%3D3")
    assert 'value="metadata.amount=3"' in page
    assert ("three" in page, "half" in page) == (True, False)
    assert "there is no condition at" in text_of(owner, "/events?where=%3D", 422)
