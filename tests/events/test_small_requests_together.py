"""Small requests that come while others are being stored are stored together: each is told its own."""

import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from django.db import connection

from access.actor import SYSTEM
from events import decode, store
from events.errors import AppendQueueFull
from events.group_commit import GroupCommit, QueueFull
from events.ingest import ingest_events
from events.models import Event
from tests.events.conftest import event
from tests.waiting import until

THREADS = 8
ANY_NUMBER = 1_000


def send(one: dict[str, Any]) -> str:
    try:
        pieces = decode.pieces(json.dumps(one).encode(), content_type="application/json")
        (outcome,) = ingest_events(actor=SYSTEM, items=pieces).results
        return outcome.status
    finally:
        connection.close()


def while_the_log_is_locked(works: Sequence[Callable[[], Any]], gathered: int) -> list[Any]:
    """Starts all while somebody else holds the append lock, and lets go when so many wait behind the first."""
    other = connection.copy()
    other.set_autocommit(False)
    with ThreadPoolExecutor(len(works)) as pool, closing(other), other.cursor() as cursor:
        cursor.execute("SELECT FROM events_loghead FOR UPDATE")
        first = pool.submit(works[0])
        until(lambda: store._store_together._busy and not store._store_together._waiting)
        rest = [pool.submit(work) for work in works[1:]]
        until(lambda: len(store._store_together._waiting) == gathered)
        other.rollback()
        return [first.result(20), *(one.exception(20) or one.result() for one in rest)]


@pytest.fixture
def accepting(settings: Any) -> Any:
    settings.UNKNOWN_EVENT_TYPE = "accept"
    return settings


@pytest.mark.django_db(transaction=True)
def test_those_that_wait_are_stored_in_one_transaction(accepting: Any) -> None:
    events = [event("t") for _ in range(THREADS)]
    told = while_the_log_is_locked([lambda one=one: send(one) for one in events], THREADS - 1)

    assert told == ["stored"] * THREADS
    assert list(Event.objects.order_by("position").values_list("position", flat=True)) == [*range(1, 9)]
    assert {bytes(row.raw) for row in Event.objects.all()} == {json.dumps(one).encode() for one in events}
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT xmin::text) FROM events_event")
        assert cursor.fetchone() == (2,)


@pytest.mark.django_db(transaction=True)
def test_the_same_event_in_several_of_them_is_stored_once(accepting: Any) -> None:
    same, other = event("t", event_id="same"), event("t", event_id="same", node_id="another")
    told = while_the_log_is_locked(
        [lambda one=one: send(one) for one in (event("t"), same, same, other, event("t"))], 4
    )

    # Whichever of the three came first was stored; the others were measured by it.
    assert told[0] == told[4] == "stored"
    assert told[1:4].count("stored") == 1
    assert sorted(told[1:4]) in (["conflict", "duplicate", "stored"], ["conflict", "conflict", "stored"])
    assert Event.objects.filter(event_id="same").count() == 1


@pytest.mark.django_db(transaction=True)
def test_when_too_many_wait_the_next_is_sent_away_and_nothing_of_it_is_stored(accepting: Any) -> None:
    accepting.INGEST_MAX_WAITING = 1
    works = [lambda: send(event("t"))] * 3
    told = while_the_log_is_locked(works, 1)

    refused = [one for one in told if isinstance(one, AppendQueueFull)]
    assert len(refused) == 1
    assert refused[0].facts["retry_after"] > 0
    assert Event.objects.count() == 2


class Doing:
    """Does what it is given when it is let; keeps the groups."""

    def __init__(self) -> None:
        self.may = threading.Event()
        self.groups: list[list[int]] = []

    def __call__(self, works: Sequence[int]) -> None:
        assert self.may.wait(20)
        self.groups.append(sorted(works))
        if 13 in works:
            raise ValueError(works)
        if 99 in works:
            raise ConnectionError(works)


def run(works: Sequence[int], **options: Any) -> tuple[Doing, list[BaseException | None]]:
    """The first begins alone, and the others wait for it."""
    doing = Doing()
    together = GroupCommit(doing, **{"most": 10, "common": (ConnectionError,), "patience": 20.0, **options})
    with ThreadPoolExecutor(len(works)) as pool:
        first = pool.submit(together, works[0], most_waiting=ANY_NUMBER)
        until(lambda: together._busy and not together._waiting)
        rest = [pool.submit(together, work, most_waiting=ANY_NUMBER) for work in works[1:]]
        until(lambda: len(together._waiting) == len(works) - 1)
        doing.may.set()
        return doing, [one.exception(20) for one in (first, *rest)]


def test_a_bad_one_fails_alone() -> None:
    doing, errors = run([1, 2, 13, 4])

    assert [type(error) for error in errors] == [type(None), type(None), ValueError, type(None)]
    assert sorted(map(tuple, doing.groups)) == [(1,), (2,), (2, 4, 13), (4,), (13,)]


def test_what_would_hit_all_is_tried_once_and_told_to_all() -> None:
    doing, errors = run([1, 2, 99])

    assert [type(error) for error in errors] == [type(None), ConnectionError, ConnectionError]
    assert doing.groups == [[1], [2, 99]]


def test_more_than_a_group_holds_is_done_in_several() -> None:
    doing, errors = run([1, 2, 3, 4, 5], most=2)

    assert errors == [None] * 5
    assert sorted(number for group in doing.groups for number in group) == [1, 2, 3, 4, 5]
    assert [len(group) for group in doing.groups] == [1, 2, 2]


def test_who_loses_patience_is_not_done_later() -> None:
    doing = Doing()
    together = GroupCommit(doing, most=10, common=(), patience=0.05)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(together, 1, most_waiting=ANY_NUMBER)
        until(lambda: together._busy and not together._waiting)
        with pytest.raises(QueueFull):
            together(2, most_waiting=ANY_NUMBER)
        doing.may.set()
        assert first.exception(20) is None
    assert doing.groups == [[1]]
