"""Changes of the catalogue become stored events, each exactly once and in the order in which they were committed.

Reading the audit log, storing the events, telling the subscribers and moving the cursor are one transaction: whoever
is killed in it has done nothing, and the next one begins where the last commit left off.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
from django.conf import settings
from django.db import transaction
from django.db.models import Count, Min, Q

from access import audit
from access.models import AuditEntry
from events import partitions
from events.changes import PRODUCER, TOLD, Change, changes_of
from events.cloudevents import tell_subscribers
from events.ingest import ingest_events
from events.models import ChangeCursor
from events.scan import Piece, depth_of

BATCH = 500
log = logging.getLogger(__name__)


def forward_changes(*, limit: int = BATCH) -> int:
    """How many rows of the audit log it went through; 0 when none waited, or another worker is at it.

    With REGISTRY_EVENTS off it passes them by: what was changed meanwhile is not made up for later.
    """
    audit.chain()
    # Its own transaction: what is remembered of partitions must not be rolled back.
    partitions.prepare_for(datetime.now(UTC).date())
    with transaction.atomic():
        cursor = ChangeCursor.objects.select_for_update(skip_locked=True).first()
        if cursor is None:
            return 0
        rows = list(AuditEntry.objects.filter(link__gt=cursor.link).order_by("link")[:limit])
        if not rows:
            return 0
        if settings.REGISTRY_EVENTS:
            told = [change for row in rows for change in changes_of(row)]
            tell_subscribers(told)
            cursor.problem = _store(told) or cursor.problem
        cursor.link = rows[-1].link or 0
        cursor.save()
    return len(rows)


def _store(told: Sequence[Change]) -> str:
    """What could not be stored, in a sentence; it is not tried again, so that the others go on."""
    if not told:
        return ""
    raw = [orjson.dumps(change.as_event()) for change in told]
    result = ingest_events(actor=PRODUCER, items=[Piece(text, depth_of(text)) for text in raw])
    problem = ""
    for change, outcome in zip(told, result.results, strict=True):
        if outcome.status in {"rejected", "conflict"}:
            why = outcome.errors[0]["message"]
            problem = f"{change.event_type} of '{change.subject}' at {change.at:%Y-%m-%d %H:%M:%S} UTC: {why}"
            log.error("a change could not be stored as an event: %s", problem)
    return problem


@dataclass(frozen=True, slots=True)
class Lag:
    """How far behind the events are. `begun` is false until the product's subjects were registered."""

    enabled: bool
    begun: bool
    waiting: int
    oldest_waiting_at: datetime | None
    problem: str


def lag() -> Lag:
    """Changes that are committed and have not become events yet."""
    cursor = ChangeCursor.objects.first()
    if cursor is None:
        return Lag(settings.REGISTRY_EVENTS, False, 0, None, "")
    waiting = AuditEntry.objects.filter(Q(link=None) | Q(link__gt=cursor.link), action__in=TOLD)
    found = waiting.aggregate(count=Count("pk"), oldest=Min("at"))
    return Lag(settings.REGISTRY_EVENTS, True, found["count"], found["oldest"], cursor.problem)
