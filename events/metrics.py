"""What /metrics says of events: the counters of events.meter, and what waits now."""

from collections.abc import Iterable, Iterator

from django.conf import settings
from django.db import connection
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from events.fold import lag
from events.meter import METRICS, OTHER
from events.meter import Metric as Metered
from events.models import Export, Meter, QuarantinedEvent, Redrive, Replay

_TOLD = {
    "onex_events": "Events that were stored, by what their type says of an operation: started, succeeded, failed or other.",
    "onex_events_violating": "Stored events that violate their schema.",
    "onex_events_emitted": "Events that programs emitted with the SDK, as they report.",
    "onex_events_failed": "Of these, the ones that are lost: refused by the registry, or dropped before they were sent.",
    "onex_event_size_bytes": "Bytes of stored events, as they were sent.",
    "onex_operation_duration_seconds": "execution_time_ms of stored events.",
}


def events() -> Iterator[Metric]:
    for metric in METRICS:
        yield _family(metric)
    yield _active()
    yield from _waiting()


def _family(metric: Metered) -> Metric:
    rows = Meter.objects.filter(metric=metric.name).order_by("labels")
    if not metric.bounds:
        counter = CounterMetricFamily(metric.name, _TOLD[metric.name], labels=metric.labels)
        for row in rows:
            counter.add_metric(row.labels, row.count)
        return counter
    histogram = HistogramMetricFamily(metric.name, _TOLD[metric.name], labels=metric.labels)
    ends = [*map(str, map(float, metric.bounds)), "+Inf"]
    for row in rows:
        histogram.add_metric(row.labels, list(zip(ends, _cumulated(row.buckets), strict=True)), row.total)
    return histogram


def _cumulated(buckets: Iterable[int]) -> Iterator[int]:
    so_far = 0
    for count in buckets:
        so_far += count
        yield so_far


# An operation is active from its START until an event of the same correlation, node and operation ends it. What is older
# than OPERATION_INCOMPLETE_AFTER counts as incomplete instead; so many events are looked at most.
_LOOKED_AT = 100_000
_ACTIVE = """
WITH recent AS MATERIALIZED (
    SELECT event_type, node_id, correlation_id, document #>> '{metadata,operation}' AS operation
    FROM events_event
    WHERE position > (SELECT position - %s FROM events_loghead) AND received_at > now() - make_interval(secs => %s) AND replay_id IS NULL
        AND event_type ~* '[._](START|SUCCESS|FAILURE|ERROR)$'
), open AS (
    SELECT node_id, sum(CASE WHEN event_type ~* 'START$' THEN 1 ELSE -1 END) AS times
    FROM recent GROUP BY node_id, correlation_id, operation, regexp_replace(event_type, '[^._]+$', '')
)
SELECT node_id, sum(times)::bigint FROM open WHERE times > 0 GROUP BY node_id ORDER BY 2 DESC, 1
"""


def _active() -> Metric:
    gauge = GaugeMetricFamily(
        "onex_active_operations",
        f"Operations that have started and not ended, among the latest {_LOOKED_AT:,} events.",
        labels=["node_id"],
    )
    with connection.cursor() as cursor:
        cursor.execute(_ACTIVE, [_LOOKED_AT, settings.OPERATION_INCOMPLETE_AFTER.total_seconds()])
        found = cursor.fetchall()
    shown, rest = found[: settings.METRICS_MAX_SERIES], found[settings.METRICS_MAX_SERIES :]
    for node, count in shown:
        gauge.add_metric([node], count)
    if rest:
        gauge.add_metric([OTHER], sum(count for _, count in rest))
    return gauge


def _waiting() -> Iterator[Metric]:
    behind = lag()
    uncounted = GaugeMetricFamily("onex_statistics_lag_events", "Stored events that are not counted yet.")
    uncounted.add_metric([], behind.waiting)
    yield uncounted
    held = GaugeMetricFamily("onex_quarantined_events", "Events that wait in quarantine.")
    held.add_metric([], QuarantinedEvent.objects.filter(released_at__isnull=True).count())
    yield held
    depth = GaugeMetricFamily("onex_queue_depth", "Work that is asked for and not done.", labels=["queue"])
    depth.add_metric(["replays"], Replay.objects.filter(state__in=Replay.LIVE).count())
    depth.add_metric(["exports"], Export.objects.running().count())
    depth.add_metric(["redrives"], Redrive.objects.running().count())
    yield depth
