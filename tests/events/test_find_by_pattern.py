"""Types are found by patterns, also by those that begin with any text."""

from typing import Any

import pytest

from events import type_pattern
from tests.conftest import Person
from tests.events.conftest import Send, event

pytestmark = pytest.mark.django_db
KINDS = ["shop.cart.paid", "shop.cart.left", "bank.paid", "shop_paid", "100%paid"]


@pytest.fixture(params=[200, 2], ids=["few types", "too many types to read"])
def most_types(request: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.UNKNOWN_EVENT_TYPE = "accept"
    monkeypatch.setattr(type_pattern, "_MOST_TYPES", request.param)


@pytest.mark.parametrize(
    ("pattern", "kinds"),
    [
        ("*paid", ["shop.cart.paid", "bank.paid", "shop_paid", "100%paid"]),
        ("*.paid", ["shop.cart.paid", "bank.paid"]),
        ("*_paid", ["shop_paid"]),
        ("*%paid", ["100%paid"]),
        ("*cart*", ["shop.cart.paid", "shop.cart.left"]),
        ("shop.*", ["shop.cart.paid", "shop.cart.left"]),
        ("*", KINDS),
        ("*.sold", []),
    ],
)
@pytest.mark.usefixtures("most_types")
def test_by_pattern(owner: Person, send: Send, pattern: str, kinds: list[str]) -> None:
    send(*[event(kind) for kind in KINDS for _ in range(2)])
    items = owner.api.get("/api/v1/events", {"type": pattern}).json()["items"]
    assert sorted(item["event_type"] for item in items) == sorted(kinds * 2)
