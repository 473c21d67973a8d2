"""Requests of OTLP, made as a client makes them."""

from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.conftest import Person

PROTOBUF = "application/x-protobuf"
TRACE = bytes.fromhex("5b8efff798038103d269b633813fc60c")
# 2026-11-01T12:00:00Z and some nanoseconds.
NOON = 1_793_534_400_000_000_123


def pair(key: str, text: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=text))


def log(name: str = "", **members: Any) -> LogRecord:
    return LogRecord(**{"event_name": name, "time_unix_nano": NOON, **members})


def span(number: int = 1, **members: Any) -> Span:
    whole = {
        "trace_id": TRACE,
        "span_id": number.to_bytes(8, "big"),
        "name": f"step {number}",
        "start_time_unix_nano": NOON,
        "end_time_unix_nano": NOON + 5_000_000,
        "kind": Span.SPAN_KIND_SERVER,
        **members,
    }
    return Span(**whole)


def logs(*records: LogRecord, service: str = "shop") -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    part = request.resource_logs.add()
    part.resource.attributes.append(pair("service.name", service))
    scoped = part.scope_logs.add()
    scoped.scope.name = "shop.checkout"
    scoped.log_records.extend(records)
    return request


def traces(*spans: Span, service: str = "shop") -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    part = request.resource_spans.add()
    part.resource.attributes.append(pair("service.name", service))
    scoped = part.scope_spans.add()
    scoped.scope.name = "shop.checkout"
    scoped.spans.extend(spans)
    return request


def post(person: Person, signal: str, body: bytes, *, content_type: str = PROTOBUF, **headers: str) -> Any:
    return person.api.generic("POST", f"/v1/{signal}", body, content_type=content_type, headers=headers)


def send_logs(person: Person, *records: LogRecord) -> ExportLogsServiceResponse:
    answer = post(person, "logs", logs(*records).SerializeToString())
    assert (answer.status_code, answer["Content-Type"]) == (200, PROTOBUF), answer.content
    return ExportLogsServiceResponse.FromString(answer.content)


def send_spans(person: Person, *spans: Span) -> ExportTraceServiceResponse:
    answer = post(person, "traces", traces(*spans).SerializeToString())
    assert (answer.status_code, answer["Content-Type"]) == (200, PROTOBUF), answer.content
    return ExportTraceServiceResponse.FromString(answer.content)
