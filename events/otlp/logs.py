"""Log records as events: a named one is of the subject of that name, any other an `otel.log`."""

from collections import Counter
from collections.abc import Iterator

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from events.otlp.values import (
    Json,
    attributes,
    id_in,
    node_of,
    of_resource,
    of_scope,
    piece_of,
    plain,
    time_of,
)
from events.scan import Piece

LOG = "otel.log"


def pieces_of_logs(request: ExportLogsServiceRequest) -> Iterator[list[Piece]]:
    """Of each record its one event."""
    seen: Counter[bytes] = Counter()
    for part in request.resource_logs:
        resource = of_resource(part.resource, part.schema_url)
        node = node_of(resource)
        for scoped in part.scope_logs:
            where = {"resource": resource, "scope": of_scope(scoped.scope, scoped.schema_url)}
            for record in scoped.log_records:
                event = _event(record, node, where)
                piece, digest = piece_of(event)
                if before := seen[digest]:
                    piece, _ = piece_of(event, before)
                seen[digest] += 1
                yield [piece]


def _event(record: LogRecord, node: str, where: Json) -> Json:
    event: Json = {"node_id": node, "event_type": record.event_name or LOG}
    if at := record.time_unix_nano or record.observed_time_unix_nano:
        event["timestamp"] = time_of(at)
    if trace_id := id_in(record.trace_id, 16):
        event["correlation_id"] = event["trace_id"] = trace_id
        if span_id := id_in(record.span_id, 8):
            event["span_id"] = span_id
    event["metadata"] = _payload(record) if record.event_name else _log(record)
    event["otel"] = {**_told(record), **where}
    return event


def _payload(record: LogRecord) -> Json:
    """Attributes and the members of the body; a body that is no map, or that repeats an attribute, stays one member."""
    found = attributes(record.attributes)
    if not record.HasField("body"):
        return found
    body = plain(record.body)
    if isinstance(body, dict) and found.keys().isdisjoint(body):
        return {**found, **body}
    return {**found, "body": body}


def _log(record: LogRecord) -> Json:
    found: Json = {}
    if record.HasField("body"):
        found["body"] = plain(record.body)
    if record.severity_number:
        found["severity_number"] = record.severity_number
    if record.severity_text:
        found["severity_text"] = record.severity_text
    if record.attributes:
        found["attributes"] = attributes(record.attributes)
        if isinstance(kind := found["attributes"].get("exception.type"), str):
            found["error_code"] = kind
    return found


def _told(record: LogRecord) -> Json:
    """What OpenTelemetry says of the record itself, where it says something."""
    told = {
        "severity_number": record.severity_number,
        "severity_text": record.severity_text,
        "observed_at": time_of(record.observed_time_unix_nano) if record.observed_time_unix_nano else "",
        "flags": record.flags,
        "dropped_attributes_count": record.dropped_attributes_count,
        # One that is no id is kept as it came.
        "trace_id": "" if id_in(record.trace_id, 16) else record.trace_id.hex(),
        "span_id": "" if id_in(record.span_id, 8) else record.span_id.hex(),
        "attribute_names": _beside_body(record),
    }
    return {name: value for name, value in told.items() if value}


def _beside_body(record: LogRecord) -> list[str]:
    """Which members of `metadata` were attributes, where there was a body beside them."""
    if not (record.event_name and record.attributes and record.HasField("body")):
        return []
    return [pair.key for pair in record.attributes]
