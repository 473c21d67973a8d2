"""Asking which version an event is of, over REST."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from events.api import body_of
from events.detect_version import detect_version


class CandidateAnswer(serializers.Serializer[Any]):
    semver = serializers.CharField()
    version = serializers.IntegerField()
    accepts = serializers.BooleanField()
    judges = serializers.BooleanField(help_text="It would judge the event if it was sent so.")
    declared = serializers.IntegerField(help_text="Members of `metadata` that its schema declares.")
    undeclared = serializers.ListField(child=serializers.CharField())
    reason = serializers.CharField()


@extend_schema(
    operation_id="events_detect_version",
    request=OpenApiTypes.OBJECT,
    responses=inline_serializer(
        "DetectedVersions",
        {
            "event_type": serializers.CharField(),
            "schema_version": serializers.CharField(allow_null=True, help_text="What the event says."),
            "judged_by": serializers.CharField(allow_null=True),
            "likeliest": serializers.CharField(
                allow_null=True, help_text="null: no live version accepts it."
            ),
            "candidates": CandidateAnswer(many=True),
        },
    ),
)
@api_view(["POST"])
def detect(request: Request) -> Response:
    """Which live versions of its subject one event fits, the likeliest first; nothing is stored."""
    actor = caller(request)
    actor.require("read")
    return Response(detect_version(actor=actor, raw=body_of(request._request)).as_dict())
