"""Profiles over REST: what operations cost, over time, between releases, and in which frames."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from access.errors import ProductError
from events.errors import InvalidQuery
from events.fold import lag
from events.note_profiles import EVENT_TYPE
from events.profiles import (
    MEASURES,
    Scope,
    compare_releases,
    list_operations,
    over_time,
    slowest,
    stacks_of,
    top_frames,
)


class PercentilesAnswer(serializers.Serializer[Any]):
    count = serializers.IntegerField(help_text="Profiles that measured it.")
    happened = serializers.FloatField(help_text="Operations that these stand for, by their sample_rate.")
    p50 = serializers.FloatField(allow_null=True)
    p95 = serializers.FloatField(allow_null=True)
    p99 = serializers.FloatField(allow_null=True)


class ProfiledOperation(serializers.Serializer[Any]):
    service = serializers.CharField()
    operation = serializers.CharField()
    release = serializers.CharField(help_text="Empty: the events name none.")
    numbers = PercentilesAnswer()
    last = serializers.DateTimeField()


class ProfileBucket(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    until = serializers.DateTimeField()
    numbers = PercentilesAnswer()


class DifferenceAnswer(serializers.Serializer[Any]):
    share = serializers.FloatField(help_text="0.5, 0.95 or 0.99.")
    old = serializers.FloatField(allow_null=True)
    new = serializers.FloatField(allow_null=True)
    change = serializers.FloatField(allow_null=True)
    relative = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True, help_text="The true change is between `low` and `high`.")
    high = serializers.FloatField(allow_null=True)
    verdict = serializers.ChoiceField(["too_few", "within_noise", "higher", "lower"])


class ComparisonAnswer(serializers.Serializer[Any]):
    measure = serializers.ChoiceField(list(MEASURES))
    old = PercentilesAnswer()
    new = PercentilesAnswer()
    differences = DifferenceAnswer(many=True)


class FrameAnswer(serializers.Serializer[Any]):
    function = serializers.CharField()
    file = serializers.CharField()
    self_ms = serializers.FloatField()
    total_ms = serializers.FloatField()
    profiles = serializers.IntegerField()
    share = serializers.FloatField(help_text="Of the time in frames themselves.")


class StackAnswer(serializers.Serializer[Any]):
    frames = serializers.ListField(child=serializers.CharField())
    self_ms = serializers.FloatField()


class SlowAnswer(serializers.Serializer[Any]):
    event_id = serializers.CharField()
    correlation_id = serializers.CharField(allow_null=True)
    release = serializers.CharField()
    at = serializers.DateTimeField()
    value = serializers.FloatField()


SCOPE = [
    OpenApiParameter("service"),
    OpenApiParameter("operation"),
    OpenApiParameter("release"),
    OpenApiParameter("measure", enum=list(MEASURES), description="Default: duration."),
    OpenApiParameter("since", description="By the producers' clocks; default: 7 days before `until`."),
    OpenApiParameter("until", description="Default: now."),
]


def _items(name: str, item: type[serializers.Serializer[Any]]) -> Any:
    return inline_serializer(name, {"items": item(many=True)})


@extend_schema(
    operation_id="profiles_list",
    parameters=[*SCOPE, OpenApiParameter("after", description="`next` of the page before.")],
    responses=inline_serializer(
        "ProfilePage",
        {
            "items": ProfiledOperation(many=True),
            "next": serializers.CharField(allow_null=True),
            "not_counted_yet": serializers.IntegerField(
                help_text="Stored events that the profiles do not know yet."
            ),
        },
    ),
)
@api_view(["GET"])
def profiles(request: Request) -> Response:
    """Which operations were profiled, by service, operation and release, with percentiles of the measure."""
    scope, after = Scope.of(request.GET), request.GET.get("after", "")
    items, following = list_operations(actor=caller(request), scope=scope, after=after)
    answer = {"items": ProfiledOperation(items, many=True).data, "next": following}
    return Response({**answer, "not_counted_yet": lag().waiting})


@extend_schema(
    operation_id="profiles_series", parameters=SCOPE, responses=_items("ProfileSeries", ProfileBucket)
)
@api_view(["GET"])
def series(request: Request) -> Response:
    """Percentiles over time, in equal parts of it."""
    found = over_time(actor=caller(request), scope=Scope.of(request.GET))
    return Response({"items": ProfileBucket(found, many=True).data})


@extend_schema(
    operation_id="profiles_compare",
    parameters=[*SCOPE, OpenApiParameter("old", required=True), OpenApiParameter("new", required=True)],
    responses=_items("ProfileComparison", ComparisonAnswer),
)
@api_view(["GET"])
def compare(request: Request) -> Response:
    """Whether the release `new` costs more or less than `old`, or whether that cannot be said."""
    caller(request).require("read", EVENT_TYPE)
    for name in ("old", "new"):
        if name not in request.GET:
            raise _missing(name)
    old, new = request.GET["old"], request.GET["new"]
    found = compare_releases(actor=caller(request), scope=Scope.of(request.GET), old=old, new=new)
    return Response({"items": ComparisonAnswer(found, many=True).data})


def _missing(name: str) -> ProductError:
    return InvalidQuery(f"Say which release is the {name} one: `{name}=`.", parameter=name)


@extend_schema(
    operation_id="profiles_frames",
    parameters=SCOPE,
    responses=inline_serializer(
        "ProfileFrames", {"items": FrameAnswer(many=True), "stacks": StackAnswer(many=True)}
    ),
)
@api_view(["GET"])
def frames(request: Request) -> Response:
    """Where the time went: top frames, and whole stacks where producers send them."""
    actor, scope = caller(request), Scope.of(request.GET)
    found = top_frames(actor=actor, scope=scope)
    stacks = [{"frames": names, "self_ms": own} for names, own in stacks_of(actor=actor, scope=scope)]
    return Response(
        {"items": FrameAnswer(found, many=True).data, "stacks": StackAnswer(stacks, many=True).data}
    )


@extend_schema(
    operation_id="profiles_slowest", parameters=SCOPE, responses=_items("ProfileSlowest", SlowAnswer)
)
@api_view(["GET"])
def slowest_events(request: Request) -> Response:
    """The events with the highest values of the measure."""
    found = slowest(actor=caller(request), scope=Scope.of(request.GET))
    return Response({"items": SlowAnswer(found, many=True).data})
