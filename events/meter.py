"""Counters of the log for monitoring: each batch that is folded into the statistics is counted here in the same transaction.

They are rows, so that they are right whichever process is asked, and go on after a restart. A metric has METRICS_MAX_SERIES
series; what would be one more counts under the label "_other", so that made-up names of nodes cannot fill the monitoring.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import F, FloatField, Func, IntegerField, QuerySet
from django.db.models.expressions import RawSQL

from events.models import Event, Meter
from events.spans import phase_of

OTHER = "_other"


@dataclass(frozen=True, slots=True)
class Metric:
    """`bounds` are the upper ends of the buckets of a histogram; a counter has none."""

    name: str
    labels: tuple[str, ...]
    bounds: tuple[float, ...] = ()


EVENTS = Metric("onex_events", ("event_type", "node_id", "status"))
VIOLATING = Metric("onex_events_violating", ("event_type",))
SIZES = Metric("onex_event_size_bytes", ("event_type",), (256, 1024, 4096, 16384, 65536, 262144, 1048576))
DURATIONS = Metric(
    "onex_operation_duration_seconds",
    ("node_id", "operation"),
    (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0),
)
EMITTED = Metric("onex_events_emitted", ("service",))
FAILED = Metric("onex_events_failed", ("service",))
METRICS = (EVENTS, VIOLATING, EMITTED, FAILED, SIZES, DURATIONS)
# What the phase of an event type says of the operation.
_STATUS = {"START": "started", "SUCCESS": "succeeded", "FAILURE": "failed", "ERROR": "failed"}


@dataclass(slots=True)
class _Added:
    """What a batch adds to one series."""

    count: int = 0
    total: float = 0.0
    buckets: list[int] = field(default_factory=list)


def meter(rows: QuerySet[Event], *, took: str) -> None:
    """Counts stored events, within the transaction of the caller, who sees to it that each is counted once.

    `took` is the SQL of an event's duration in milliseconds, null where it has none.
    """
    for metric, added in _counted(rows, took):
        _add(metric, added)


def meter_report(*, service: str, emitted: int, lost: int) -> None:
    """Counts what a program's process tells in addition to its word before."""
    for metric, count in ((EMITTED, emitted), (FAILED, lost)):
        if count > 0:
            _add(metric, {(service,): _Added(count)})


def _counted(rows: QuerySet[Event], took: str) -> Iterable[tuple[Metric, dict[tuple[str, ...], _Added]]]:
    measured = (
        rows.order_by()
        .values("event_type", "node_id")
        .annotate(
            operation=RawSQL("coalesce(left(document #>> '{metadata,operation}', 255), '')", []),
            bad=RawSQL("(violations IS NOT NULL)", []),
            size=Func(F("raw"), function="octet_length", output_field=IntegerField()),
            took=RawSQL(took, [], output_field=FloatField()),  # noqa: S611 -- a constant
        )
    )
    sql, parameters = measured.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(_GROUPED.format(events=sql), [*parameters, list(SIZES.bounds), list(DURATIONS.bounds)])
        found = cursor.fetchall()
    return _by_metric(found)


def _by_metric(found: Sequence[Any]) -> Iterable[tuple[Metric, dict[tuple[str, ...], _Added]]]:
    series: dict[Metric, dict[tuple[str, ...], _Added]] = {metric: {} for metric in METRICS}

    def add(metric: Metric, labels: tuple[str, ...], count: int, total: float = 0.0, bucket: int = 0) -> None:
        one = series[metric].setdefault(
            labels, _Added(buckets=[0] * (len(metric.bounds) + 1 if metric.bounds else 0))
        )
        one.count += count
        one.total += total
        if one.buckets:
            one.buckets[bucket] += count

    for kind, event_type, node, operation, bad, bucket, count, total in found:
        if kind == "event":
            add(EVENTS, (event_type, node, _STATUS.get(phase_of(event_type), "other")), count)
            if bad:
                add(VIOLATING, (event_type,), bad)
        elif kind == "size":
            add(SIZES, (event_type,), count, total, bucket)
        else:
            add(DURATIONS, (node, operation), count, total, bucket)
    return series.items()


def _add(metric: Metric, added: Mapping[tuple[str, ...], _Added]) -> None:
    if not added:
        return
    known = {
        tuple(labels) for labels in Meter.objects.filter(metric=metric.name).values_list("labels", flat=True)
    }
    room = max(settings.METRICS_MAX_SERIES - len(known), 0)
    fresh = dict.fromkeys(sorted(set(added) - known)[:room])
    kept: dict[tuple[str, ...], _Added] = {}
    for labels, one in added.items():
        place = labels if labels in known or labels in fresh else (OTHER,) * len(metric.labels)
        kept[place] = _sum(kept.get(place), one)
    with connection.cursor() as cursor:
        cursor.executemany(
            _UPSERT,
            [
                (metric.name, list(labels), one.count, one.total, one.buckets)
                for labels, one in sorted(kept.items())
            ],
        )


def _sum(one: _Added | None, other: _Added) -> _Added:
    if one is None:
        return other
    buckets = [sum(pair) for pair in zip(one.buckets, other.buckets, strict=True)]
    return _Added(one.count + other.count, one.total + other.total, buckets)


# width_bucket counts a value that equals a bound to the next bucket, and a bucket of Prometheus holds its upper bound: hence
# the bounds from above.
_GROUPED = """
WITH event AS MATERIALIZED (SELECT * FROM ({events}) AS measured),
sized AS (SELECT event_type, size, cardinality(bounds) - width_bucket(-size, (
        SELECT array_agg(-bound ORDER BY -bound) FROM unnest(bounds) AS bound)) AS bucket
    FROM event, (SELECT %s::float8[] AS bounds) AS given),
timed AS (SELECT node_id, operation, took / 1000 AS took, cardinality(bounds) - width_bucket(-took / 1000, (
        SELECT array_agg(-bound ORDER BY -bound) FROM unnest(bounds) AS bound)) AS bucket
    FROM event, (SELECT %s::float8[] AS bounds) AS given WHERE took IS NOT NULL)
SELECT 'event', event_type, node_id, NULL, count(*) FILTER (WHERE bad), NULL, count(*), 0::float8
FROM event GROUP BY event_type, node_id
UNION ALL SELECT 'size', event_type, NULL, NULL, 0, bucket, count(*), sum(size)::float8 FROM sized GROUP BY event_type, bucket
UNION ALL SELECT 'took', NULL, node_id, operation, 0, bucket, count(*), sum(took) FROM timed GROUP BY node_id, operation, bucket
"""
_UPSERT = """
INSERT INTO events_meter AS kept (metric, labels, count, total, buckets) VALUES (%s, %s, %s, %s, %s::bigint[])
ON CONFLICT (metric, labels) DO UPDATE SET count = kept.count + excluded.count, total = kept.total + excluded.total,
    buckets = ARRAY(SELECT a + b FROM unnest(kept.buckets, excluded.buckets) WITH ORDINALITY AS both_of_them (a, b, place)
        ORDER BY place)
"""
