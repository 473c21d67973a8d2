"""What the log takes on disk is shown to administrators, with what it will take and what retention will remove."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from access.actor import SYSTEM
from access.errors import Forbidden
from events import partitions
from events.cold import compress_partition
from events.storage import storage_used
from tests.conftest import Person
from tests.events.conftest import Publish, Send, event
from tests.events.days import TODAY, days_ago, move_all_to

pytestmark = pytest.mark.django_db


@pytest.fixture
def log(publish: Publish, send: Send, settings: Any) -> str:
    """1,500 small and 300 large events of ten days ago, 100 of yesterday, analysed; the older partition's name."""
    settings.EVENT_RETENTION = timedelta(days=30)
    publish("shop.small", {}, "1.0.0", retention_days=5)
    publish("shop.large", {}, "1.0.0", retention_days=100)
    for part in range(2):
        send(*[event("shop.small", metadata={"n": n, "part": part}) for n in range(750)])
    send(*[event("shop.large", metadata={"text": f"{n} " + "many words " * 150}) for n in range(300)])
    name = move_all_to(days_ago(10))
    send(*[event("shop.small", metadata={"n": n}) for n in range(100)])
    move_all_to(days_ago(1))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE events_event")
    return name


def test_days_and_subjects_add_up_to_the_log(log: str) -> None:
    used = storage_used(actor=SYSTEM)
    by_name = {day.name: day for day in used.days}
    assert by_name[log].events == 1_800
    assert used.events == 1_900
    assert used.log == sum(day.table_bytes + day.index_bytes for day in used.days)
    subjects = {one.name: one for one in used.subjects}
    assert (subjects["shop.small"].events, subjects["shop.large"].events) == (1_600, 300)
    assert subjects["shop.large"].retention_days == 100
    shown = sum(one.bytes for one in used.subjects)
    with_events = sum(day.bytes for day in used.days if day.events)
    assert shown == pytest.approx(with_events, rel=0.01)
    assert used.database > used.log > used.indexes > 0


def test_a_compressed_day_says_how_much_smaller_it_is(log: str) -> None:
    done = compress_partition(actor=SYSTEM, name=log)
    used = storage_used(actor=SYSTEM)
    (day,) = [one for one in used.days if one.cold]
    assert day.name == log
    assert used.ratio == day.ratio == done.bytes_before / done.bytes_after
    assert used.raw_ratio is not None
    assert used.raw_ratio > 2
    assert used.cold == day.bytes


def test_a_day_goes_when_the_longest_retention_has_passed(log: str) -> None:
    used = storage_used(actor=SYSTEM)
    assert used.longest_retention_days == 100
    (day,) = [one for one in used.days if one.name == log]
    assert day.drops_on == days_ago(10) + timedelta(days=101)


def test_the_projection_grows_until_as_much_goes_as_comes(log: str, settings: Any) -> None:
    settings.EVENT_COLD_AFTER = timedelta(0)
    used = storage_used(actor=SYSTEM, days_ahead=250)
    # A day more each day; the days that there are have gone by then.
    first, second = used.projection[0], used.projection[1]
    assert second.bytes - first.bytes == used.bytes_a_day
    assert used.projection[200].bytes == used.projection[250].bytes == 101 * used.bytes_a_day + _rest(used)
    assert used.projection[250].day == TODAY + timedelta(days=250)


def _rest(used: Any) -> int:
    return sum(day.bytes for day in used.days if day.day is None)


def test_the_projection_counts_on_compression(log: str) -> None:
    compress_partition(actor=SYSTEM, name=log)
    used = storage_used(actor=SYSTEM, days_ahead=60)
    last = used.projection[60]
    # Nine days as they came, then smaller.
    assert last.hot == 9 * used.bytes_a_day + _rest(used)
    assert last.cold > 0


def test_it_is_for_administrators(log: str, teammate: Person, owner: Person) -> None:
    with pytest.raises(Forbidden):
        storage_used(actor=teammate.actor)
    assert "/storage" not in teammate.browser.get("/").content.decode()
    assert 'href="/storage"' in owner.browser.get("/").content.decode()


def test_the_page_and_the_api_tell_the_same(log: str, owner: Person) -> None:
    compress_partition(actor=SYSTEM, name=log)
    page = owner.browser.get("/storage").content.decode()
    answer = owner.api.get("/api/v1/storage", {"days": 30}).json()
    assert len(answer["projection"]) == 31
    assert {one["name"] for one in answer["subjects"]} == {"shop.small", "shop.large"}
    assert answer["log_bytes"] == answer["cold_bytes"] + sum(
        day["table_bytes"] + day["index_bytes"] for day in answer["days"] if not day["cold"]
    )
    for told in ("shop.large", "100 days", days_ago(10).isoformat(), "compressed", "<svg", "Quarantine"):
        assert told in page
    assert owner.api.get("/api/v1/storage", {"days": "many"}).status_code == 422


def test_an_empty_log_has_a_page(owner: Person) -> None:
    partitions.prepare()
    assert "No events yet" in owner.browser.get("/storage").content.decode()
