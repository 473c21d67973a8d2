"""What the API shows of stored and quarantined events. The producer's bytes go out as they came in."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import orjson

from events.correlation import Correlation, stored_events
from events.held import HeldGroup
from events.models import Event, QuarantinedEvent
from events.query import StoredEvent, versions_that_judged
from events.upcast import Upcast, upcast
from events.waterfall import Row, Waterfall
from registry.models import Version

_COLUMNS = (
    "position",
    "received_at",
    "occurred_at",
    "event_id",
    "event_type",
    "schema_version",
    "content_id",
    "node_id",
    "correlation_id",
    "parent_correlation_id",
    "trace_id",
    "span_id",
    "error_code",
    "sample_rate",
    "violations",
    "lints",
    "producer",
    "signature_verdict",
)
_columns = attrgetter(*_COLUMNS)


def of_events(events: Sequence[Event | StoredEvent], *, wanted: str = "") -> list[dict[str, Any]]:
    """The columns, which version judged, and under `event` the producer's JSON, byte for byte.

    With `wanted` it is read as that version, and `as` and the members beside it say how, or why it could not be.
    """
    judges = versions_that_judged(events)
    shapes = [_of_event(event, judges.get(event.position)) for event in events]
    if wanted:
        for shape, read in zip(shapes, upcast(events, wanted=wanted), strict=True):
            shape.update(of_upcast(read))
    return shapes


def of_upcast(read: Upcast) -> dict[str, Any]:
    return {**read.as_dict(), "event": orjson.Fragment(read.raw)}


def _of_event(event: Event | StoredEvent, judge: Version | None) -> dict[str, Any]:
    shape = dict(zip(_COLUMNS, _columns(event), strict=True))
    shape["judged_by"] = judge.semver if judge else None
    shape["event"] = orjson.Fragment(bytes(event.raw))
    return shape


def of_correlation(correlation: Correlation, waterfall: Waterfall, *, wanted: str = "") -> dict[str, Any]:
    steps = {step.moment.position: step for step in correlation.steps}
    events = stored_events(correlation)
    return {
        "correlation_id": correlation.correlation_id or None,
        "trace_id": correlation.trace_id or None,
        "root_id": correlation.root_id or None,
        "parents": correlation.parents,
        "orphans": correlation.orphans,
        "cycles": correlation.cycles,
        "clocks_disagree": correlation.clocks_disagree,
        "cut": correlation.cut,
        "began": waterfall.began,
        "total_ms": waterfall.total_ms,
        "clock_shifts_ms": waterfall.shifts,
        "start_skews_ms": waterfall.start_skews,
        "operations": [_of_row(row) for row in waterfall.rows],
        "events": [
            {**shape, "depth": step.depth, "clock_disagrees": step.clock_disagrees}
            for shape in of_events(events, wanted=wanted)
            if (step := steps[shape["position"]])
        ],
    }


def _of_row(row: Row) -> dict[str, Any]:
    named = row.span.named
    return {
        "number": row.number,
        "parent": row.parent,
        "depth": row.depth,
        "kind": named.kind,
        "operation": named.operation or None,
        "node_id": row.node_id,
        "correlation_id": row.correlation_id or None,
        "trace_id": named.trace_id,
        "span_id": named.span_id,
        "status": row.span.status,
        "error_code": next((event.error_code for event in row.span.events if event.error_code), None),
        "began_ms": row.began_ms,
        "duration_ms": row.duration_ms,
        "critical": row.critical,
        "flags": row.flags,
        "start_event_id": row.span.start and row.span.start.event_id,
        "end_event_id": row.span.end and row.span.end.event_id,
    }


def of_quarantined(event: QuarantinedEvent) -> dict[str, Any]:
    return {
        "id": event.pk,
        "event_id": event.event_id,
        "event_type": event.event_type,
        "schema_version": event.schema_version,
        "node_id": event.node_id,
        "correlation_id": event.correlation_id,
        "reason": event.reason,
        "errors": event.errors,
        "received_at": event.received_at,
        "last_seen_at": event.last_seen_at,
        "times_seen": event.times_seen,
        "producer": event.producer,
        "event": orjson.Fragment(bytes(event.raw)),
    }


def of_held_group(group: HeldGroup) -> dict[str, Any]:
    return {
        "event_type": group.event_type,
        "producer": group.producer,
        "reason": group.reason,
        "place": group.place,
        "keyword": group.keyword,
        "count": group.count,
        "times_seen": group.times_seen,
        "first_seen": group.first,
        "last_seen": group.last,
        "samples": group.samples,
        "message": group.message,
        "hours": [{"at": hour.at, "count": hour.events} for hour in group.figures.hours],
        "filters": group.filters.chosen,
    }


def as_line(raw: bytes | memoryview) -> bytes:
    """An event on one line: its line breaks, which JSON has only between tokens, become spaces."""
    return bytes(raw).replace(b"\r", b" ").replace(b"\n", b" ") + b"\n"
