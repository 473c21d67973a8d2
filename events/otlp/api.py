"""OTLP over HTTP at the server's root, where exporters look for it: parse, call, answer in the encoding of the request."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from rest_framework.request import Request
from rest_framework.views import APIView

from access.actor import Actor
from access.caller import caller
from events import decode
from events.api import body_of
from events.otlp import wire
from events.otlp.errors import NoMetrics, UnsupportedType
from events.otlp.logs import pieces_of_logs
from events.otlp.receive import Received, receive
from events.otlp.size import check_logs, check_spans
from events.otlp.spans import pieces_of_spans
from registry import problems


class OtlpView(APIView):
    """Refusals are a google.rpc.Status, also those that come before the body is looked at."""

    answer: Callable[[], Any]
    # The member of the answer's partial_success.
    count: str

    def handle_exception(self, exc: Exception) -> HttpResponse:  # type: ignore[override]  # it need not be DRF's
        said = problems.answer(exc, {"request": self.request})
        if said is None:
            raise exc
        try:
            encoding = wire.encoding_of(self.request.headers.get("Content-Type", ""))
        except UnsupportedType:
            encoding = "application/json"
        message = wire.written_status(said.status_code, str(said.data["message"]), encoding)
        headers = {name: value for name, value in said.items() if name != "Content-Type"}
        return HttpResponse(message, status=said.status_code, content_type=encoding, headers=headers)

    def post(self, request: Request) -> HttpResponse:
        actor = caller(request)
        # Who may not send events costs no more than this question.
        actor.require("ingest")
        encoding = wire.encoding_of(request.headers.get("Content-Type", ""))
        body = decode.plain_body(
            body_of(request._request), encoding=request.headers.get("Content-Encoding", "")
        )
        received = self.take(actor, body, encoding)
        answer = self.answer()
        if received.message:
            setattr(answer.partial_success, self.count, received.rejected)
            answer.partial_success.error_message = received.message
        return HttpResponse(wire.written(answer, encoding), content_type=encoding)

    @abstractmethod
    def take(self, actor: Actor, body: bytes, encoding: wire.Encoding) -> Received: ...


@extend_schema(exclude=True)
class Logs(OtlpView):
    answer = ExportLogsServiceResponse
    count = "rejected_log_records"

    def take(self, actor: Actor, body: bytes, encoding: wire.Encoding) -> Received:
        export = wire.read(body, ExportLogsServiceRequest(), encoding=encoding)
        check_logs(export)
        return receive(actor=actor, records=pieces_of_logs(export))


@extend_schema(exclude=True)
class Traces(OtlpView):
    answer = ExportTraceServiceResponse
    count = "rejected_spans"

    def take(self, actor: Actor, body: bytes, encoding: wire.Encoding) -> Received:
        export = wire.read(body, ExportTraceServiceRequest(), encoding=encoding)
        check_spans(export)
        return receive(actor=actor, records=pieces_of_spans(export))


@extend_schema(exclude=True)
class Metrics(OtlpView):
    def take(self, actor: Actor, body: bytes, encoding: wire.Encoding) -> Received:
        raise NoMetrics(
            "The registry takes no metrics: it keeps events. Set OTEL_METRICS_EXPORTER=none, or send metrics elsewhere; "
            "the registry's own are at /metrics."
        )
