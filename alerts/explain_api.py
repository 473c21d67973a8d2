"""Why a rule did or did not fire, over REST."""

import json
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from alerts.errors import InvalidExplanation
from alerts.explain import explain_rule
from alerts.serializers import EpisodeAnswer
from alerts.silence_api import SilenceAnswer


class HeldAnswer(serializers.Serializer[Any]):
    group = serializers.DictField()
    counted = serializers.IntegerField()
    hits = serializers.IntegerField(help_text="Of the kind share.")
    values = serializers.IntegerField(
        allow_null=True, help_text="Of the kind distinct: how many different ones."
    )
    value = serializers.FloatField(allow_null=True, help_text="Of the kind value: what the field amounts to.")


class PendingAnswer(serializers.Serializer[Any]):
    state = serializers.CharField(help_text="pending, or lapsed when it ended before it fired.")
    started_at = serializers.DateTimeField()
    fires_at = serializers.DateTimeField(source="fired_at", help_text="If it lasts so long.")
    closes_at = serializers.DateTimeField()
    peak = serializers.IntegerField()
    matches = serializers.IntegerField()


class ExplanationAnswer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    edition = serializers.IntegerField(help_text="The one that applied then.")
    fires_at = serializers.CharField()
    chosen = HeldAnswer(allow_null=True, help_text="What the window of the group held.")
    groups = HeldAnswer(many=True, help_text="The groups that the window held, the fullest first, up to 20.")
    late = serializers.IntegerField()
    before_the_rule = serializers.IntegerField()
    episode = EpisodeAnswer(allow_null=True)
    pending = PendingAnswer(
        allow_null=True,
        help_text="With `for_seconds`: what was over then, or was last before, and had not fired.",
    )
    silences = SilenceAnswer(many=True)
    sentences = serializers.ListField(child=serializers.CharField())


class _Asked(serializers.Serializer[Any]):
    at = serializers.DateTimeField(required=False)


@extend_schema(
    operation_id="alerts_rules_explain",
    parameters=[
        OpenApiParameter("at", str, description="The moment; now when left out."),
        OpenApiParameter(
            "group",
            str,
            description='Values of the fields that the rule groups by, as JSON: {"node_id": "n1"}.',
        ),
    ],
    responses=ExplanationAnswer,
)
@api_view(["GET"])
def explain(request: Request, rule_id: int) -> Response:
    """Why it did or did not fire for a group at a moment: events in the window, what was late, episode, silences, standing."""
    asked = _Asked(data={name: value for name, value in request.query_params.items() if value})
    asked.is_valid(raise_exception=True)
    found = explain_rule(
        actor=caller(request),
        rule_id=rule_id,
        at=asked.validated_data.get("at"),
        group=_group(request.query_params.get("group", "")),
    )
    return Response(ExplanationAnswer(found).data)


def _group(text: str) -> dict[str, str] | None:
    if not text:
        return None
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise InvalidExplanation("'group' is a JSON object of fields and values.", pointer="/group")
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}
