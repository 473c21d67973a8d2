"""Spans as pairs of events, START and SUCCESS or ERROR, and what happened within them as events between the two."""

from collections.abc import Iterator
from dataclasses import dataclass

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from events.otlp.values import (
    Json,
    attributes,
    id_in,
    node_of,
    of_resource,
    of_scope,
    piece_named,
    time_of,
)
from events.scan import Piece

START = "otel.span.START"
SUCCESS = "otel.span.SUCCESS"
ERROR = "otel.span.ERROR"
WITHIN = "otel.span.event"
_EXCEPTION = "exception.type"


@dataclass(frozen=True, slots=True)
class Unusable:
    """A span that cannot be stored, and why."""

    why: str


def pieces_of_spans(request: ExportTraceServiceRequest) -> Iterator[list[Piece] | Unusable]:
    """Of each span its events in their order."""
    for part in request.resource_spans:
        resource = of_resource(part.resource, part.schema_url)
        node = node_of(resource)
        for scoped in part.scope_spans:
            where = {"resource": resource, "scope": of_scope(scoped.scope, scoped.schema_url)}
            for span in scoped.spans:
                yield _pieces(span, node, where)


def _pieces(span: Span, node: str, where: Json) -> list[Piece] | Unusable:
    trace_id, span_id = id_in(span.trace_id, 16), id_in(span.span_id, 8)
    if trace_id is None or span_id is None:
        return Unusable(
            f"Span '{span.name[:80]}' has no trace id of 16 bytes and span id of 8 that are not all zeroes."
        )
    parent_id = id_in(span.parent_span_id, 8)

    def event(event_type: str, nanoseconds: int, metadata: Json, told: Json) -> Json:
        found: Json = {"node_id": node, "event_type": event_type}
        if nanoseconds:
            found["timestamp"] = time_of(nanoseconds)
        found.update(correlation_id=trace_id, trace_id=trace_id, span_id=span_id)
        if parent_id:
            found["parent_span_id"] = parent_id
        return {**found, "metadata": metadata, "otel": {**told, **where}}

    named = {"operation": span.name, "span_kind": _kind(span)}
    pieces = [
        piece_named(event(START, span.start_time_unix_nano, named, {}), trace_id, span_id, "start"),
    ]
    for number, inner in enumerate(span.events):
        inside = event(
            WITHIN, inner.time_unix_nano, _happened(inner), _dropped(inner.dropped_attributes_count)
        )
        pieces.append(piece_named(inside, trace_id, span_id, "event", str(number)))
    if span.end_time_unix_nano:
        kind = ERROR if span.status.code == Status.STATUS_CODE_ERROR else SUCCESS
        end = event(kind, span.end_time_unix_nano, {**named, **_outcome(span)}, _told(span))
        pieces.append(piece_named(end, trace_id, span_id, "end"))
    return pieces


def _kind(span: Span) -> str:
    """As OpenTelemetry writes it, in small letters; a number that has no name yet stays one."""
    try:
        return Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower()
    except ValueError:
        return str(span.kind)


def _happened(inner: Span.Event) -> Json:
    found: Json = {"name": inner.name}
    if inner.attributes:
        found["attributes"] = attributes(inner.attributes)
        if isinstance(kind := found["attributes"].get(_EXCEPTION), str):
            found["error_code"] = kind
    return found


def _outcome(span: Span) -> Json:
    found: Json = {}
    took = span.end_time_unix_nano - span.start_time_unix_nano
    if span.start_time_unix_nano and took >= 0:
        found["execution_time_ms"] = took / 1_000_000
    if span.attributes:
        found["attributes"] = attributes(span.attributes)
    if span.status.code == Status.STATUS_CODE_ERROR:
        found["error_message"] = span.status.message
        if code := _error_code(span):
            found["error_code"] = code
    return found


def _error_code(span: Span) -> str:
    """`error.type`, as OpenTelemetry's conventions have it; else the last exception that was recorded."""
    found = {pair.key: pair.value.string_value for pair in span.attributes if pair.key == "error.type"}
    for inner in span.events:
        found.update(
            {pair.key: pair.value.string_value for pair in inner.attributes if pair.key == _EXCEPTION}
        )
    return found.get("error.type") or found.get(_EXCEPTION, "")


def _told(span: Span) -> Json:
    told: Json = {
        "status_code": span.status.code,
        "status_message": span.status.message,
        "trace_state": span.trace_state,
        "flags": span.flags,
        "links": [_link(link) for link in span.links],
        "dropped_events_count": span.dropped_events_count,
        "dropped_links_count": span.dropped_links_count,
        **_dropped(span.dropped_attributes_count),
    }
    return {name: value for name, value in told.items() if value}


def _link(link: Span.Link) -> Json:
    told: Json = {
        "trace_id": link.trace_id.hex(),
        "span_id": link.span_id.hex(),
        "trace_state": link.trace_state,
        "attributes": attributes(link.attributes),
        "flags": link.flags,
        **_dropped(link.dropped_attributes_count),
    }
    return {name: value for name, value in told.items() if value}


def _dropped(count: int) -> Json:
    return {"dropped_attributes_count": count} if count else {}
