"""A worker that is killed while it counts has counted nothing, and two that count at once count each event once."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection

from events.fold import fold_statistics, lag
from events.models import QuarantinedEvent, Statistic
from tests.database import url_of_test_database
from tests.events.conftest import ORDER, event
from tests.events.counted import NOON, append_rows
from tests.kill import killed_when_it_writes
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


def total():
    return sum(Statistic.objects.filter(step=86400).values_list("events", flat=True))


@pytest.mark.parametrize("table", ["events_statistic", "events_statisticscursor", "events_quarantinetally"])
def test_wherever_it_is_killed_each_event_is_counted_once(publish, send, table):
    publish("strict.order", ORDER, "1.0.0", strict=True)
    send(event("strict.order", metadata={"amount": "many"}))
    append_rows([{"occurred_at": NOON + timedelta(minutes=number)} for number in range(30)])
    with pytest.raises(DatabaseError):
        killed_when_it_writes(table, fold_statistics)
    assert not Statistic.objects.exists()
    assert (lag().waiting, lag().quarantine_waiting) == (30, 1)
    assert fold_statistics() == 31
    assert total() == 31
    assert (lag().waiting, lag().quarantine_waiting) == (0, 0)


def test_two_workers_at_once_count_each_event_once():
    append_rows({} for _ in range(3_000))
    together = threading.Barrier(2)

    def work(_):
        together.wait()
        try:
            while lag().waiting:
                fold_statistics(batch=50)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(2)))
    assert total() == 3_000


def test_events_that_arrive_while_it_counts_are_counted_once(publish, send):
    publish("order.placed", ORDER, "1.0.0")
    publish("strict.order", ORDER, "1.0.0", strict=True)
    done = threading.Event()

    def count(_):
        try:
            while not done.is_set():
                fold_statistics(batch=7)
        finally:
            connection.close()

    def produce(number):
        try:
            for _ in range(15):
                send(
                    *[event() for _ in range(4)],
                    event("strict.order", metadata={"amount": number}),
                    event("strict.order", metadata={}),
                )
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        counting = pool.map(count, range(2))
        list(pool.map(produce, range(2)))
        done.set()
        list(counting)
    fold_statistics()
    stored = sum(Statistic.objects.filter(step=86400, quarantined=False).values_list("events", flat=True))
    held = sum(Statistic.objects.filter(step=86400, quarantined=True).values_list("events", flat=True))
    assert stored == 2 * 15 * 5
    assert held == QuarantinedEvent.objects.count() == 2 * 15


FOLDING = """
import django; django.setup()
from events.fold import fold_statistics, lag
while lag().waiting: fold_statistics(batch=20)
"""


def test_a_process_that_is_killed_again_and_again_counts_each_event_once():
    append_rows({} for _ in range(4_000))
    environment = {
        **os.environ,
        "DATABASE_URL": url_of_test_database(),
        "DJANGO_SETTINGS_MODULE": "registry.settings",
    }
    for _ in range(3):
        seen = lag().waiting
        with subprocess.Popen([sys.executable, "-c", FOLDING], env=environment) as process:
            until(lambda seen=seen: lag().waiting < seen)
            process.kill()
        assert total() == 4_000 - lag().waiting
    assert lag().waiting
    fold_statistics()
    assert total() == 4_000
