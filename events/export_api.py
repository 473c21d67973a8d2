"""The REST door of exports."""

from collections.abc import Iterator
from typing import Any, TypeVar
from uuid import UUID

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from access.keyset import PAGING, page_answer, page_of, page_schema
from events.api import AS, FILTERS
from events.export import cancel_export, export_at_once, fetch_export, find_export, start_export
from events.export_format import CONTENT_TYPES
from events.models import Export

Answer = TypeVar("Answer", bound=HttpResponseBase)
_FORMAT = OpenApiParameter("format", enum=Export.Format.values, description="ndjson by default.")


class ExportAnswer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    query = serializers.DictField(child=serializers.CharField(), help_text="As in the address of the list.")
    format = serializers.ChoiceField(Export.Format.choices)
    state = serializers.ChoiceField(Export.State.choices)
    events = serializers.IntegerField(help_text="Written so far.")
    size = serializers.IntegerField(help_text="Bytes written so far.")
    share = serializers.FloatField(help_text="Of the log, how much was looked at: 0 to 1.")
    problem = serializers.CharField(help_text="What is not in it; empty when all is.")
    created_by = serializers.CharField()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True)


class ExportQuery(serializers.Serializer[Any]):
    query = serializers.DictField(child=serializers.CharField(), required=False)
    format = serializers.ChoiceField(Export.Format.choices, required=False)


@extend_schema(
    methods=["POST"],
    operation_id="exports_start",
    description="A worker writes the events that fit the filters; fetch them when the state is completed.",
    request=ExportQuery,
    responses={202: ExportAnswer},
)
@extend_schema(
    methods=["GET"],
    operation_id="exports_list",
    parameters=PAGING,
    responses=page_schema("ExportPage", ExportAnswer),
)
@api_view(["GET", "POST"])
def exports(request: Request) -> Response:
    """Those of the caller's own account, the newest first; or a new one."""
    actor = caller(request)
    if request.method == "POST":
        asked = ExportQuery(data=request.data)
        asked.is_valid(raise_exception=True)
        started = start_export(
            actor=actor,
            query=asked.validated_data.get("query", {}),
            form=asked.validated_data.get("format", Export.Format.NDJSON),
        )
        return Response(ExportAnswer(started).data, status=202)
    page = page_of(request._request, Export.objects.visible_to(actor))
    return page_answer(page, ExportAnswer(page.items, many=True).data)


@extend_schema(operation_id="exports_get", responses=ExportAnswer)
@api_view(["GET"])
def export(request: Request, export_id: UUID) -> Response:
    """How far it is."""
    return Response(ExportAnswer(find_export(actor=caller(request), export_id=export_id)).data)


@extend_schema(operation_id="exports_cancel", request=None, responses=ExportAnswer)
@api_view(["POST"])
def cancel(request: Request, export_id: UUID) -> Response:
    """Ends it, and deletes what was written."""
    return Response(ExportAnswer(cancel_export(actor=caller(request), export_id=export_id)).data)


@extend_schema(
    operation_id="exports_fetch",
    description="The content of a completed export.",
    responses={(200, "application/x-ndjson"): OpenApiTypes.STR, (200, "text/csv"): OpenApiTypes.STR},
)
@api_view(["GET"])
def fetch(request: Request, export_id: UUID) -> HttpResponseBase:
    """Once it is complete."""
    return fetched(*fetch_export(actor=caller(request), export_id=export_id))


@extend_schema(
    operation_id="events_export",
    description="All events that fit, the oldest first, where they are few; else 422, and POST /api/v1/exports does it.",
    parameters=[*FILTERS, AS, _FORMAT],
    responses={(200, "application/x-ndjson"): OpenApiTypes.STR, (200, "text/csv"): OpenApiTypes.STR},
)
@api_view(["GET"])
def at_once(request: Request) -> HttpResponse:
    """For small results."""
    form = request.GET.get("format", Export.Format.NDJSON)
    content = export_at_once(actor=caller(request), query=request.GET, form=form)
    return attachment(
        HttpResponse(content, content_type=CONTENT_TYPES[Export.Format(form)]), f"events.{form}"
    )


def fetched(export: Export, pieces: Iterator[bytes]) -> HttpResponseBase:
    answer = StreamingHttpResponse(pieces, content_type=CONTENT_TYPES[Export.Format(export.format)])
    answer["Content-Length"] = str(export.size)
    return attachment(answer, f"events-{export.created_at:%Y%m%d-%H%M}.{export.format}")


def attachment(answer: Answer, name: str) -> Answer:
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "no-store"
    return answer
