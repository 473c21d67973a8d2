"""Statistics by incremental roll-ups: batches of the log are folded into counters, each event exactly once.

The cursor and the counters change in one transaction, under the lock of the cursor's row: a killed worker has done nothing,
and of two workers the second finds nothing to do. Counters belong to the time at which events happened, so that a late
event is added where it belongs, however late it is.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, FloatField, Func, IntegerField, QuerySet
from django.db.models.expressions import RawSQL

from events.clocks import PLAUSIBLE_AHEAD, PLAUSIBLE_FROM
from events.meter import meter
from events.models import Event, LogHead, QuarantineTally, Statistic, StatisticsCursor
from events.note_profiles import note_profiles
from events.query import versions_that_judged
from events.sketch import LARGEST, SMALLEST, SQL_BIN

#: Events folded in one transaction.
BATCH = 20_000
# A Monday: weeks begin there.
ORIGIN = "2000-01-03 00:00:00+00"
# A sampled event stands for 1/sample_rate events, counted in millionths.
WEIGHT = 1_000_000


class Tier(NamedTuple):
    """Rows of one length, and for how long they are kept."""

    step: timedelta
    kept: timedelta

    def since(self, today: date | None = None) -> datetime:
        """What happened earlier is no longer in its rows."""
        day = today or datetime.now(UTC).date()
        return datetime(day.year, day.month, day.day, tzinfo=UTC) - self.kept


def tiers() -> tuple[Tier, ...]:
    """The finest first."""
    return (
        Tier(timedelta(minutes=5), settings.STATISTICS_5_MINUTES_KEPT),
        Tier(timedelta(hours=1), settings.STATISTICS_HOURS_KEPT),
        Tier(timedelta(days=1), settings.STATISTICS_DAYS_KEPT),
    )


@dataclass(frozen=True, slots=True)
class Lag:
    """How far behind the statistics are: events of the log, and steps of the quarantine, that are not counted yet."""

    position: int
    waiting: int
    quarantine_waiting: int


def lag() -> Lag:
    cursor, head = StatisticsCursor.objects.get().position, LogHead.objects.get().position
    return Lag(cursor, max(head - cursor, 0), QuarantineTally.objects.count())


def fold_statistics(
    *,
    seconds: float = 5.0,
    batch: int = BATCH,
    stopping: Callable[[], bool] = lambda: False,
) -> int:
    """Folds what waits, or what can be folded in so many seconds; how many events it were.

    Nothing, too, while another worker is at it. What comes in meanwhile rings its own bell: small batches cost several
    times as much by the event, and run after a log that is being filled would take the time from filling it.
    """
    total, until = 0, time.monotonic() + seconds
    while found := _fold_batch(batch):
        total += found
        if found < batch or stopping() or time.monotonic() > until:
            break
    return total


def _fold_batch(size: int) -> int:
    with transaction.atomic():
        cursor = StatisticsCursor.objects.select_for_update(skip_locked=True).first()
        if cursor is None:
            return 0
        tallied = _fold_tallies(size)
        until = min(cursor.position + size, LogHead.objects.get().position)
        folded = until - cursor.position
        if folded:
            rows = Event.objects.filter(position__gt=cursor.position, position__lte=until)
            fold_rows(rows)
            # Not where days are counted anew: these counters only grow.
            meter(rows, took=_TOOK)
            cursor.position = until
            cursor.save()
    return folded + tallied


def _fold_tallies(size: int) -> int:
    """What came into quarantine and what was released: rows are taken away as they are counted, so none is skipped."""
    ids = list(QuarantineTally.objects.order_by("pk").values_list("pk", flat=True)[:size])
    if ids:
        _fold(_TALLIED, [ids], quarantined=True)
    return len(ids)


def recount_quarantine() -> None:
    """Counts anew what waits in quarantine, within the caller's transaction, which holds the cursor's lock.

    One statement counts the rows and takes their tallies away: both as of the same moment.
    """
    Statistic.objects.filter(quarantined=True).delete()
    _fold(_WAITING, [], quarantined=True)


def fold_rows(rows: QuerySet[Event]) -> int:
    """Adds stored events to the counters, and notes profiles, within the caller's transaction, which holds the cursor's lock; how many."""
    note_profiles(rows)
    labels = _labels_of(rows)
    sql, parameters = _measured(rows).query.sql_with_params()
    return _fold(_STORED.format(events=sql), [*parameters, *labels], quarantined=False)


def _fold(source: str, parameters: Sequence[Any], *, quarantined: bool) -> int:
    clock: list[Any] = [PLAUSIBLE_FROM, settings.STATISTICS_DAYS_KEPT, PLAUSIBLE_AHEAD]
    # What would be forgotten at once is not written.
    lengths: list[Any] = [value for tier in tiers() for value in (tier.step, tier.since())]
    with connection.cursor() as cursor:
        # A batch is grouped in memory: the default would write it to the disk on the way.
        cursor.execute("SET LOCAL work_mem = '64MB'")
        cursor.execute(_FOLD.format(source=source), [*parameters, *clock, *lengths, quarantined])
        return int(cursor.fetchone()[0])


def _measured(rows: QuerySet[Event]) -> QuerySet[Event, Any]:
    """The columns that are counted."""
    measured: QuerySet[Event, Any] = rows.order_by().values(
        "event_type",
        "content_id",
        "schema_version",
        "producer",
        "received_at",
        "occurred_at",
        "sample_rate",
        bad=RawSQL("violations IS NOT NULL", []),
        size=Func(F("raw"), function="octet_length", output_field=IntegerField()),
        took=RawSQL(_TOOK, [], output_field=FloatField()),  # noqa: S611 -- a constant
    )
    return measured


def _labels_of(rows: QuerySet[Event]) -> tuple[list[str], list[int], list[str], list[str]]:
    """By event type, content and label as sent, the label of the version that judged: four columns of one table."""
    kinds = rows.filter(content_id__isnull=False).order_by("event_type", "content_id", "schema_version")
    kinds = kinds.distinct("event_type", "content_id", "schema_version")
    events = list(kinds.only("position", "received_at", "event_type", "content_id", "schema_version"))
    versions = versions_that_judged(events)
    found = [event for event in events if event.position in versions]
    return (
        [event.event_type for event in found],
        [event.content_id or 0 for event in found],
        [event.schema_version for event in found],
        [versions[event.position].semver for event in found],
    )


# What is no number, below zero or beyond all reason was not measured, and what is smaller than a bin is nothing. Compared as
# numeric: jsonb holds what no double does, and one such event would keep all others from being counted.
_TOOK = f"""CASE WHEN jsonb_typeof(document #> '{{metadata,execution_time_ms}}') = 'number' THEN
    CASE WHEN (document #>> '{{metadata,execution_time_ms}}')::numeric BETWEEN 0 AND {LARGEST!r}
    THEN CASE WHEN (document #>> '{{metadata,execution_time_ms}}')::numeric < {SMALLEST!r} THEN 0
    ELSE (document #>> '{{metadata,execution_time_ms}}')::float8 END END END"""
_STORED = """counted AS (
    SELECT event.event_type, event.producer, coalesce(label.version, '') AS version, event.received_at, event.occurred_at,
        event.sample_rate, event.bad, event.size, event.took, 1 AS times
    FROM ({events}) AS event
    LEFT JOIN unnest(%s::text[], %s::bigint[], %s::text[], %s::text[]) AS label (event_type, content_id, sent, version)
        ON label.event_type = event.event_type AND label.content_id = event.content_id
        AND label.sent = event.schema_version
)"""
_HELD = """SELECT event_type, producer, schema_version AS version, received_at, occurred_at, sample_rate, false AS bad,
        octet_length(raw) AS size, NULL::float8 AS took"""
_TALLIED = f"""taken AS (DELETE FROM events_quarantinetally WHERE id = ANY(%s) RETURNING quarantined_id, times),
counted AS ({_HELD}, times FROM taken JOIN events_quarantinedevent AS held ON held.id = quarantined_id)"""  # noqa: S608 -- constants of this module
_WAITING = f"""taken AS (DELETE FROM events_quarantinetally),
counted AS ({_HELD}, 1 AS times FROM events_quarantinedevent WHERE released_at IS NULL)"""  # noqa: S608
_SERIES = "event_type, producer, version, received_on"
_KEY = "step, event_type, bucket, version, producer, received_on, quarantined"


def _merged(kind: str) -> str:
    """Two histograms as one."""
    return f"""({kind}_bins, {kind}_weights) = (
        SELECT coalesce(array_agg(bin ORDER BY bin), '{{{{}}}}'), coalesce(array_agg(weight ORDER BY bin), '{{{{}}}}')
        FROM (
            SELECT bin, sum(weight)::bigint AS weight FROM (
                SELECT * FROM unnest(kept.{kind}_bins, kept.{kind}_weights)
                UNION ALL SELECT * FROM unnest(excluded.{kind}_bins, excluded.{kind}_weights)
            ) AS both_of_them (bin, weight) GROUP BY bin HAVING sum(weight) <> 0
        ) AS merged
    )"""  # noqa: S608 -- of two names of columns


def _histogram(kind: str, number: int) -> str:
    """The bins and the weights of a grouping set."""
    which = f"FILTER (WHERE kind = {number} AND {kind}_bin IS NOT NULL AND weight <> 0)"
    return f"""coalesce(array_agg({kind}_bin ORDER BY {kind}_bin) {which}, '{{{{}}}}') AS {kind}_bins,
        coalesce(array_agg(weight ORDER BY {kind}_bin) {which}, '{{{{}}}}') AS {kind}_weights"""


# Each event is looked at once: sums and histograms come from one pass over the batch, by the finest stretches, and coarser
# ones are made of these. Series have numbers on the way, because grouping by four texts takes most of the time.
_FOLD = f"""
WITH {{source}},
timed AS (
    SELECT *, occurred_at BETWEEN greatest(%s, received_at - %s) AND received_at + %s AS plausible FROM counted
),
placed AS MATERIALIZED (
    SELECT event_type, producer, version, times, bad, received_at, NOT plausible AS misdated,
        (received_at AT TIME ZONE 'UTC')::date AS received_on,
        date_bin('5 minutes', CASE WHEN plausible THEN occurred_at ELSE received_at END, '{ORIGIN}') AS at,
        round({WEIGHT} / sample_rate)::bigint * times AS weight,
        {SQL_BIN.format(value="size")} AS size_bin, {SQL_BIN.format(value="took")} AS time_bin
    FROM timed
),
series AS MATERIALIZED (
    SELECT {_SERIES}, row_number() OVER ()::int AS number FROM placed GROUP BY {_SERIES}
),
part AS (
    SELECT number, at, size_bin, time_bin, GROUPING(size_bin, time_bin)::smallint AS kind, sum(times)::bigint AS events,
        sum(weight)::bigint AS weight, sum(times) FILTER (WHERE bad)::bigint AS violating,
        sum(weight) FILTER (WHERE bad)::bigint AS violating_weight,
        sum(times) FILTER (WHERE misdated)::bigint AS misdated, max(received_at) FILTER (WHERE times > 0) AS last_seen
    FROM placed JOIN series USING ({_SERIES})
    GROUP BY GROUPING SETS ((number, at), (number, at, size_bin), (number, at, time_bin))
),
tier (seconds, step, since) AS (
    SELECT extract(epoch FROM step)::int, step, since
    FROM (VALUES (%s::interval, %s::timestamptz), (%s, %s), (%s, %s)) AS given (step, since)
),
rolled AS (
    SELECT seconds, number, date_bin(step, at, '{ORIGIN}') AS bucket, kind, size_bin, time_bin,
        sum(events)::bigint AS events, sum(weight)::bigint AS weight, sum(violating)::bigint AS violating,
        sum(violating_weight)::bigint AS violating_weight, sum(misdated)::bigint AS misdated, max(last_seen) AS last_seen
    FROM part JOIN tier ON at >= since
    GROUP BY seconds, number, bucket, kind, size_bin, time_bin
),
whole AS (
    SELECT seconds, number, bucket,
        sum(events) FILTER (WHERE kind = 3) AS events, sum(weight) FILTER (WHERE kind = 3) AS weight,
        coalesce(sum(violating) FILTER (WHERE kind = 3), 0) AS violating,
        coalesce(sum(violating_weight) FILTER (WHERE kind = 3), 0) AS violating_weight,
        coalesce(sum(misdated) FILTER (WHERE kind = 3), 0) AS misdated, max(last_seen) AS last_seen,
        {_histogram("size", 1)}, {_histogram("time", 2)}
    FROM rolled GROUP BY seconds, number, bucket
),
written AS (INSERT INTO events_statistic AS kept ({_KEY}, events, weight, violating, violating_weight, misdated, last_seen,
    size_bins, size_weights, time_bins, time_weights, sealed)
SELECT seconds, event_type, bucket, version, producer, received_on, %s, events, weight, violating, violating_weight,
    misdated, last_seen, size_bins, size_weights, time_bins, time_weights, false
FROM whole JOIN series USING (number)
ON CONFLICT ({_KEY}) DO UPDATE SET
    events = kept.events + excluded.events,
    weight = kept.weight + excluded.weight,
    violating = kept.violating + excluded.violating,
    violating_weight = kept.violating_weight + excluded.violating_weight,
    misdated = kept.misdated + excluded.misdated,
    last_seen = greatest(kept.last_seen, excluded.last_seen),
    {_merged("size")},
    {_merged("time")})
SELECT count(*) FROM counted
"""  # noqa: S608 -- constants of this module
