"""What the API shows of stored and quarantined events. The producer's bytes go out as they came in."""

from typing import Any

import orjson

from events.correlation import Correlation
from events.models import Event, QuarantinedEvent

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
)


def of_event(event: Event) -> dict[str, Any]:
    """The columns, and under `event` the producer's JSON, byte for byte."""
    shape = {column: getattr(event, column) for column in _COLUMNS}
    shape["event"] = orjson.Fragment(bytes(event.raw))
    return shape


def of_correlation(correlation: Correlation) -> dict[str, Any]:
    return {
        "correlation_id": correlation.correlation_id,
        "parents": correlation.parents,
        "clocks_disagree": correlation.clocks_disagree,
        "cycles": correlation.cycles,
        "cut": correlation.cut,
        "events": [
            {**of_event(step.event), "depth": step.depth, "clock_disagrees": step.clock_disagrees}
            for step in correlation.steps
        ],
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


def as_line(raw: bytes | memoryview) -> bytes:
    """An event on one line: its line breaks, which JSON has only between tokens, become spaces."""
    return bytes(raw).replace(b"\r", b" ").replace(b"\n", b" ") + b"\n"
