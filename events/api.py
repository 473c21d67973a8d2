"""The REST door of events: parse, call, answer."""

import json
from collections.abc import Sequence
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from access.keyset import PAGING, Page, page_answer, page_schema
from events import decode, shapes
from events.correlation import Correlation, correlate, correlate_trace
from events.dot import as_dot
from events.errors import InvalidQuery
from events.ingest import ingest_events
from events.models import Event
from events.query import Filters, find_event, yes_or_no
from events.search import search_events
from events.signatures import SENTENCES
from events.upcast import read_as, upcast
from events.verify import signature_of

_NDJSON = "application/x-ndjson"
_MAX_LIMIT = 1_000

EVENT_PAGING = [
    *PAGING,
    OpenApiParameter("limit", int, description=f"Events per page, at most {_MAX_LIMIT}; 100 by default."),
]
FILTERS = [
    OpenApiParameter("type", description="Event type; `*` stands for any text."),
    OpenApiParameter("node", description="The beginning of the node's name."),
    OpenApiParameter("correlation_id"),
    OpenApiParameter("trace_id"),
    OpenApiParameter(
        "error_code",
        description="A code of a taxonomy in any spelling, with the codes below it; or an area, such as `ONEX_STAMP`.",
    ),
    OpenApiParameter("error_pattern", description="What a failure says, as `GET /api/v1/failures` has it."),
    OpenApiParameter("valid", bool, description="Only valid events, or only those with violations."),
    OpenApiParameter(
        "since", OpenApiTypes.DATETIME, description="By the producers' clocks; without a zone UTC."
    ),
    OpenApiParameter("until", OpenApiTypes.DATETIME),
    OpenApiParameter(
        "where", description="Conditions on fields: `metadata.amount >= 3 and metadata.note exists`."
    ),
    OpenApiParameter(
        "signature", enum=list(SENTENCES), description="What was found about it when the event came."
    ),
    OpenApiParameter("pointer", description="With a violation at this JSON Pointer."),
    OpenApiParameter("keyword", description="With a violation of this keyword."),
]


AS = OpenApiParameter(
    "as",
    description="Read events as this version of their subject: a range such as `^2`, an exact one, a number or `latest`.",
)


class ProblemAnswer(serializers.Serializer[Any]):
    code = serializers.CharField()
    pointer = serializers.CharField()
    keyword = serializers.CharField()
    message = serializers.CharField()


class OutcomeAnswer(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    event_id = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(
        ["stored", "stored_with_violations", "duplicate", "conflict", "quarantined", "rejected"]
    )
    schema_version = serializers.CharField(allow_null=True)
    errors = ProblemAnswer(many=True)  # type: ignore[assignment]  # a field, which the metaclass takes away
    lints = serializers.ListField(child=serializers.CharField(), help_text="What was odd but accepted.")


class EventAnswer(serializers.Serializer[Any]):
    position = serializers.IntegerField()
    received_at = serializers.DateTimeField()
    occurred_at = serializers.DateTimeField()
    event_id = serializers.CharField()
    event_type = serializers.CharField()
    schema_version = serializers.CharField(help_text="As sent; empty when nothing was said.")
    judged_by = serializers.CharField(
        allow_null=True, help_text="The version whose schema judged it; null when none did."
    )
    content_id = serializers.IntegerField(allow_null=True)
    node_id = serializers.CharField()
    correlation_id = serializers.CharField(allow_null=True)
    parent_correlation_id = serializers.CharField(allow_null=True)
    trace_id = serializers.CharField(allow_null=True)
    span_id = serializers.CharField(allow_null=True)
    error_code = serializers.CharField(allow_null=True)
    sample_rate = serializers.FloatField()
    violations = ProblemAnswer(many=True, allow_null=True)
    lints = serializers.ListField(child=serializers.CharField(), allow_null=True)
    producer = serializers.CharField()
    signature_verdict = serializers.CharField(
        allow_null=True, help_text="What was found about its signature when it came; null: nobody looked."
    )
    event = serializers.JSONField(help_text="The producer's JSON, byte for byte.")


class ReadEventAnswer(EventAnswer):
    """With `as` only: how the event was read as another version, or why it could not be."""

    migrated_from = serializers.CharField(
        required=False, allow_null=True, help_text="The version it was written as."
    )
    migration_path = serializers.ListField(
        required=False, child=serializers.DictField(), help_text="Each step from one version to the next."
    )
    ambiguous = serializers.BooleanField(required=False, help_text="Another way was as short.")
    not_migrated = serializers.DictField(
        required=False, allow_null=True, help_text="Why `event` is as it was sent: code, pointer and message."
    )

    def get_fields(self) -> dict[str, Any]:
        told = serializers.CharField(
            required=False, allow_null=True, help_text="The version `event` is read as; null: as sent."
        )
        # A word of the language, so no name of a field here.
        return {**super().get_fields(), "as": told}


class PlacedEventAnswer(ReadEventAnswer):
    depth = serializers.IntegerField()
    clock_disagrees = serializers.BooleanField()


class OperationAnswer(serializers.Serializer[Any]):
    number = serializers.IntegerField(
        help_text="Its row in the whole tree, from 0; each stands under its parent's."
    )
    parent = serializers.IntegerField(allow_null=True)  # type: ignore[assignment]  # a field, as above
    depth = serializers.IntegerField()
    kind = serializers.CharField(help_text="The event type without START, SUCCESS, FAILURE or ERROR.")
    operation = serializers.CharField(allow_null=True)
    node_id = serializers.CharField()
    correlation_id = serializers.CharField(allow_null=True)
    trace_id = serializers.CharField(allow_null=True)
    span_id = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(["succeeded", "failed", "running", "incomplete", "event"])
    error_code = serializers.CharField(allow_null=True)
    began_ms = serializers.FloatField(help_text="After `began`, by clocks that were set right.")
    duration_ms = serializers.FloatField()
    critical = serializers.BooleanField(
        help_text="On the critical path: sooner done, all would have been done sooner."
    )
    flags = serializers.ListField(
        child=serializers.ChoiceField(["orphan", "cycle", "incomplete", "start_missing", "clock"])
    )
    start_event_id = serializers.CharField(allow_null=True)
    end_event_id = serializers.CharField(allow_null=True)


class CorrelationAnswer(serializers.Serializer[Any]):
    correlation_id = serializers.CharField(allow_null=True)
    trace_id = serializers.CharField(allow_null=True)
    root_id = serializers.CharField(allow_null=True, help_text="The correlation at the top of its tree.")
    parents = serializers.ListField(child=serializers.CharField())
    orphans = serializers.ListField(
        child=serializers.CharField(), help_text="Correlations whose parent has no event here."
    )
    cycles = serializers.ListField(child=serializers.CharField())
    clocks_disagree = serializers.BooleanField()
    cut = serializers.BooleanField()
    began = serializers.DateTimeField()
    total_ms = serializers.FloatField()
    clock_shifts_ms = serializers.DictField(
        child=serializers.FloatField(),
        help_text="What was added to the clocks of nodes that are contradicted.",
    )
    start_skews_ms = serializers.DictField(
        child=serializers.FloatField(),
        help_text="By node, how far the clock of START events is ahead of that of their ends.",
    )
    operations = OperationAnswer(many=True)
    events = PlacedEventAnswer(many=True)


_TREE_PARAMETERS = [
    OpenApiParameter(
        "errors", bool, description="true: of the operations only failed ones and what they hang under."
    ),
    OpenApiParameter("format", str, enum=["json", "dot"], description="dot: a graph for Graphviz."),
]


@extend_schema(
    methods=["POST"],
    operation_id="events_ingest",
    description=(
        "One event, a JSON array or NDJSON; gzip or zstd. Whenever the body could be read, the answer is 200 with one "
        "result per event. Acknowledged means committed; sending an event again changes nothing."
    ),
    request={"application/json": OpenApiTypes.OBJECT, _NDJSON: OpenApiTypes.STR},
    responses=inline_serializer(
        "IngestAnswer",
        {
            "results": OutcomeAnswer(many=True),
            "counts": serializers.DictField(child=serializers.IntegerField()),
            "lint_counts": serializers.DictField(child=serializers.IntegerField()),
        },
    ),
)
@extend_schema(
    methods=["GET"],
    operation_id="events_list",
    description=(
        f"The newest first. With `Accept: {_NDJSON}` the producers' events, one a line, and nothing else; with `as`, too, "
        "each line says how the event under `event` was read. A search with `where` may end before its page is full: then X-Onex-Searched-Until-Position says where, and `next` goes on from there."
    ),
    parameters=[*FILTERS, AS, *EVENT_PAGING],
    responses=page_schema("EventPage", ReadEventAnswer),
)
@api_view(["GET", "POST"])
def events(request: Request) -> HttpResponseBase:
    """Events in, and events found."""
    if request.method == "POST":
        return _ingest(request)
    found = search_events(
        actor=caller(request),
        filters=Filters.of(request.GET),
        request=request._request,
        size=limit_of(request),
    )
    answer = _page(request, found.page)
    if found.cold:
        answer["X-Onex-Compressed-Events-Searched"] = str(found.cold)
    if found.looked_until is not None:
        answer["X-Onex-Searched-Until-Position"] = str(found.looked_until)
    return answer


def _page(request: Request, page: Page[Event]) -> HttpResponse:
    wanted = request.GET.get("as", "")
    if _NDJSON in request.headers.get("Accept", ""):
        return HttpResponse(_lines(page.items, wanted), content_type=_NDJSON)
    return page_answer(page, shapes.of_events(page.items, wanted=wanted))


def _lines(events: Sequence[Event], wanted: str) -> list[bytes]:
    if not wanted:
        return [shapes.as_line(event.raw) for event in events]
    read = (shapes.of_upcast(found) for found in upcast(events, wanted=wanted))
    return [shapes.as_line(orjson.dumps(shape)) for shape in read]


def _ingest(request: Request) -> Response:
    actor = caller(request)
    # Who may not send events costs no more than this question.
    actor.require("ingest")
    body = decode.plain_body(body_of(request._request), encoding=request.headers.get("Content-Encoding", ""))
    pieces = decode.pieces(body, content_type=request.headers.get("Content-Type", ""))
    return Response(ingest_events(actor=actor, items=pieces).as_dict())


def body_of(request: HttpRequest) -> bytes:
    """The body as sent; not read at all when it says it is larger than what is allowed decoded."""
    decode.check_size(int(request.headers.get("Content-Length") or 0))
    return request.body


def limit_of(request: Request) -> int:
    text = request.GET.get("limit", "100")
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= _MAX_LIMIT):
        raise InvalidQuery(f"'limit' is a number from 1 to {_MAX_LIMIT}, not '{text}'.", parameter="limit")
    return int(text)


@extend_schema(
    operation_id="events_get",
    description=(
        "The producer's bytes, exactly as they were sent. With `as`, the event read as another version; 409 when it cannot be."
    ),
    parameters=[AS],
    responses={(200, "application/json"): OpenApiTypes.OBJECT},
)
@api_view(["GET"])
def event(request: Request, event_id: str) -> HttpResponse:
    """One event, byte for byte; what the registry knows about it stands in the headers."""
    found = find_event(actor=caller(request), event_id=event_id)
    read = read_as(found, wanted) if (wanted := request.GET.get("as", "")) else None
    answer = HttpResponse(read.raw if read else bytes(found.raw), content_type="application/json")
    if read:
        answer["X-Onex-As"] = read.version or ""
        answer["X-Onex-Migrated-From"] = read.written_as or ""
        answer["X-Onex-Migration-Path"] = json.dumps(read.path)
    answer["X-Onex-Position"] = str(found.position)
    answer["X-Onex-Received-At"] = found.received_at.isoformat()
    if signature := signature_of(found):
        answer["X-Onex-Signature"] = signature.now.state
        answer["X-Onex-Signature-Received"] = signature.then or ""
        answer["X-Onex-Signature-Key"] = signature.now.kid
    answer["X-Onex-Valid"] = "true" if found.violations is None else "false"
    return answer


@extend_schema(
    operation_id="correlations_get",
    description="The events of a correlation and of those it started, by parentage and arrival, and their operations.",
    parameters=[
        OpenApiParameter("descendants", bool, description="false: only this correlation itself."),
        AS,
        *_TREE_PARAMETERS,
    ],
    responses=CorrelationAnswer,
)
@api_view(["GET"])
def correlation(request: Request, correlation_id: str) -> HttpResponseBase:
    """One tree of work."""
    found = correlate(
        actor=caller(request),
        correlation_id=correlation_id,
        descendants=request.GET.get("descendants", "").lower() != "false",
    )
    return _tree(request, found)


@extend_schema(
    operation_id="traces_get",
    description="The events of a W3C trace, whatever correlations they are of.",
    parameters=[AS, *_TREE_PARAMETERS],
    responses=CorrelationAnswer,
)
@api_view(["GET"])
def trace(request: Request, trace_id: str) -> HttpResponseBase:
    """One trace."""
    return _tree(request, correlate_trace(actor=caller(request), trace_id=trace_id))


def _tree(request: Request, found: Correlation) -> HttpResponseBase:
    errors = yes_or_no("errors", request.GET.get("errors", ""))
    waterfall = found.waterfall(errors_only=bool(errors))
    match request.GET.get("format", "json").lower():
        case "json":
            return Response(shapes.of_correlation(found, waterfall, wanted=request.GET.get("as", "")))
        case "dot":
            answer = HttpResponse(as_dot(waterfall), content_type="text/vnd.graphviz; charset=utf-8")
            answer["Content-Disposition"] = 'attachment; filename="correlation.dot"'
            return answer
        case other:
            raise InvalidQuery(f"'format' is json or dot, not '{other}'.", parameter="format")
