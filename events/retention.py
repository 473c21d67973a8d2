"""Forgetting: whole partitions where every event's time has passed, single subjects' events before that, old dedup keys.

What is removed is removed for ever, so each removal leaves an audit row.
"""

import logging
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import Q, QuerySet
from psycopg.errors import DeadlockDetected, LockNotAvailable

from access import audit
from access.actor import SYSTEM
from events import partitions
from events.cold import forget_unused
from events.fold import fold_statistics
from events.models import ClientReport, ColdPartition, CorrelationLink, EventKey, Profile
from events.recount import holds_uncounted, seal, uncounted_positions
from registry.models import Subject

log = logging.getLogger(__name__)
# Rows deleted per transaction: readers and the disk get a turn in between.
_BATCH = 5_000

_DELETE = """
DELETE FROM events_event WHERE (position, received_at) IN (
    SELECT position, received_at FROM events_event
    WHERE received_at < %s AND {} AND NOT (position > %s AND position <= %s) LIMIT %s
) RETURNING position
"""
# Statistics outlive the events that they are of: those are counted first. So many seconds of a run go into that.
_COUNT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What one run removed."""

    partitions: tuple[str, ...]
    events: int
    keys: int


def apply_retention(*, today: date | None = None, max_batches: int = 200) -> Forgotten:
    """Removes what is past its time and was counted, in bounded batches; what one run leaves, the next finds."""
    fold_statistics(seconds=_COUNT_SECONDS)
    day = today or datetime.now(UTC).date()
    own = dict(Subject.objects.filter(retention_days__isnull=False).values_list("name", "retention_days"))
    longest = max([settings.EVENT_RETENTION.days, *(days or 0 for days in own.values())])
    expired = partitions.older_than(day - timedelta(days=longest))
    dropped = tuple(name for name in expired if _drop(name))
    deleted = sum(
        _delete(_cutoff(day, days or 0), "event_type = %s", [name], name, max_batches)
        for name, days in own.items()
        if (days or 0) < longest
    )
    if settings.EVENT_RETENTION.days < longest:
        cutoff = _cutoff(day, settings.EVENT_RETENTION.days)
        deleted += _delete(cutoff, "event_type <> ALL(%s)", [list(own)], "", max_batches)
    ClientReport.objects.filter(reported_at__lt=datetime.now(UTC) - settings.CLIENT_REPORTS_KEPT).delete()
    # No event that named the parent is left then.
    _forget_rows(CorrelationLink.objects.all(), day - timedelta(days=longest), max_batches)
    keys = _forget_rows(EventKey.objects.all(), day - settings.DEDUP_HORIZON, max_batches)
    return Forgotten(dropped, deleted, keys)


def _cutoff(today: date, days: int) -> datetime:
    return datetime(today.year, today.month, today.day, tzinfo=UTC) - timedelta(days=days)


def _drop(name: str) -> bool:
    """False when somebody reads for so long that the next run has to try again."""
    try:
        with transaction.atomic():
            if holds_uncounted(partitions.day_of(name)):
                log.warning("partition %s holds events that statistics have not counted, and stays", name)
                return False
            count = partitions.drop(name)
            day = partitions.day_of(name)
            seal(Q(received_on=day))
            begin, end = partitions.bounds_of(day)
            Profile.objects.filter(received_at__gte=begin, received_at__lt=end).delete()
            ColdPartition.objects.filter(name=name).delete()
            forget_unused()
            audit.record(
                actor=SYSTEM, action="events.expired", target=f"partition/{name}", details={"events": count}
            )
    except OperationalError as problem:
        if not isinstance(problem.__cause__, LockNotAvailable | DeadlockDetected):
            raise
        log.warning("partition %s is being read and stays until the next run", name)
        return False
    return True


def _forget_rows(rows: QuerySet[Any], before: date, max_batches: int) -> int:
    """Deletes rows that came on earlier days; how many."""
    total = 0
    for _ in range(max_batches):
        batch = rows.filter(received_on__lt=before).values("pk")[:_BATCH]
        count, _ = rows.filter(pk__in=batch).delete()
        total += count
        if count < _BATCH:
            break
    return total


def _delete(cutoff: datetime, which: str, params: list[Any], subject: str, max_batches: int) -> int:
    """Deletes events of a kind received before the cutoff; how many. Stops early where a partition is being rewritten."""
    total = 0
    for _ in range(max_batches):
        try:
            count = _delete_batch(cutoff, which, params, subject)
        except OperationalError as problem:
            if not isinstance(problem.__cause__, LockNotAvailable | DeadlockDetected):
                raise
            log.warning("a partition is being rewritten: what is left of %s goes next time", subject or "*")
            break
        total += count
        if count < _BATCH:
            break
    return total


def _delete_batch(cutoff: datetime, which: str, params: list[Any], subject: str) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '5s'")
        cursor.execute(_DELETE.format(which), [cutoff, *params, *uncounted_positions(), _BATCH])
        gone = [position for (position,) in cursor.fetchall()]
        count = len(gone)
        if gone:
            Profile.objects.filter(position__in=gone).delete()
            kind = Q(event_type=subject) if subject else ~Q(event_type__in=params[0])
            seal(Q(received_on__lt=cutoff.date()) & kind)
            audit.record(
                actor=SYSTEM,
                action="events.expired",
                target=f"subject/{subject or '*'}",
                details={"events": count, "received_before": cutoff.isoformat()},
            )
    return count
