"""Holds what evaluation has read against what is stored, every hour: a reader that skips events would never notice by itself.

Every pass adds to a stretch of the log, in its own transaction, how many events it saw there; passes that follow each other share one. The
auditor counts the same stretch anew. What retention has removed meanwhile only makes it smaller; more events than were seen were missed, and every rule
of these types says so.
"""

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Sum

from alerts.matches import SEEN
from alerts.models import ReadSpan, Rule

# Positions of one stretch at most, so that counting one is no long statement.
_LONGEST = 1_000_000
_KEPT = timedelta(days=30)
_SETTLED = timedelta(minutes=1)
_ADD = """
UPDATE alerts_readspan SET until = %s, seen = seen + %s, read_at = %s
WHERE types_key = %s AND until = %s AND audited_at IS NULL AND %s - after <= %s
"""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Audited:
    """What one audit looked at. `missed` events were stored, and evaluation had not seen them."""

    spans: int
    events: int
    missed: int


def note_read(*, after: int, until: int, types: Iterable[str] | None, seen: int, now: datetime) -> None:
    """In the transaction of the pass that has read them."""
    if after >= until:
        return
    names = None if types is None else sorted(types)
    key = hashlib.md5(repr(names).encode(), usedforsecurity=False).hexdigest()
    with connection.cursor() as cursor:
        cursor.execute(_ADD, [until, seen, now, key, after, until, _LONGEST])
        if cursor.rowcount:
            return
    ReadSpan.objects.create(after=after, until=until, types=names, types_key=key, seen=seen, read_at=now)


def audit_reading(now: datetime) -> Audited:
    """Counts every stretch that was read over a minute ago and not audited yet; forgets those that are old."""
    spans = events = missed = 0
    settled = ReadSpan.objects.filter(audited_at=None, read_at__lt=now - _SETTLED)
    for key in list(settled.values_list("pk", flat=True)):
        with transaction.atomic():
            span = (
                ReadSpan.objects.select_for_update(skip_locked=True).filter(pk=key, audited_at=None).first()
            )
            if span is None:
                continue
            stored = _stored(span)
            span.audited_at, span.missed = now, max(0, stored - span.seen)
            span.save(update_fields=["audited_at", "missed"])
            if span.missed:
                _tell(span, now)
        spans, events, missed = spans + 1, events + span.seen, missed + span.missed
    ReadSpan.objects.filter(audited_at__lt=now - _KEPT).delete()
    return Audited(spans, events, missed)


def missed_events() -> int:
    """How many the audits of the last 30 days found."""
    return ReadSpan.objects.aggregate(missed=Sum("missed"))["missed"] or 0


def _stored(span: ReadSpan) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM events_event WHERE position > %s AND position <= %s AND {SEEN}"  # noqa: S608
            " AND (%s::text[] IS NULL OR event_type = ANY(%s::text[]))",
            [span.after, span.until, span.types, span.types],
        )
        return int(cursor.fetchone()[0])


def _tell(span: ReadSpan, now: datetime) -> None:
    sentence = (
        f"{span.missed:,} events stored between the positions {span.after + 1:,} and {span.until:,} of the log were not read by evaluation. "
        "A backtest over that time says what they would have done."
    )
    log.error("alert evaluation: %s", sentence)
    rules = Rule.objects.living().filter(enabled=True, starts_after__lt=span.until)
    if span.types is not None:
        rules = rules.filter(current__event_types__overlap=span.types)
    rules.update(trouble=sentence, troubled_at=now)
