"""Rules and channels over REST."""

from typing import Any

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.actor import Actor
from access.caller import caller
from access.delivery_health import health_of
from access.keyset import PAGING, page_answer, page_of, page_schema
from alerts import channels as channel_operations
from alerts import rules as rule_operations
from alerts.channel_serializers import (
    ChannelAnswer,
    ChannelMade,
    ChannelRequest,
    PreviewMessageAnswer,
    PreviewMessageRequest,
    SentTest,
    TriedAnswer,
)
from alerts.channels import ChannelSpec
from alerts.edition_changes import with_differences
from alerts.edition_serializers import KeptEditionAnswer
from alerts.lists import (
    attempts_of,
    channels_for,
    editions_for,
    find_channel,
    find_rule,
    rules_for,
)
from alerts.models import Channel, Rule
from alerts.preview import preview
from alerts.preview_message import preview_message
from alerts.rules import Saved
from alerts.serializers import (
    PreviewAnswer,
    PreviewRequest,
    RuleAnswer,
    RuleRequest,
    SavedAnswer,
)


def _read(request: Request) -> RuleRequest:
    wanted = RuleRequest(data=request.data)
    wanted.is_valid(raise_exception=True)
    return wanted


def _rule(request: Request, rule: Rule) -> dict[str, Any]:
    return dict(RuleAnswer(find_rule(caller(request), rule.pk)).data)


def _saved(request: Request, saved: Saved, status: int) -> Response:
    return Response({"rule": _rule(request, saved.rule), "warnings": list(saved.warnings)}, status=status)


# --- rules ------------------------------------------------------------------------------------


@extend_schema(
    methods=["GET"],
    operation_id="alerts_rules_list",
    parameters=PAGING,
    responses=page_schema("RulePage", RuleAnswer),
)
@extend_schema(
    methods=["POST"],
    operation_id="alerts_rules_create",
    request=RuleRequest,
    responses={201: SavedAnswer},
)
@api_view(["GET", "POST"])
def rules(request: Request) -> Response:
    """The rules, the newest first; or a new one, which counts the events stored from now on."""
    if request.method == "GET":
        page = page_of(
            request, rules_for(caller(request)).prefetch_related("channels", "escalate_to", "inhibited_by")
        )
        return page_answer(page, RuleAnswer(page.items, many=True).data)
    saved = rule_operations.create_rule(actor=caller(request), spec=_read(request).spec())
    return _saved(request, saved, 201)


@extend_schema(methods=["GET"], operation_id="alerts_rules_read", responses=RuleAnswer)
@extend_schema(methods=["PUT"], operation_id="alerts_rules_edit", request=RuleRequest, responses=SavedAnswer)
@extend_schema(methods=["DELETE"], operation_id="alerts_rules_delete", responses={204: None})
@api_view(["GET", "PUT", "DELETE"])
def rule(request: Request, rule_id: int) -> Response:
    """One rule. PUT writes a new edition when what it says changes; DELETE ends its open episodes."""
    actor = caller(request)
    if request.method == "GET":
        return Response(RuleAnswer(find_rule(actor, rule_id)).data)
    if request.method == "DELETE":
        rule_operations.delete_rule(actor=actor, rule_id=rule_id)
        return Response(status=204)
    wanted = _read(request)
    saved = rule_operations.edit_rule(
        actor=actor,
        rule_id=rule_id,
        spec=wanted.spec(),
        expected=wanted.validated_data.get("edition"),
    )
    return _saved(request, saved, 200)


@extend_schema(operation_id="alerts_rules_editions", responses=KeptEditionAnswer(many=True))
@api_view(["GET"])
def rule_editions(request: Request, rule_id: int) -> Response:
    """What the rule ever said, the newest first; without what was about events that the caller may not read."""
    actor = caller(request)
    editions = list(editions_for(actor, find_rule(actor, rule_id)))
    changed = {one.number: differing for one, differing in with_differences(editions)}
    return Response(KeptEditionAnswer(editions, many=True, context={"changed": changed}).data)


@extend_schema(operation_id="alerts_rules_pause", request=None, responses=RuleAnswer)
@api_view(["POST"])
def rule_pause(request: Request, rule_id: int) -> Response:
    """Stops evaluation and ends open episodes."""
    return Response(_rule(request, rule_operations.pause_rule(actor=caller(request), rule_id=rule_id)))


@extend_schema(operation_id="alerts_rules_resume", request=None, responses=RuleAnswer)
@api_view(["POST"])
def rule_resume(request: Request, rule_id: int) -> Response:
    """Goes on with the events stored from now on."""
    return Response(_rule(request, rule_operations.resume_rule(actor=caller(request), rule_id=rule_id)))


@extend_schema(operation_id="alerts_rules_preview", request=PreviewRequest, responses=PreviewAnswer)
@api_view(["POST"])
def rule_preview(request: Request) -> Response:
    """What such a rule would have done with the newest stored events; nothing is saved."""
    wanted = PreviewRequest(data=request.data)
    wanted.is_valid(raise_exception=True)
    return Response(PreviewAnswer(preview(actor=caller(request), spec=wanted.spec())).data)


# --- channels ---------------------------------------------------------------------------------


def _channel_spec(request: Request) -> ChannelSpec:
    wanted = ChannelRequest(data=request.data)
    wanted.is_valid(raise_exception=True)
    return ChannelSpec(**wanted.validated_data)


def _channel(actor: Actor, channel: Channel) -> dict[str, Any]:
    return dict(ChannelAnswer(channel, context=_context(actor, [channel])).data)


def _context(actor: Actor, channels: list[Channel]) -> dict[str, Any]:
    return {"actor": actor, "health": health_of(channel.target for channel in channels)}


@extend_schema(
    methods=["GET"],
    operation_id="alerts_channels_list",
    parameters=PAGING,
    responses=page_schema("ChannelPage", ChannelAnswer),
)
@extend_schema(
    methods=["POST"],
    operation_id="alerts_channels_create",
    request=ChannelRequest,
    responses={201: ChannelMade},
)
@api_view(["GET", "POST"])
def channels(request: Request) -> Response:
    """Where notifications go, the newest first; or a new channel."""
    actor = caller(request)
    if request.method == "GET":
        page = page_of(request, channels_for(actor))
        shown = ChannelAnswer(page.items, many=True, context=_context(actor, page.items))
        return page_answer(page, shown.data)
    made = channel_operations.create_channel(actor=actor, spec=_channel_spec(request))
    secret = made.secret if made.signature == Channel.Signature.V1 else ""
    answer = Response({"channel": _channel(actor, made), "secret": secret}, status=201)
    answer["Cache-Control"] = "no-store"
    return answer


@extend_schema(methods=["GET"], operation_id="alerts_channels_read", responses=ChannelAnswer)
@extend_schema(
    methods=["PUT"], operation_id="alerts_channels_edit", request=ChannelRequest, responses=ChannelAnswer
)
@extend_schema(methods=["DELETE"], operation_id="alerts_channels_delete", responses={204: None})
@api_view(["GET", "PUT", "DELETE"])
def channel(request: Request, channel_id: int) -> Response:
    """One channel. Deleting it takes it from its rules; messages that wait are still sent."""
    actor = caller(request)
    if request.method == "GET":
        return Response(_channel(actor, find_channel(actor, channel_id)))
    if request.method == "DELETE":
        channel_operations.delete_channel(actor=actor, channel_id=channel_id)
        return Response(status=204)
    spec = _channel_spec(request)
    changed = channel_operations.edit_channel(actor=actor, channel_id=channel_id, spec=spec)
    return Response(_channel(actor, changed))


@extend_schema(operation_id="alerts_channels_test", request=None, responses={202: SentTest})
@api_view(["POST"])
def channel_test(request: Request, channel_id: int) -> Response:
    """Sends a message of type `alert.test`; the deliveries say what became of it. An e-mail goes to each recipient."""
    sent = channel_operations.send_test(actor=caller(request), channel_id=channel_id)
    return Response(SentTest.of(sent), status=202)


@extend_schema(
    operation_id="alerts_channels_preview", request=PreviewMessageRequest, responses=PreviewMessageAnswer
)
@api_view(["POST"])
def channel_preview(request: Request) -> Response:
    """What a channel's templates make of an episode; nothing is saved or sent."""
    wanted = PreviewMessageRequest(data=request.data)
    wanted.is_valid(raise_exception=True)
    said = preview_message(
        actor=caller(request),
        title_template=wanted.validated_data["title_template"],
        text_template=wanted.validated_data["text_template"],
        episode_id=wanted.validated_data.get("episode"),
    )
    return Response(PreviewMessageAnswer(said).data)


class AttemptFilter(serializers.Serializer[Any]):
    outcome = serializers.ChoiceField(["failed", "delivered"], required=False)


@extend_schema(
    operation_id="alerts_channels_attempts",
    parameters=[*PAGING, AttemptFilter],
    responses=page_schema("AttemptPage", TriedAnswer),
)
@api_view(["GET"])
def channel_attempts(request: Request, channel_id: int) -> Response:
    """Everything that was tried through a channel, the newest first."""
    chosen = AttemptFilter(data={name: value for name, value in request.query_params.items() if value})
    chosen.is_valid(raise_exception=True)
    actor = caller(request)
    tried = attempts_of(actor, find_channel(actor, channel_id), chosen.validated_data.get("outcome", ""))
    page = page_of(request, tried)
    return page_answer(page, TriedAnswer(page.items, many=True).data)


@extend_schema(
    operation_id="alerts_channels_redeliver",
    request=None,
    responses={202: inline_serializer("Redelivered", {"redelivered": serializers.IntegerField()})},
)
@api_view(["POST"])
def channel_redeliver(request: Request, channel_id: int) -> Response:
    """Sends again the notifications that a channel could not deliver, up to 1,000 at once."""
    count = channel_operations.redeliver_all(actor=caller(request), channel_id=channel_id)
    return Response({"redelivered": count}, status=202)
