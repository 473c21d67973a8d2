"""Silences over REST."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from access.keyset import PAGING, page_answer, page_of, page_schema
from alerts.matcher import OPS
from alerts.models import Silence
from alerts.serializers import EpisodeAnswer
from alerts.silences import (
    create_silence,
    edit_silence,
    expire_silence,
    find_silence,
    preview_silence,
    silences_for,
)

STATES = ("pending", "active", "expired")
_MATCHERS = (
    f'What must fit, all of it: [{{"label", "op", "value"}}]. Labels are rule, severity and the fields rules group by; op is one of '
    f"{', '.join(OPS)}; the value of in is a list."
)


class SilenceFilter(serializers.Serializer[Any]):
    state = serializers.ChoiceField(STATES, required=False)


class MatchersRequest(serializers.Serializer[Any]):
    matchers = serializers.JSONField(help_text=_MATCHERS)


class SilenceRequest(MatchersRequest):
    reason = serializers.CharField()
    ends_at = serializers.DateTimeField()
    starts_at = serializers.DateTimeField(required=False, help_text="Now unless told otherwise.")


class SilenceEdit(serializers.Serializer[Any]):
    reason = serializers.CharField()
    ends_at = serializers.DateTimeField()


class SilenceAnswer(serializers.ModelSerializer[Silence]):
    matchers = serializers.ListField(child=serializers.DictField())
    state = serializers.SerializerMethodField()

    class Meta:
        model = Silence
        fields = (
            "id",
            "state",
            "matchers",
            "reason",
            "starts_at",
            "ends_at",
            "prefixes",
            "created_by",
            "created_at",
            "ended_by",
        )

    def get_state(self, silence: Silence) -> str:
        return silence.state(timezone.now())


class HiddenAnswer(serializers.Serializer[Any]):
    firing = EpisodeAnswer(many=True, help_text="Firing now, up to 100 of them.")
    firing_count = serializers.IntegerField()
    recent_count = serializers.IntegerField(help_text="Episodes that fired in the last seven days.")
    rules = serializers.ListField(child=serializers.CharField())


@extend_schema(
    methods=["GET"],
    operation_id="alerts_silences_list",
    parameters=[*PAGING, SilenceFilter],
    responses=page_schema("SilencePage", SilenceAnswer),
)
@extend_schema(
    methods=["POST"],
    operation_id="alerts_silences_create",
    request=SilenceRequest,
    responses={201: SilenceAnswer},
)
@api_view(["GET", "POST"])
def silences(request: Request) -> Response:
    """What nobody is told of for a while, the newest first; or a new one, which reaches the rules that the caller may change."""
    actor = caller(request)
    if request.method == "GET":
        chosen = SilenceFilter(data={name: value for name, value in request.query_params.items() if value})
        chosen.is_valid(raise_exception=True)
        page = page_of(request, silences_for(actor, chosen.validated_data.get("state", "")))
        return page_answer(page, SilenceAnswer(page.items, many=True).data)
    wanted = SilenceRequest(data=request.data)
    wanted.is_valid(raise_exception=True)
    made = create_silence(actor=actor, **wanted.validated_data)
    made.refresh_from_db()
    return Response(SilenceAnswer(made).data, status=201)


@extend_schema(methods=["GET"], operation_id="alerts_silences_read", responses=SilenceAnswer)
@extend_schema(
    methods=["PUT"], operation_id="alerts_silences_edit", request=SilenceEdit, responses=SilenceAnswer
)
@api_view(["GET", "PUT"])
def silence(request: Request, silence_id: int) -> Response:
    """One silence. PUT gives it another end or other words; what it matches stays."""
    actor = caller(request)
    if request.method == "GET":
        return Response(SilenceAnswer(find_silence(actor, silence_id)).data)
    wanted = SilenceEdit(data=request.data)
    wanted.is_valid(raise_exception=True)
    changed = edit_silence(actor=actor, silence_id=silence_id, **wanted.validated_data)
    return Response(SilenceAnswer(changed).data)


@extend_schema(operation_id="alerts_silences_expire", request=None, responses=SilenceAnswer)
@api_view(["POST"])
def expire(request: Request, silence_id: int) -> Response:
    """Ends it now. What it holds is sent, as far as it still fires."""
    return Response(SilenceAnswer(expire_silence(actor=caller(request), silence_id=silence_id)).data)


@extend_schema(
    operation_id="alerts_silences_preview",
    request=MatchersRequest,
    responses=inline_serializer("SilencePreview", {"hides": HiddenAnswer()}),
)
@api_view(["POST"])
def preview(request: Request) -> Response:
    """Which episodes such a silence would reach now; nothing is saved."""
    wanted = MatchersRequest(data=request.data)
    wanted.is_valid(raise_exception=True)
    found = preview_silence(actor=caller(request), **wanted.validated_data)
    return Response({"hides": HiddenAnswer(found).data})
