"""Whether a version may go, over REST."""

from typing import Any

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from registry.api_requests import meant
from registry.lookup import find_any_version
from registry.models import Fetch
from registry.usage import usage_of


class FetchAnswer(serializers.ModelSerializer[Fetch]):
    class Meta:
        model = Fetch
        fields = ("client", "count", "first_at", "last_at")


@extend_schema(
    operation_id="version_usage",
    responses=inline_serializer(
        "VersionUsage",
        {
            "subject": serializers.CharField(),
            "version": serializers.IntegerField(),
            "safe_to_delete": serializers.BooleanField(),
            "evidence": serializers.ListField(child=serializers.DictField()),
            "clients": FetchAnswer(many=True),
        },
    ),
)
@api_view(["GET"])
def version_usage(request: Request, subject: str, version: str) -> Response:
    """Who still uses the version, and whether anything speaks against deleting it."""
    actor, subject = caller(request), meant(subject)
    actor.require("read", subject)
    found = usage_of(actor=actor, version=find_any_version(subject, version))
    answer: dict[str, Any] = {
        "subject": found.version.subject.name,
        "version": found.version.number,
        "safe_to_delete": found.safe,
        "evidence": [finding.as_dict() for finding in found.evidence],
        "clients": FetchAnswer(found.clients, many=True).data,
    }
    return Response(answer)
