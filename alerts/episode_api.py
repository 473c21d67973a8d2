"""Episodes over REST: finding them, and what people do about them."""

from datetime import timedelta
from typing import Any

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from access.keyset import PAGING, page_answer, page_of, page_schema
from alerts.attend import (
    ACKNOWLEDGED_FOR,
    acknowledge_episode,
    note_on_episode,
    resolve_episode,
    unacknowledge_episode,
)
from alerts.lists import deliveries_of, episodes_for, find_episode
from alerts.models import Episode, Severity
from alerts.serializers import EpisodeAnswer, EpisodeDetail, NotificationAnswer

STATES = ("firing", "unattended", "acknowledged", "resolved")
_DEFAULT_MINUTES = int(ACKNOWLEDGED_FOR.total_seconds() // 60)


class EpisodeFilter(serializers.Serializer[Any]):
    state = serializers.ChoiceField(
        STATES, required=False, help_text="Firing ones are unattended or acknowledged."
    )
    rule = serializers.IntegerField(required=False)
    severity = serializers.ChoiceField(Severity.choices, required=False)
    owner = serializers.CharField(required=False, help_text="A part of the name of whoever acknowledged it.")
    group = serializers.CharField(required=False, help_text="A part of what it is grouped by, as in node-7.")


class AcknowledgeRequest(serializers.Serializer[Any]):
    minutes = serializers.IntegerField(
        default=_DEFAULT_MINUTES, max_value=10**6, help_text="Until it lapses."
    )
    reason = serializers.CharField(default="", allow_blank=True)


class ResolveRequest(serializers.Serializer[Any]):
    reason = serializers.CharField(default="", allow_blank=True)


class NoteRequest(serializers.Serializer[Any]):
    text = serializers.CharField()


@extend_schema(
    operation_id="alerts_episodes_list",
    parameters=[*PAGING, EpisodeFilter],
    responses=page_schema("EpisodePage", EpisodeAnswer),
)
@api_view(["GET"])
def episodes(request: Request) -> Response:
    """Firings, the newest first."""
    chosen = EpisodeFilter(data={name: value for name, value in request.query_params.items() if value})
    chosen.is_valid(raise_exception=True)
    page = page_of(request, episodes_for(caller(request), chosen.validated_data))
    return page_answer(page, EpisodeAnswer(page.items, many=True).data)


@extend_schema(
    operation_id="alerts_episodes_read",
    responses=inline_serializer(
        "EpisodeWithDeliveries",
        {"episode": EpisodeDetail(), "deliveries": NotificationAnswer(many=True)},
    ),
)
@api_view(["GET"])
def episode(request: Request, episode_id: int) -> Response:
    """One firing with its evidence, its course, and what became of its notifications."""
    return _detail(find_episode(caller(request), episode_id))


def _detail(found: Episode, status: int = 200) -> Response:
    deliveries = NotificationAnswer(deliveries_of(found), many=True).data
    return Response({"episode": EpisodeDetail(found).data, "deliveries": deliveries}, status=status)


@extend_schema(
    operation_id="alerts_episodes_acknowledge", request=AcknowledgeRequest, responses=EpisodeAnswer
)
@api_view(["POST"])
def acknowledge(request: Request, episode_id: int) -> Response:
    """The caller sees to it for so long; said again, it holds anew."""
    wanted = _wanted(AcknowledgeRequest, request)
    changed = acknowledge_episode(
        actor=caller(request),
        episode_id=episode_id,
        lasts=timedelta(minutes=wanted["minutes"]),
        reason=wanted["reason"],
    )
    return Response(EpisodeAnswer(changed).data)


@extend_schema(operation_id="alerts_episodes_unacknowledge", request=None, responses=EpisodeAnswer)
@api_view(["POST"])
def unacknowledge(request: Request, episode_id: int) -> Response:
    """Nobody sees to it any more."""
    return Response(EpisodeAnswer(unacknowledge_episode(actor=caller(request), episode_id=episode_id)).data)


@extend_schema(operation_id="alerts_episodes_resolve", request=ResolveRequest, responses=EpisodeAnswer)
@api_view(["POST"])
def resolve(request: Request, episode_id: int) -> Response:
    """Ends it now. The next event that puts its group over the threshold begins a new one."""
    wanted = _wanted(ResolveRequest, request)
    changed = resolve_episode(actor=caller(request), episode_id=episode_id, reason=wanted["reason"])
    return Response(EpisodeAnswer(changed).data)


@extend_schema(
    operation_id="alerts_episodes_note",
    request=NoteRequest,
    responses={
        201: inline_serializer(
            "EpisodeNote",
            {
                "at": serializers.DateTimeField(),
                "by": serializers.CharField(),
                "text": serializers.CharField(),
            },
        )
    },
)
@api_view(["POST"])
def note(request: Request, episode_id: int) -> Response:
    """Adds a note to its course, also when it is over."""
    text = _wanted(NoteRequest, request)["text"]
    entry = note_on_episode(actor=caller(request), episode_id=episode_id, text=text)
    entry.refresh_from_db()
    return Response({"at": entry.at, "by": entry.by, "text": entry.text}, status=201)


def _wanted(kind: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    wanted = kind(data=request.data)
    wanted.is_valid(raise_exception=True)
    return dict(wanted.validated_data)
