"""Events are found by when they happened, whenever they were received; days without any of that time are not read."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from access.actor import SYSTEM
from events import day_bounds, partitions
from events.models import Event
from events.query import Filters
from tests.conftest import Person
from tests.events.conftest import Send, event
from tests.events.days import TODAY, days_ago, move_all_to

pytestmark = pytest.mark.django_db


def noon(ago: int) -> datetime:
    day = days_ago(ago)
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def log(send: Send, settings: Any) -> None:
    """Of 20, 10, 5 and 0 days ago, each with an event of noon; that of 5 days ago has one more, of 15 days ago."""
    settings.UNKNOWN_EVENT_TYPE = "accept"
    partitions.prepare(TODAY - timedelta(days=1))
    for ago in (20, 10, 5, 0):
        late = [event("b", event_id="late", timestamp=noon(15).isoformat())] if ago == 5 else []
        send(event("a", event_id=f"d{ago}", timestamp=noon(ago).isoformat()), *late)
        if ago:
            move_all_to(days_ago(ago))


@pytest.fixture(params=[200, 0], ids=["few types", "too many types"])
def _most_types(request: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(day_bounds, "_MOST_TYPES", request.param)


@pytest.mark.usefixtures("_most_types")
@pytest.mark.parametrize(
    ("since", "until", "ids"),
    [
        (None, 12, ["d20", "late"]),
        (16, None, ["d10", "late", "d5", "d0"]),
        (12, 7, ["d10"]),
        (16, 14, ["late"]),
        (3, 2, []),
        (40, 30, []),
        (1, None, ["d0"]),
    ],
)
def test_by_time(owner: Person, since: int | None, until: int | None, ids: list[str]) -> None:
    asked = {name: noon(ago).isoformat() for name, ago in (("since", since), ("until", until)) if ago}
    # The second time, what is known of the days is remembered.
    for _ in range(2):
        items = owner.api.get("/api/v1/events", asked).json()["items"]
        assert {item["event_id"] for item in items} == set(ids)


def test_days_without_any_are_not_read() -> None:
    filters = Filters.of({"since": noon(7).isoformat()})
    plan = Event.objects.filter(filters.condition(SYSTEM)).order_by("-position")[:50].explain()
    # That of five days ago holds one that fits, and what comes after it may.
    assert partitions.name_of(days_ago(5)) in plan
    assert partitions.name_of(days_ago(10)) not in plan
    assert partitions.name_of(days_ago(20)) not in plan


def test_what_no_day_took_is_found_as_well(owner: Person) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE events_event SET received_at = received_at - interval '300 days' WHERE event_id = 'd20'"
        )
    items = owner.api.get("/api/v1/events", {"until": noon(18).isoformat()}).json()["items"]
    assert [item["event_id"] for item in items] == ["d20"]
