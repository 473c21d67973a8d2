"""Subjects to send events to, and events to send."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections

from access.actor import SYSTEM, Actor
from events import decode
from events.changes import NODE
from events.forward import forward_changes
from events.ingest import IngestResult, ingest_events
from events.load_changes import load_change_subjects
from events.models import Event, LogHead
from registry.models import Subject
from registry.publish import publish_version

ORDER = {
    "type": "object",
    "required": ["amount"],
    "properties": {"amount": {"type": "integer"}, "note": {"type": "string"}},
}


def event(event_type: str = "order.placed", **members: Any) -> dict[str, Any]:
    """A valid event of `order.placed`, with members changed; a member that is `...` is left out."""
    whole = {
        "event_id": str(uuid.uuid4()),
        "timestamp": "2026-11-01T12:00:00Z",
        "node_id": "shop-1",
        "event_type": event_type,
        "metadata": {"amount": 3},
        **members,
    }
    return {name: value for name, value in whole.items() if value is not ...}


Publish = Callable[..., Subject]


@pytest.fixture
def told(publish: "Publish") -> "Told":
    """From here on changes of the catalogue become events: `told()` lets a worker come by, and gives the new ones."""
    load_change_subjects(actor=SYSTEM)
    seen = LogHead.objects.get().position

    def told(event_type: str = "") -> list[dict[str, Any]]:
        nonlocal seen
        while forward_changes():
            pass
        rows = Event.objects.filter(position__gt=seen, node_id=NODE).order_by("position")
        seen = LogHead.objects.get().position
        found = [json.loads(bytes(row.raw)) for row in rows]
        return [one for one in found if not event_type or one["event_type"] == event_type]

    return told


Told = Callable[..., list[dict[str, Any]]]
Send = Callable[..., IngestResult]


@pytest.fixture
def publish(db: None, settings: Any) -> Publish:
    """`publish("order.placed", ORDER, "1.0.0", strict=True)`: the subject afterwards. Asks no judges."""
    settings.UPLOAD_JUDGES = []
    with connection.cursor() as cursor:
        # Raised at the commit, which most tests never reach.
        cursor.execute(
            "SET CONSTRAINTS events_subject_changed, events_version_changed, events_taxonomy_changed IMMEDIATE"
        )

    def publish(name: str, schema: Any, semver: str | None = None, **changed: Any) -> Subject:
        publish_version(actor=SYSTEM, subject=name, schema=json.dumps(schema), semver=semver)
        subject = Subject.objects.get(name=name)
        for setting, value in changed.items():
            setattr(subject, setting, value)
        subject.save()
        return subject

    return publish


@pytest.fixture
def orders(publish: Publish) -> Subject:
    """The subject `order.placed`, not strict."""
    return publish("order.placed", ORDER, "1.0.0")


@pytest.fixture
def send(db: None) -> Send:
    """`send(event(), event(…))`, or `send(raw=b"…")` for a body as it is; the result of the ingest."""

    def send(
        *events: Any, raw: bytes | None = None, content_type: str = "application/json", actor: Actor = SYSTEM
    ) -> IngestResult:
        body = json.dumps(list(events)).encode() if raw is None else raw
        return ingest_events(actor=actor, items=decode.pieces(body, content_type=content_type))

    return send


@pytest.fixture
def meanwhile(db):
    """Runs a statement from the receiver's thread while the worker waits for its answer."""
    shared = connections["default"]
    shared.inc_thread_sharing()

    def execute(statement):
        with shared.cursor() as cursor:
            cursor.execute(statement)

    yield execute
    shared.dec_thread_sharing()
