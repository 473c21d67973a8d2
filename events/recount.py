"""Statistics counted anew from what the log still holds, day by day, and what is forgotten of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max, Min, Q, QuerySet

from access import audit
from access.actor import Actor
from events import partitions
from events.fold import BATCH, fold_rows, recount_quarantine, tiers
from events.models import Event, Failure, LogHead, Statistic, StatisticsCursor

# Rows forgotten per transaction.
_BATCH = 5_000
_FORGET = """
DELETE FROM events_statistic WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM events_statistic WHERE step = %s AND bucket < %s LIMIT %s
))
"""
_FORGET_FAILURES = """
DELETE FROM events_failure WHERE id = ANY(ARRAY(SELECT id FROM events_failure WHERE received_on < %s LIMIT %s))
"""
_ORPHANED_DAYS = "SELECT DISTINCT (received_at AT TIME ZONE 'UTC')::date FROM events_event_rest"


@dataclass(frozen=True, slots=True)
class Recounted:
    """What a rebuild did. `kept` are cells (a day of arrival and an event type) of which the log no longer holds all events."""

    days: int
    events: int
    kept: int


def rebuild_statistics(*, actor: Actor, told: Callable[[int, int], None] = lambda *_: None) -> Recounted:
    """Counts every event up to the cursor anew; tells how many of how many are done.

    One transaction a day of arrival, in which folding waits; killed in between, the days that are done are done. What the
    log no longer holds keeps the counts it has. Raises Forbidden.
    """
    actor.require_everywhere("admin")
    days = _days()
    until = StatisticsCursor.objects.get().position
    total, done = sum(_of_day(day, until).count() for day in days), 0
    kept = 0
    for day in days:
        done = _rebuild_day(day, done, lambda now: told(now, total))
        kept += _sealed_on(day).count()
    with transaction.atomic():
        _lock()
        recount_quarantine()
        details: dict[str, object] = {"days": len(days), "events": done, "kept": kept}
        audit.record(actor=actor, action="statistics.rebuilt", target="statistics", details=details)
    return Recounted(len(days), done, kept)


def seal(which: Q) -> None:
    """Notes that the log is about to lose events that these rows count, or what they were counted by; within the caller's transaction."""
    _lock()
    Statistic.objects.filter(which, quarantined=False, sealed=False).update(sealed=True)


def holds_uncounted(day: date) -> bool:
    """Whether some events received on that day are not counted yet."""
    begin, end = partitions.bounds_of(day)
    after, until = uncounted_positions()
    held = Event.objects.filter(received_at__gte=begin, received_at__lt=end)
    return after < until and held.filter(position__gt=after, position__lte=until).exists()


def uncounted_positions() -> tuple[int, int]:
    """After the first and up to the second: the log moves on while this runs, so that there may be some."""
    return StatisticsCursor.objects.get().position, LogHead.objects.get().position


def forget_old(*, today: date | None = None, max_batches: int = 200) -> int:
    """Deletes stretches, and days of failures, that are older than their kind is kept; how many."""
    total = sum(
        _forget(_FORGET, [tier.step.total_seconds(), tier.since(today)], max_batches) for tier in tiers()
    )
    kept_since = (today or datetime.now(UTC).date()) - settings.FAILURES_KEPT
    return total + _forget(_FORGET_FAILURES, [kept_since], max_batches)


def _forget(statement: str, asked: list[float | date], max_batches: int) -> int:
    total = 0
    for _ in range(max_batches):
        with transaction.atomic(), connection.cursor() as cursor:
            _lock()
            cursor.execute(statement, [*asked, _BATCH])
            count = cursor.rowcount
        total += count
        if count < _BATCH:
            break
    return total


def _lock() -> StatisticsCursor:
    """Whoever changes statistics holds the row of the cursor; within the caller's transaction."""
    return StatisticsCursor.objects.select_for_update().get()


def _days() -> list[date]:
    with connection.cursor() as cursor:
        cursor.execute(_ORPHANED_DAYS)
        orphaned = {day for (day,) in cursor.fetchall()}
    return sorted(orphaned | set(partitions.existing().values()))


def _sealed_on(day: date) -> QuerySet[Statistic, str]:
    sealed = Statistic.objects.filter(received_on=day, quarantined=False, sealed=True)
    return sealed.order_by().values_list("event_type", flat=True).distinct()


def _of_day(day: date, until: int) -> QuerySet[Event]:
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
    rows = Event.objects.filter(received_at__gte=begin, received_at__lt=begin + timedelta(days=1))
    return rows.filter(position__lte=until).exclude(event_type__in=list(_sealed_on(day)))


def _rebuild_day(day: date, done: int, told: Callable[[int], None]) -> int:
    """How many events are done with those of this day."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            # As long as a day takes, and as long as somebody else's day takes.
            cursor.execute("SET LOCAL statement_timeout = 0")
            cursor.execute("SET LOCAL lock_timeout = 0")
        rows = _of_day(day, _lock().position)
        Failure.objects.filter(received_on=day).exclude(event_type__in=list(_sealed_on(day))).delete()
        Statistic.objects.filter(received_on=day, quarantined=False, sealed=False).delete()
        ends = rows.aggregate(first=Min("position"), last=Max("position"))
        first, last = ends["first"] or 1, ends["last"] or 0
        for after in range(first - 1, last, BATCH):
            done += fold_rows(rows.filter(position__gt=after, position__lte=after + BATCH))
            told(done)
    return done
