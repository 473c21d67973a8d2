"""Daily partitions: made ahead, filled where events belong, and dropped whole when their time has passed."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from access.models import AuditEntry
from events import partitions
from events.models import Event, EventKey
from events.retention import apply_retention
from registry.models import Subject
from tests.database import url_of_test_database
from tests.events.conftest import Publish, Send, event
from tests.waiting import until

pytestmark = pytest.mark.django_db

TODAY = datetime.now(UTC).date()


def put(event_type: str, received: date, *, position: int) -> None:
    """An event as it was stored on an earlier day."""
    at = datetime(received.year, received.month, received.day, 12, tzinfo=UTC)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO events_event (position, received_at, occurred_at, event_id, event_type, schema_version, "
            "node_id, sample_rate, raw, producer) VALUES (%s, %s, %s, %s, %s, '', 'n', 1, '{}', 'tests')",
            [position, at, at, str(uuid4()), event_type],
        )


def holder(position: int) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM events_event WHERE position = %s", [position])
        return str(cursor.fetchone()[0])


def test_the_next_days_are_made_once() -> None:
    far = TODAY + timedelta(days=100)
    made = partitions.prepare(far, days=2)
    assert made == [partitions.name_of(far), partitions.name_of(far + timedelta(days=1))]
    assert partitions.prepare(far, days=2) == []


def test_an_event_lands_in_the_partition_of_its_day(orders: Any, send: Send) -> None:
    partitions.prepare()
    send(event())
    assert holder(Event.objects.get().position) == partitions.name_of(Event.objects.get().received_at.date())


def test_what_came_before_its_partition_moves_into_it() -> None:
    day = TODAY + timedelta(days=50)
    put("t", day, position=1)
    assert holder(1) == "events_event_rest"
    partitions.prepare(day, days=1)
    assert holder(1) == partitions.name_of(day)


def test_the_command_prepares_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("prepare_partitions")
    call_command("prepare_partitions")
    assert capsys.readouterr().out.endswith("All partitions are there.\n")


def test_a_partition_goes_when_the_longest_retention_has_passed(publish: Publish, settings: Any) -> None:
    settings.EVENT_RETENTION = timedelta(days=10)
    publish("long", {}, "1.0.0", retention_days=20)
    for position, age in enumerate((30, 21, 20, 15, 5), start=1):
        partitions.prepare(TODAY - timedelta(days=age), days=1)
        put("long", TODAY - timedelta(days=age), position=position)
    gone = apply_retention()
    assert gone.partitions == tuple(partitions.name_of(TODAY - timedelta(days=age)) for age in (30, 21))
    assert list(Event.objects.order_by("position").values_list("position", flat=True)) == [3, 4, 5]
    entries = AuditEntry.objects.filter(action="events.expired").values_list("target", "details")
    assert dict(entries) == {f"partition/{name}": {"events": 1} for name in gone.partitions}


def test_shorter_retentions_are_applied_by_subject(publish: Publish, settings: Any) -> None:
    settings.EVENT_RETENTION = timedelta(days=10)
    publish("short", {}, "1.0.0", retention_days=2)
    publish("long", {}, "1.0.0", retention_days=100)
    for position, (name, age) in enumerate(
        [("short", 1), ("short", 3), ("long", 50), ("usual", 9), ("usual", 12)], start=1
    ):
        put(name, TODAY - timedelta(days=age), position=position)
    assert apply_retention().events == 2
    assert list(Event.objects.order_by("position").values_list("position", flat=True)) == [1, 3, 4]
    assert AuditEntry.objects.filter(action="events.expired", target="subject/short").count() == 1
    assert Subject.objects.count() == 2


def test_dedup_keys_end_with_their_horizon(orders: Any, send: Send, settings: Any) -> None:
    sent = event()
    send(sent)
    EventKey.objects.update(received_on=TODAY - settings.DEDUP_HORIZON - timedelta(days=1))
    assert apply_retention().keys == 1
    assert send(sent).counts == {"stored": 1}


@pytest.mark.django_db(transaction=True)
def test_a_partition_that_is_being_read_does_not_keep_the_rest_from_going(settings: Any) -> None:
    days = [TODAY - settings.EVENT_RETENTION - timedelta(days=ago) for ago in (20, 19)]
    read, unread = (partitions.prepare(day, days=1)[0] for day in days)
    EventKey.objects.bulk_create(
        EventKey(key=uuid4(), received_on=TODAY - settings.DEDUP_HORIZON - timedelta(days=1), digest=b"")
        for _ in range(6_000)
    )
    where = connection.get_connection_params()
    parameters = {
        name: where[name] for name in ("host", "port", "user", "password", "dbname") if name in where
    }
    with psycopg.connect(**parameters) as reader:
        reader.execute(f"SELECT count(*) FROM {read}")
        gone = apply_retention()
    assert (gone.partitions, gone.keys) == ((unread,), 6_000)
    assert apply_retention().partitions == (read,)


@pytest.mark.django_db(transaction=True)
def test_a_partition_filled_for_the_first_time_is_analysed(send: Send, settings: Any) -> None:
    settings.UNKNOWN_EVENT_TYPE = "accept"
    partitions.prepare()
    send(*[event("t", metadata={"n": n}) for n in range(1_200)])
    today = partitions.name_of(Event.objects.latest("position").received_at.date())
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
    analysed: list[str] = []
    until(lambda: analysed.extend(partitions.analyse_new()) or today in analysed)
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = %s", [today])
        assert cursor.fetchone()[0] == 1_200
    assert partitions.analyse_new() == []


@pytest.mark.django_db(transaction=True)
def test_what_is_being_rewritten_does_not_keep_other_things_from_going(send: Send, settings: Any) -> None:
    settings.EVENT_RETENTION = timedelta(days=100)
    settings.UNKNOWN_EVENT_TYPE = "accept"
    Subject.objects.create(name="short", retention_days=2)
    name = partitions.prepare(TODAY - timedelta(days=10), days=1)[0]
    put("short", TODAY - timedelta(days=10), position=1)
    EventKey.objects.create(
        key=uuid4(), received_on=TODAY - settings.DEDUP_HORIZON - timedelta(days=1), digest=b""
    )
    with psycopg.connect(url_of_test_database()) as rewriter:
        rewriter.execute(f"LOCK TABLE {name} IN SHARE ROW EXCLUSIVE MODE")
        gone = apply_retention()
    assert (gone.events, gone.keys) == (0, 1)
    assert apply_retention().events == 1
