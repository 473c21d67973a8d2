"""Strict subjects hold back what violates; others store and mark it; changes count at once in every process."""

from typing import Any

import pytest

from events.models import Event, QuarantinedEvent
from events.release import release_event
from registry.models import Subject, Version
from tests.conftest import Person
from tests.events.conftest import Publish, Send, event

pytestmark = pytest.mark.django_db

NEEDS_X = {"type": "object", "required": ["x"], "properties": {"x": {"type": "integer"}}}
ENVELOPE = {
    "type": "object",
    "required": ["node_id"],
    "properties": {"node_id": {"type": "string", "minLength": 1}},
}


def test_a_strict_subject_quarantines_what_violates(publish: Publish, send: Send) -> None:
    publish("t", NEEDS_X, "1.0.0", strict=True)
    result = send(event("t", metadata={"x": "no"}), event("t", metadata={"x": 1}))
    assert [o.status for o in result.results] == ["quarantined", "stored"]
    row = QuarantinedEvent.objects.get()
    assert (row.reason, row.errors[0]["pointer"]) == ("violates_schema", "/metadata/x")
    assert Event.objects.count() == 1


def test_a_subject_that_becomes_strict_is_strict_for_the_next_batch(publish: Publish, send: Send) -> None:
    publish("t", NEEDS_X, "1.0.0")
    assert send(event("t", metadata={})).counts == {"stored_with_violations": 1}
    Subject.objects.update(strict=True)
    assert send(event("t", metadata={})).counts == {"quarantined": 1}


def test_the_envelope_is_judged_by_its_own_subject(publish: Publish, send: Send) -> None:
    publish("t", {}, "1.0.0")
    publish("onex.envelope", ENVELOPE, "1.0.0")
    (outcome,) = send(event("t", node_id="")).results
    assert outcome.status == "stored_with_violations"
    assert (outcome.errors[0]["code"], outcome.errors[0]["pointer"]) == ("violates_envelope", "/node_id")
    publish("onex.envelope", ENVELOPE, "1.0.0", strict=True)
    assert send(event("t", node_id="")).counts == {"quarantined": 1}
    assert QuarantinedEvent.objects.get().reason == "violates_envelope"


def test_formats_are_asserted_where_the_subject_says_so(publish: Publish, send: Send) -> None:
    schema = {"properties": {"at": {"type": "string", "format": "date-time"}}}
    publish("t", schema, "1.0.0")
    assert send(event("t", metadata={"at": "soon"})).counts == {"stored": 1}
    publish("t", schema, "1.0.0", assert_formats=True)
    assert send(event("t", metadata={"at": "soon"})).counts == {"stored_with_violations": 1}


def test_a_released_event_keeps_its_id_its_bytes_and_its_producer(
    publish: Publish, send: Send, owner: Person
) -> None:
    publish("t", NEEDS_X, "1.0.0", strict=True)
    sent = event("t", metadata={})
    answer = owner.api.post("/api/v1/events", sent)
    assert answer.json()["counts"] == {"quarantined": 1}
    row = QuarantinedEvent.objects.get()
    refused = owner.api.post(f"/api/v1/quarantine/{row.pk}/release")
    assert (refused.status_code, refused.json()["details"]["errors"][0]["keyword"]) == (409, "required")
    Subject.objects.update(strict=False)
    done = owner.api.post(f"/api/v1/quarantine/{row.pk}/release")
    assert done.json()["status"] == "stored_with_violations"
    stored = Event.objects.get()
    assert (stored.event_id, bytes(stored.raw)) == (sent["event_id"], bytes(row.raw))
    assert stored.producer == row.producer
    assert owner.api.get("/api/v1/quarantine").json()["items"] == []
    assert owner.api.post(f"/api/v1/quarantine/{row.pk}/release").status_code == 409


def test_an_event_released_without_an_id_keeps_the_one_it_was_given(
    publish: Publish, send: Send, actor: Any
) -> None:
    (outcome,) = send(event("t", event_id=...)).results
    publish("t", {}, "1.0.0")
    release_event(actor=actor, quarantined_id=QuarantinedEvent.objects.get().pk)
    assert Event.objects.get().event_id == outcome.event_id


def test_a_subject_deleted_in_mid_flight_makes_its_events_unknown(publish: Publish, send: Send) -> None:
    publish("t", {}, "1.0.0")
    assert send(event("t")).counts == {"stored": 1}
    Version.objects.get(subject__name="t").delete()
    assert send(event("t")).counts == {"quarantined": 1}
