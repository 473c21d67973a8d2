"""Sampling over REST: rules, the one document that clients follow, what a rule would save, and the way back."""

import hashlib
from typing import Any

import orjson
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from access.keyset import PAGING, page_answer, page_of, page_schema
from events.models import SamplingRevision
from events.sampling import (
    RuleSpec,
    create_sampling_rule,
    current_sampling,
    delete_sampling_rule,
    edit_sampling_rule,
    find_sampling_rule,
    require_sight,
    restore_sampling,
    rules_of,
    rules_seen_by,
)
from events.sampling_rules import ALGORITHM, Rule, effective
from events.sampling_volume import predict_volume, with_tried

#: Seconds for which a client need not ask again.
MAX_AGE = 30


class SamplingRuleRequest(serializers.Serializer[Any]):
    event_type = serializers.CharField(
        trim_whitespace=False, help_text="A name, or a pattern in which `*` is any text."
    )
    node = serializers.CharField(
        default="*", trim_whitespace=False, help_text="The same for the node's id or its type."
    )
    rate = serializers.FloatField(help_text="The share that is kept, 0.0001 to 1.")
    keep_failures = serializers.BooleanField(default=True, help_text="Failures are kept whatever the rate.")
    enabled = serializers.BooleanField(default=True)
    note = serializers.CharField(default="", allow_blank=True)


class SamplingRuleAnswer(SamplingRuleRequest):
    id = serializers.IntegerField()
    changed_by = serializers.CharField()
    changed_at = serializers.DateTimeField()


class SamplingAnswer(serializers.Serializer[Any]):
    revision = serializers.IntegerField()
    items = SamplingRuleAnswer(many=True)


class ResolvedRule(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    event_type = serializers.CharField()
    node = serializers.CharField()
    rate = serializers.FloatField()
    keep_failures = serializers.BooleanField()


class ResolvedSampling(serializers.Serializer[Any]):
    revision = serializers.IntegerField()
    algorithm = serializers.CharField(help_text="How to decide: docs/reference/sampling.md.")
    default_rate = serializers.FloatField()
    rules = ResolvedRule(many=True, help_text="The enabled ones, in order: the first that fits counts.")


class EffectiveAnswer(serializers.Serializer[Any]):
    rate = serializers.FloatField()
    rule = SamplingRuleAnswer(allow_null=True, help_text="Null: no rule fits, and all is kept.")
    others = SamplingRuleAnswer(many=True, help_text="Less specific ones that fit, too.")


class VolumeAnswer(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="The event type; empty for all.")
    happened = serializers.FloatField(help_text="Events a day, those that were not kept included.")
    now = serializers.FloatField(help_text="Events a day that are stored now.")
    after = serializers.FloatField()
    bytes_now = serializers.FloatField()
    bytes_after = serializers.FloatField()
    error = serializers.FloatField(
        help_text="± of a day's count, estimated from what would be kept, at 95 %."
    )


class PredictionAnswer(serializers.Serializer[Any]):
    since = serializers.DateTimeField(allow_null=True, help_text="Null: it could not be counted in time.")
    total = VolumeAnswer()
    kinds = VolumeAnswer(many=True)


class RevisionAnswer(serializers.ModelSerializer[SamplingRevision]):
    class Meta:
        model = SamplingRevision
        fields = ("number", "change", "created_by", "created_at")


@extend_schema(methods=["GET"], operation_id="sampling_list", responses=SamplingAnswer)
@extend_schema(
    methods=["POST"],
    operation_id="sampling_create",
    request=SamplingRuleRequest,
    responses={201: SamplingRuleAnswer},
)
@api_view(["GET", "POST"])
def rules(request: Request) -> Response:
    """The rules, the oldest first, with the revision they are; or a new one."""
    actor = caller(request)
    if request.method == "GET":
        require_sight(actor)
        head = current_sampling()
        shown = rules_seen_by(actor, rules_of(head))
        return Response({"revision": head.number, "items": SamplingRuleAnswer(shown, many=True).data})
    made = create_sampling_rule(actor=actor, spec=_spec(request))
    return Response(SamplingRuleAnswer(made).data, status=201)


@extend_schema(methods=["GET"], operation_id="sampling_read", responses=SamplingRuleAnswer)
@extend_schema(
    methods=["PUT"],
    operation_id="sampling_edit",
    request=SamplingRuleRequest,
    responses=SamplingRuleAnswer,
)
@extend_schema(methods=["DELETE"], operation_id="sampling_delete", responses={204: None})
@api_view(["GET", "PUT", "DELETE"])
def rule(request: Request, sampling_rule_id: int) -> Response:
    """One rule; `enabled` false lets the next specific one count."""
    actor = caller(request)
    if request.method == "GET":
        require_sight(actor)
        return Response(SamplingRuleAnswer(find_sampling_rule(actor, sampling_rule_id)).data)
    if request.method == "DELETE":
        delete_sampling_rule(actor=actor, rule_id=sampling_rule_id)
        return Response(status=204)
    changed = edit_sampling_rule(actor=actor, rule_id=sampling_rule_id, spec=_spec(request))
    return Response(SamplingRuleAnswer(changed).data)


@extend_schema(
    operation_id="sampling_resolved",
    parameters=[OpenApiParameter("If-None-Match", location=OpenApiParameter.HEADER)],
    responses={200: ResolvedSampling, 304: OpenApiResponse(description="As it was.")},
)
@api_view(["GET"])
def resolved(request: Request) -> Response:
    """What a producer follows: ask with `If-None-Match`, and keep the last answer while the registry is away."""
    require_sight(caller(request))
    head = current_sampling()
    body = resolved_document(head, rules_seen_by(caller(request), rules_of(head)))
    tag = f'W/"{head.number}-{hashlib.sha256(orjson.dumps(body)).hexdigest()[:16]}"'
    known = {one.strip().removeprefix("W/") for one in request.headers.get("If-None-Match", "").split(",")}
    answer = Response(status=304) if known & {tag.removeprefix("W/"), "*"} else Response(body)
    answer["ETag"] = tag
    answer["Cache-Control"] = f"private, max-age={MAX_AGE}, stale-if-error=86400"
    answer["Vary"] = "Authorization"
    return answer


def resolved_document(head: SamplingRevision, shown: list[Rule]) -> dict[str, Any]:
    ordered = sorted((rule for rule in shown if rule.enabled), key=Rule.specificity, reverse=True)
    return {
        "revision": head.number,
        "algorithm": ALGORITHM,
        "default_rate": 1.0,
        "rules": ResolvedRule(ordered, many=True).data,
    }


_OF_EVENT = [OpenApiParameter("event_type", required=True), OpenApiParameter("node")]


@extend_schema(operation_id="sampling_effective", parameters=_OF_EVENT, responses=EffectiveAnswer)
@api_view(["GET"])
def effective_rule(request: Request) -> Response:
    """Which rule counts for events of a type from a node, and which others fit."""
    actor = caller(request)
    require_sight(actor)
    shown = rules_seen_by(actor, rules_of(current_sampling()))
    found = effective(shown, request.GET.get("event_type", ""), request.GET.get("node", ""))
    return Response(
        {
            "rate": found[0].rate if found else 1.0,
            "rule": SamplingRuleAnswer(found[0]).data if found else None,
            "others": SamplingRuleAnswer(found[1:], many=True).data,
        }
    )


@extend_schema(
    operation_id="sampling_prediction",
    parameters=[*_OF_EVENT, OpenApiParameter("rate", OpenApiTypes.FLOAT, required=True)],
    responses=PredictionAnswer,
)
@api_view(["GET"])
def prediction(request: Request) -> Response:
    """What a rule would make of the events of the last 7 days, if it was added to those there are."""
    actor = caller(request)
    actor.require("read")
    wanted = SamplingRuleRequest(data=request.GET)
    wanted.is_valid(raise_exception=True)
    tried = Rule(id=0, **wanted.validated_data)
    return Response(PredictionAnswer(predict_volume(actor=actor, rules=with_tried(tried), only=tried)).data)


@extend_schema(
    operation_id="sampling_history",
    parameters=PAGING,
    responses=page_schema("SamplingRevisionPage", RevisionAnswer),
)
@api_view(["GET"])
def history(request: Request) -> Response:
    """Every change of the rules, the newest first. Takes the scope admin everywhere: it names all of them."""
    caller(request).require_everywhere("admin")
    page = page_of(request, SamplingRevision.objects.all())
    return page_answer(page, RevisionAnswer(page.items, many=True).data)


@extend_schema(operation_id="sampling_restore", request=None, responses=RevisionAnswer)
@api_view(["POST"])
def restore(request: Request, revision: int) -> Response:
    """Makes the rules what they were at that revision, as a new revision."""
    return Response(RevisionAnswer(restore_sampling(actor=caller(request), number=revision)).data)


def _spec(request: Request) -> RuleSpec:
    wanted = SamplingRuleRequest(data=request.data)
    wanted.is_valid(raise_exception=True)
    return RuleSpec(**wanted.validated_data)
