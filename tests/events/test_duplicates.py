"""An id is stored once: repetitions change nothing, other content under the same id is told."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from events.models import Event, EventKey, QuarantinedEvent
from tests.events.conftest import Publish, Send, event


@pytest.mark.django_db
def test_sending_again_changes_nothing(orders: Any, send: Send) -> None:
    sent = event()
    assert [send(sent).counts, send(sent).counts] == [{"stored": 1}, {"duplicate": 1}]
    assert Event.objects.count() == EventKey.objects.count() == 1


@pytest.mark.django_db
def test_the_same_id_with_other_content_is_a_conflict(orders: Any, send: Send) -> None:
    sent = event()
    send(sent)
    (outcome,) = send({**sent, "node_id": "another"}).results
    assert (outcome.status, outcome.errors[0]["code"]) == ("conflict", "conflict")
    assert Event.objects.get().node_id == "shop-1"


@pytest.mark.django_db
def test_within_one_batch_the_first_wins(orders: Any, send: Send) -> None:
    sent = event()
    result = send(sent, {**sent, "node_id": "another"}, sent, event())
    assert [o.status for o in result.results] == ["stored", "conflict", "duplicate", "stored"]


@pytest.mark.django_db
def test_a_batch_of_duplicates_only_stores_nothing_and_moves_nothing(orders: Any, send: Send) -> None:
    batch = [event() for _ in range(5)]
    send(*batch)
    head = Event.objects.order_by("-position").first()
    assert send(*batch).counts == {"duplicate": 5}
    assert Event.objects.order_by("-position").first() == head


@pytest.mark.django_db
def test_a_stored_event_stays_a_duplicate_when_its_schema_becomes_strict(
    publish: Publish, send: Send
) -> None:
    publish("t", {"required": ["x"]}, "1.0.0")
    sent = event("t", metadata={})
    assert send(sent).counts == {"stored_with_violations": 1}
    publish("t", {"required": ["x"]}, "1.0.0", strict=True)
    assert send(sent, {**sent, "node_id": "other"}).counts == {"duplicate": 1, "conflict": 1}
    assert not QuarantinedEvent.objects.exists()


@pytest.mark.django_db
def test_a_quarantined_event_sent_again_is_counted_not_doubled(send: Send) -> None:
    sent = event("nobody.knows.it")
    assert send(sent, sent).counts == {"quarantined": 2}
    assert send(sent).counts == {"quarantined": 1}
    row = QuarantinedEvent.objects.get()
    assert (row.times_seen, bytes(row.raw)) == (3, json.dumps(sent).encode())
    assert row.last_seen_at >= row.received_at


@pytest.mark.django_db(transaction=True)
def test_the_same_batch_from_eight_clients_at_once_is_stored_once(orders: Any, send: Send) -> None:
    batch = [event() for _ in range(40)]

    def one(number: int) -> dict[str, int]:
        try:
            # Every client in an order of its own.
            return send(*batch[number * 5 :], *batch[: number * 5]).counts
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as clients:
        counts = list(clients.map(one, range(8)))
    assert sum(count.get("stored", 0) for count in counts) == 40
    assert sum(count.get("duplicate", 0) for count in counts) == 280
    positions = sorted(Event.objects.values_list("position", flat=True))
    assert positions == list(range(positions[0], positions[0] + 40))
