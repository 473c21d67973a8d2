"""Failures over REST: what fails most, since when, and where."""

from datetime import date
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from events.errors import InvalidQuery
from events.failures import PAGE_SIZE, Asked, find_failure, find_failures
from events.fold import lag

_LONGEST_CURSOR = 7


class FailurePattern(serializers.Serializer[Any]):
    group = serializers.UUIDField(help_text="Names code and pattern; the same for ever.")
    pattern = serializers.CharField(
        help_text='The message with `<number>`, `<uuid>` … in their places; "" where none was given.'
    )
    error_code = serializers.CharField(help_text='"" where there is none.')
    event_types = serializers.ListField(child=serializers.CharField())
    nodes = serializers.IntegerField()
    events = serializers.FloatField(help_text="Estimated from the sample rates.")
    counted = serializers.IntegerField(help_text="Those that came in.")
    first_seen = serializers.DateTimeField(
        help_text="Of all that is still known; by the clock of the registry."
    )
    last_seen = serializers.DateTimeField()
    new = serializers.BooleanField(help_text="First seen within the days that are asked for.")


class FailureHotspot(serializers.Serializer[Any]):
    node_id = serializers.CharField(help_text='"" stands for the nodes of messages beyond FAILURES_MAX.')
    events = serializers.FloatField()
    patterns = serializers.IntegerField()
    share = serializers.FloatField(help_text="Of all failures that are asked for.")
    last_seen = serializers.DateTimeField()
    last_event_id = serializers.CharField()


class FailuresAnswer(serializers.Serializer[Any]):
    items = FailurePattern(many=True, source="patterns")
    total = serializers.IntegerField(help_text="How many patterns there are.")
    events = serializers.FloatField()
    hotspots = FailureHotspot(many=True)


class FailuresPage(FailuresAnswer):
    next = serializers.IntegerField(allow_null=True, help_text="`after` of the next page.")
    not_counted_yet = serializers.IntegerField()


class FailureDay(serializers.Serializer[Any]):
    day = serializers.DateField()
    events = serializers.FloatField()


class FailureType(serializers.Serializer[Any]):
    event_type = serializers.CharField()
    events = serializers.FloatField()


class FailureAnswer(FailurePattern):
    days = FailureDay(many=True)
    types = FailureType(many=True)
    hotspots = FailureHotspot(many=True)


ASKED = [
    OpenApiParameter("days", int, description="The last so many days, today among them; default 7."),
    OpenApiParameter("type", description="An event type; `*` stands for any text."),
    OpenApiParameter("node", description="The beginning of a node's name."),
    OpenApiParameter("error_code"),
    OpenApiParameter("text", description="A part of the message."),
]


def offset_of(given: str) -> int:
    """Raises InvalidQuery."""
    if not given:
        return 0
    if not (given.isascii() and given.isdigit() and len(given) <= _LONGEST_CURSOR):
        raise InvalidQuery(f"'after' is the `next` of another page, not '{given[:60]}'.", parameter="after")
    return int(given)


@extend_schema(
    operation_id="failures_list",
    parameters=[*ASKED, OpenApiParameter("after", int, description="`next` of the page before.")],
    responses=FailuresPage,
)
@api_view(["GET"])
def failures(request: Request) -> Response:
    """Failures that say the same, those with most events first; and the nodes on which most fails."""
    offset = offset_of(request.GET.get("after", ""))
    found = find_failures(actor=caller(request), asked=Asked.of(request.GET), offset=offset)
    following = offset + PAGE_SIZE if found.total > offset + PAGE_SIZE else None
    answer = FailuresAnswer(found).data
    return Response({**answer, "next": following, "not_counted_yet": lag().waiting})


@extend_schema(operation_id="failures_read", parameters=ASKED, responses=FailureAnswer)
@api_view(["GET"])
def failure(request: Request, group: UUID) -> Response:
    """One pattern: by day, event type and node."""
    found = find_failure(actor=caller(request), group=group, asked=Asked.of(request.GET))
    days: list[tuple[date, float]] = list(found.days)
    return Response(
        {
            **FailurePattern(found.pattern).data,
            "days": [{"day": day, "events": events} for day, events in days],
            "types": [{"event_type": name, "events": events} for name, events in found.types],
            "hotspots": FailureHotspot(found.nodes, many=True).data,
        }
    )
