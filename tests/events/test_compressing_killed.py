"""Whoever compresses a partition may be killed at any moment, and waits for those who read it, not they for it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings as configured
from django.db import connection

from access.actor import SYSTEM
from events import cold
from events.cold import compress_next, compress_partition
from events.errors import NotCompressible
from events.models import ColdPartition, Dictionary, Event
from tests.database import url_of_test_database
from tests.events.conftest import Send, event
from tests.events.days import days_ago, move_all_to
from tests.waiting import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]
DAY = days_ago(30)


@pytest.fixture
def partition(send: Send, settings: Any) -> str:
    settings.UNKNOWN_EVENT_TYPE = "accept"
    for part in range(3):
        send(*[event("t", event_id=f"{part}-{n}", metadata={"amount": n}) for n in range(1_500)])
    return move_all_to(DAY)


@pytest.fixture
def start(tmp_path: Any) -> Iterator[Callable[[], "subprocess.Popen[bytes]"]]:
    started = []

    def start() -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            [sys.executable, "manage.py", "compress_partition", DAY.isoformat()],
            cwd=configured.BASE_DIR,
            env={**os.environ, "DATABASE_URL": url_of_test_database(), "ONEX_HOME": str(tmp_path)},
            stdout=subprocess.DEVNULL,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()


def rows() -> list[tuple[int, str, bytes]]:
    return list(Event.objects.order_by("position").values_list("position", "event_id", "raw"))


def someone_holds(mode: str, *, granted: bool = True) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_database AS base ON base.oid = pg_locks.database "
            "WHERE datname = current_database() AND relation::regclass::text LIKE 'events_event%%' "
            "AND mode = %s AND granted = %s AND pid <> pg_backend_pid()",
            [mode, granted],
        )
        return bool(cursor.fetchone()[0])


def test_killed_while_it_writes_and_while_it_waits_nothing_is_lost_or_doubled(
    partition: str, start: Any
) -> None:
    before = rows()
    killed = start()
    until(lambda: someone_holds("ShareRowExclusiveLock"), 60)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert rows() == before
    with psycopg.connect(url_of_test_database()) as reader:
        reader.execute("SELECT count(*) FROM events_event")
        waits = start()
        until(lambda: someone_holds("AccessExclusiveLock", granted=False), 60)
        waits.send_signal(signal.SIGKILL)
        waits.wait()
    until(lambda: not someone_holds("ShareRowExclusiveLock"), 60)
    assert (rows(), ColdPartition.objects.count(), Dictionary.objects.count()) == (before, 0, 0)
    # The next one finds nothing of them in its way.
    assert start().wait() == 0
    assert rows() == before
    done = ColdPartition.objects.get()
    assert (done.name, done.events) == (partition, len(before))
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'events_event%%_new'")
        assert cursor.fetchone() == (0,)


def test_while_somebody_reads_for_long_it_gives_up_and_changes_nothing(
    partition: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cold, "_TRIES", 1)
    monkeypatch.setattr(cold, "_PAUSE", 0)
    before = rows()
    with psycopg.connect(url_of_test_database()) as reader:
        reader.execute(f"SELECT count(*) FROM {partition}")
        with pytest.raises(NotCompressible, match="in use"):
            compress_partition(actor=SYSTEM, name=partition)
        assert compress_next() is None
    assert (rows(), ColdPartition.objects.count()) == (before, 0)
    done = compress_next()
    assert done is not None
    assert done.name == partition


def test_two_at_once_do_it_once(partition: str) -> None:
    with psycopg.connect(url_of_test_database()) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [cold._LOCK])
        with pytest.raises(NotCompressible, match="Another partition"):
            compress_partition(actor=SYSTEM, name=partition)


def test_a_worker_that_is_to_stop_leaves_everything_as_it_was(partition: str) -> None:
    before = rows()
    assert compress_next(stopping=lambda: True) is None
    assert (rows(), ColdPartition.objects.count()) == (before, 0)


def test_what_is_written_wrongly_is_noticed_and_changes_nothing(
    partition: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows()
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN NEW.node_id := 'spoilt'; RETURN NEW; END $$"
        )
    begin = cold.partitions.begin_copy

    def spoilt(name: str) -> str:
        copy = begin(name)
        with connection.cursor() as cursor:
            cursor.execute(
                f"CREATE TRIGGER spoil BEFORE INSERT ON {copy} FOR EACH ROW EXECUTE FUNCTION spoil()"
            )
        return copy

    monkeypatch.setattr(cold.partitions, "begin_copy", spoilt)
    with pytest.raises(NotCompressible, match="not what was read"):
        compress_partition(actor=SYSTEM, name=partition)
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION spoil()")
    assert (rows(), ColdPartition.objects.count()) == (before, 0)
