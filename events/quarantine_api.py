"""The REST door of the quarantine: parse, call, answer."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from access.keyset import PAGING, page_answer, page_of, page_schema
from events import shapes
from events.api import EVENT_PAGING, OutcomeAnswer, ProblemAnswer, limit_of
from events.held import LOOKED_AT, HeldFilters, find_quarantined, group_quarantined
from events.models import Redrive
from events.redrive import cancel_redrive, find_redrive, redrive_events
from events.release import release_event
from events.set_aside import bring_back, set_aside

_FILTERS = [
    OpenApiParameter(
        "type", description="Event type; `*` stands for any text, `#` for events that say none."
    ),
    OpenApiParameter("reason"),
    OpenApiParameter(
        "place",
        description="A JSON Pointer in which `*` is any member of an array, or `#` for the whole event.",
    ),
    OpenApiParameter("keyword"),
    OpenApiParameter("producer", description="The label of the token that sent it."),
    OpenApiParameter("aside", description="`yes`: those that were set aside instead of those that wait."),
]


class QuarantinedAnswer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    event_id = serializers.CharField()
    event_type = serializers.CharField()
    schema_version = serializers.CharField()
    node_id = serializers.CharField()
    correlation_id = serializers.CharField(allow_null=True)
    reason = serializers.CharField()
    errors = ProblemAnswer(many=True)  # type: ignore[assignment]  # a field, which the metaclass takes away
    received_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField()
    times_seen = serializers.IntegerField()
    producer = serializers.CharField()
    event = serializers.JSONField(help_text="The producer's JSON, byte for byte.")


class HourAnswer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    count = serializers.IntegerField()


class HeldGroupAnswer(serializers.Serializer[Any]):
    event_type = serializers.CharField()
    producer = serializers.CharField()
    reason = serializers.CharField()
    place = serializers.CharField(
        help_text="`*` stands for any member of an array; empty is the whole event."
    )
    keyword = serializers.CharField()
    count = serializers.IntegerField()
    times_seen = serializers.IntegerField(help_text="Repetitions included.")
    first_seen = serializers.DateTimeField()
    last_seen = serializers.DateTimeField()
    samples = serializers.ListField(child=serializers.IntegerField())
    message = serializers.CharField()
    hours = HourAnswer(many=True)
    filters = serializers.DictField(child=serializers.CharField(), help_text="What finds these events.")


class SelectionFields(serializers.Serializer[Any]):
    """Which events; none of them is all."""

    type = serializers.CharField(required=False, allow_blank=True)
    reason = serializers.CharField(required=False, allow_blank=True)
    place = serializers.CharField(required=False, allow_blank=True)
    keyword = serializers.CharField(required=False, allow_blank=True)
    producer = serializers.CharField(required=False, allow_blank=True)
    aside = serializers.CharField(
        required=False, allow_blank=True, help_text="`yes`: of those that were set aside."
    )


class MovedAnswer(serializers.Serializer[Any]):
    events = serializers.IntegerField(help_text="How many.")


class RedriveAnswer(serializers.ModelSerializer[Redrive]):
    filters = serializers.DictField(child=serializers.CharField(allow_blank=True))

    class Meta:
        model = Redrive
        fields = (
            "id",
            "filters",
            "state",
            "total",
            "done",
            "stored",
            "held",
            "created_by",
            "created_at",
            "finished_at",
        )


@extend_schema(
    operation_id="quarantine_list",
    parameters=[*_FILTERS, *EVENT_PAGING],
    responses=page_schema("QuarantinePage", QuarantinedAnswer),
)
@api_view(["GET"])
def quarantine(request: Request) -> Response:
    """Events that wait in quarantine, the newest first."""
    found = find_quarantined(actor=caller(request), filters=HeldFilters.of(request.query_params))
    page = page_of(request, found, size=limit_of(request))
    return page_answer(page, [shapes.of_quarantined(event) for event in page.items])


@extend_schema(
    operation_id="quarantine_groups",
    parameters=_FILTERS,
    responses=inline_serializer(
        "HeldGroups",
        {
            "groups": HeldGroupAnswer(many=True),
            "looked_at": serializers.IntegerField(help_text="Only so many of the newest events are grouped."),
        },
    ),
)
@api_view(["GET"])
def groups(request: Request) -> Response:
    """What waits in quarantine by subject, producer, place and keyword, the largest group first."""
    found = group_quarantined(actor=caller(request), filters=HeldFilters.of(request.query_params))
    return Response({"groups": [shapes.of_held_group(group) for group in found], "looked_at": LOOKED_AT})


@extend_schema(operation_id="quarantine_release", request=None, responses=OutcomeAnswer)
@api_view(["POST"])
def release(request: Request, quarantined_id: int) -> Response:
    """Judges a quarantined event by today's catalogue and stores it; 409 with the violations when it still may not."""
    return Response(release_event(actor=caller(request), quarantined_id=quarantined_id))


@extend_schema(
    methods=["GET"],
    operation_id="redrives_list",
    parameters=PAGING,
    responses=page_schema("RedrivePage", RedriveAnswer),
)
@extend_schema(
    methods=["POST"],
    operation_id="redrives_start",
    request=SelectionFields,
    responses={
        200: OpenApiResponse(RedriveAnswer, "It is done."),
        202: OpenApiResponse(RedriveAnswer, "It goes on in the background."),
    },
)
@api_view(["GET", "POST"])
def redrives(request: Request) -> Response:
    """Selections of the quarantine that are, or were, judged anew; POST judges one."""
    if request.method == "GET":
        page = page_of(request, Redrive.objects.visible_to(caller(request)))
        return page_answer(page, RedriveAnswer(page.items, many=True).data)
    redrive = redrive_events(actor=caller(request), filters=_selection(request))
    return Response(RedriveAnswer(redrive).data, status=200 if redrive.ended else 202)


def _selection(request: Request) -> HeldFilters:
    wanted = SelectionFields(data=request.data)
    wanted.is_valid(raise_exception=True)
    return HeldFilters.of(wanted.validated_data)


@extend_schema(operation_id="quarantine_set_aside", request=SelectionFields, responses=MovedAnswer)
@api_view(["POST"])
def aside(request: Request) -> Response:
    """Takes events out of the lists that nobody is going to mend; they are kept."""
    return Response({"events": set_aside(actor=caller(request), filters=_selection(request))})


@extend_schema(operation_id="quarantine_bring_back", request=SelectionFields, responses=MovedAnswer)
@api_view(["POST"])
def back(request: Request) -> Response:
    """Undoes setting aside, for the events that fit."""
    return Response({"events": bring_back(actor=caller(request), filters=_selection(request))})


@extend_schema(operation_id="redrives_read", responses=RedriveAnswer)
@api_view(["GET"])
def redrive(request: Request, redrive_id: int) -> Response:
    """How far it is: events stored, and events that stay in quarantine."""
    return Response(RedriveAnswer(find_redrive(caller(request), redrive_id)).data)


@extend_schema(operation_id="redrives_cancel", request=None, responses=RedriveAnswer)
@api_view(["POST"])
def cancel(request: Request, redrive_id: int) -> Response:
    """Ends it; what it stored stays stored, the rest stays in quarantine."""
    return Response(RedriveAnswer(cancel_redrive(actor=caller(request), redrive_id=redrive_id)).data)
