"""Replays over REST."""

import uuid
from typing import Any

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, inline_serializer
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from access.keyset import PAGING, page_answer, page_of, page_schema
from events.models import Replay, ReplayItem
from events.replay import (
    cancel_replay,
    change_speed,
    create_replay,
    ends_at,
    find_replay,
    pause_replay,
    plan_replay,
    resume_replay,
)
from events.replay_timing import timing_of


@extend_schema_field({"oneOf": [{"type": "number", "exclusiveMinimum": 0}, {"enum": ["max"]}]})
class SpeedField(serializers.Field[Any, Any, Any, Any]):
    """A multiplier, or "max" for as fast as possible (kept as 0)."""

    def to_internal_value(self, data: object) -> float:
        if data == "max":
            return 0.0
        if isinstance(data, bool) or not isinstance(data, int | float) or data <= 0:
            raise serializers.ValidationError(
                f"A multiplier from 0.01 to {settings.REPLAY_MAX_SPEED:g}, or 'max'."
            )
        return float(data)

    def to_representation(self, value: float) -> float | str:
        return value or "max"


class PlanRequest(serializers.Serializer[Any]):
    correlation_id = serializers.CharField(max_length=255)
    max_gap = serializers.FloatField(
        required=False, allow_null=True, default=None, help_text="Longest wait, in seconds of original time."
    )


class ReplayRequest(PlanRequest):
    target = serializers.CharField(max_length=2000)
    speed = SpeedField(default=1.0, help_text="Multiplier, or 'max'.")
    secret = serializers.CharField(
        required=False,
        allow_blank=True,
        default="",
        max_length=200,
        help_text="whsec_…: requests are signed with it.",
    )


class SpeedRequest(serializers.Serializer[Any]):
    speed = SpeedField()


class ReplayAnswer(serializers.ModelSerializer[Replay]):
    """Without the secret, which nobody is shown again."""

    speed = SpeedField()
    ends_at = serializers.SerializerMethodField(help_text="At the present speed; null while it does not run.")

    class Meta:
        model = Replay
        fields: tuple[str, ...] = (
            "id",
            "correlation_id",
            "event_types",
            "target",
            "speed",
            "max_gap",
            "order",
            "segment",
            "state",
            "total",
            "done",
            "failed",
            "length",
            "skipped",
            "missing",
            "ends_at",
            "problem",
            "created_by",
            "created_at",
            "started_at",
            "finished_at",
        )

    def get_ends_at(self, replay: Replay) -> str | None:
        at = ends_at(replay, timezone.now())
        return at.isoformat() if at else None


class ItemAnswer(serializers.ModelSerializer[ReplayItem]):
    late_ms = serializers.FloatField(allow_null=True)

    class Meta:
        model = ReplayItem
        fields = (
            "index",
            "position",
            "event_id",
            "event_type",
            "virtual",
            "planned_at",
            "sent_at",
            "late_ms",
            "status",
            "problem",
        )


_TIMING = inline_serializer(
    "ReplayTiming",
    {
        "events": serializers.IntegerField(),
        "late_p50_ms": serializers.FloatField(allow_null=True),
        "late_p99_ms": serializers.FloatField(allow_null=True),
        "late_max_ms": serializers.FloatField(allow_null=True),
    },
)
_PLAN = inline_serializer(
    "ReplayPlan",
    {
        "total": serializers.IntegerField(),
        "event_types": serializers.ListField(child=serializers.CharField()),
        "order": serializers.ChoiceField(Replay.Order.choices),
        "length": serializers.FloatField(),
        "skipped": serializers.FloatField(),
        "missing": serializers.ListField(child=serializers.DictField()),
    },
)
_ID = OpenApiParameter("replay_id", uuid.UUID, OpenApiParameter.PATH)


@extend_schema(
    methods=["GET"],
    operation_id="replays_list",
    parameters=[
        OpenApiParameter("correlation_id"),
        OpenApiParameter("state", enum=Replay.State.values),
        *PAGING,
    ],
    responses=page_schema("ReplayPage", ReplayAnswer),
)
@extend_schema(
    methods=["POST"], operation_id="replays_start", request=ReplayRequest, responses={201: ReplayAnswer}
)
@api_view(["GET", "POST"])
def replays(request: Request) -> Response:
    """Runs, the newest first; or start one."""
    if request.method == "POST":
        wanted = ReplayRequest(data=request.data)
        wanted.is_valid(raise_exception=True)
        started = create_replay(actor=caller(request), **wanted.validated_data)
        return Response(ReplayAnswer(started).data, status=201)
    page = page_of(request, Replay.objects.visible_to(caller(request)).matching(request.query_params))
    return page_answer(page, ReplayAnswer(page.items, many=True).data)


@extend_schema(operation_id="replays_plan", request=PlanRequest, responses=_PLAN)
@api_view(["POST"])
def plan(request: Request) -> Response:
    """What a replay would do: how many events, in which order, how long, and what is missing. Starts nothing."""
    wanted = PlanRequest(data=request.data)
    wanted.is_valid(raise_exception=True)
    found = plan_replay(actor=caller(request), **wanted.validated_data)
    return Response(
        {
            "total": len(found.steps),
            "event_types": found.event_types,
            "order": found.order,
            "length": found.length,
            "skipped": found.skipped,
            "missing": found.missing,
        }
    )


@extend_schema(
    operation_id="replays_read",
    parameters=[_ID],
    responses=inline_serializer("ReplayDetail", {"replay": ReplayAnswer(), "timing": _TIMING}),
)
@api_view(["GET"])
def replay(request: Request, replay_id: uuid.UUID) -> Response:
    """One run with its progress and how late its events left."""
    found = find_replay(actor=caller(request), replay_id=replay_id)
    return Response({"replay": ReplayAnswer(found).data, "timing": timing_of(found)})


@extend_schema(
    operation_id="replays_items",
    parameters=[_ID, *PAGING],
    responses=page_schema("ReplayItemPage", ItemAnswer),
)
@api_view(["GET"])
def items(request: Request, replay_id: uuid.UUID) -> Response:
    """The events of a run in the order in which they are sent, planned against actual."""
    found = find_replay(actor=caller(request), replay_id=replay_id)
    page = page_of(request, found.items.all(), size=500, key="index", descending=False)
    return page_answer(page, ItemAnswer(page.items, many=True).data)


@extend_schema(operation_id="replays_pause", parameters=[_ID], request=None, responses=ReplayAnswer)
@api_view(["POST"])
def pause(request: Request, replay_id: uuid.UUID) -> Response:
    """Stops the clock where it stands."""
    return Response(ReplayAnswer(pause_replay(actor=caller(request), replay_id=replay_id)).data)


@extend_schema(operation_id="replays_resume", parameters=[_ID], request=None, responses=ReplayAnswer)
@api_view(["POST"])
def resume(request: Request, replay_id: uuid.UUID) -> Response:
    """Lets a paused run go on."""
    return Response(ReplayAnswer(resume_replay(actor=caller(request), replay_id=replay_id)).data)


@extend_schema(operation_id="replays_cancel", parameters=[_ID], request=None, responses=ReplayAnswer)
@api_view(["POST"])
def cancel(request: Request, replay_id: uuid.UUID) -> Response:
    """Ends a run; the request that is under way is the last."""
    return Response(ReplayAnswer(cancel_replay(actor=caller(request), replay_id=replay_id)).data)


@extend_schema(operation_id="replays_speed", parameters=[_ID], request=SpeedRequest, responses=ReplayAnswer)
@api_view(["POST"])
def speed(request: Request, replay_id: uuid.UUID) -> Response:
    """Goes on at another speed from where the clock stands."""
    wanted = SpeedRequest(data=request.data)
    wanted.is_valid(raise_exception=True)
    changed = change_speed(actor=caller(request), replay_id=replay_id, **wanted.validated_data)
    return Response(ReplayAnswer(changed).data)
