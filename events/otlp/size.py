"""How much a request becomes, before anything of it is made: each event carries its resource along."""

from collections.abc import Iterable

from django.conf import settings
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from events.errors import BodyTooLarge
from events.otlp.wire import too_many

# A record of a few bytes becomes an event of a few hundred.
_GROWTH = 16


def check_logs(request: ExportLogsServiceRequest) -> None:
    """Raises BodyTooLarge."""
    _check(
        (part.resource.ByteSize() + scoped.scope.ByteSize(), len(scoped.log_records))
        for part in request.resource_logs
        for scoped in part.scope_logs
    )


def check_spans(request: ExportTraceServiceRequest) -> None:
    """Raises BodyTooLarge."""
    _check(
        (
            part.resource.ByteSize() + scoped.scope.ByteSize(),
            sum(2 + len(span.events) for span in scoped.spans),
        )
        for part in request.resource_spans
        for scoped in part.scope_spans
    )


def _check(parts: Iterable[tuple[int, int]]) -> None:
    size = count = 0
    for shared, events in parts:
        count += events
        size += shared * events
    if count > settings.OTLP_MAX_EVENTS:
        raise too_many()
    limit = settings.INGEST_MAX_BYTES * _GROWTH
    if size > limit:
        raise BodyTooLarge(
            f"With its resource and scope in each of its {count:,} events, the body would become more than {limit:,} bytes. "
            "Nothing was stored: send less at once, or fewer attributes of the resource.",
            limit=limit,
        )
