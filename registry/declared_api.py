"""Declared changes against verdicts, over REST."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from registry import api_shapes as shapes
from registry.declared_changes import CHANGE, SENTENCES, VERSION, contradiction_of, declared_changes, summary
from registry.models import Version
from registry.wire import window

_KIND = OpenApiParameter(
    "kind",
    str,
    enum=["any", *SENTENCES],
    description="One kind of contradiction, or any; all declared changes if absent.",
)
_DECLARED = inline_serializer(
    "DeclaredChanges",
    {
        "declared": serializers.DictField(help_text="How many of each declared change."),
        "contradicting": serializers.DictField(help_text="How many of each kind of contradiction."),
        "results": serializers.ListField(child=serializers.DictField()),
    },
)


@extend_schema(
    operation_id="declared_changes",
    parameters=[_KIND, *shapes.parameters("offset", "limit")],
    responses=_DECLARED,
)
@api_view(["GET"])
def declared(request: Request) -> Response:
    """What authors of imported versions declared their changes to be, beside the verdict and its witness."""
    actor = caller(request)
    rows = declared_changes(actor=actor, kind=request.query_params.get("kind", "").lower())
    counted = summary(actor=actor)
    return Response(
        {
            "declared": counted.declared,
            "contradicting": counted.contradicting,
            "results": [_declared(version) for version in rows.order_by("pk")[window(request)]],
        }
    )


def _declared(version: Version) -> dict[str, Any]:
    properties: dict[str, str] = (version.metadata or {})["properties"]
    label = version.verdict.get("semver", {})
    return {
        "subject": version.subject.name,
        "version": version.number,
        "semver": version.semver,
        "schemaver": properties.get(VERSION),
        "declared": properties[CHANGE],
        "computed": label.get("required"),
        "reason": label.get("reason"),
        "witness": label.get("witness"),
        "contradiction": contradiction_of(properties[CHANGE], label) or None,
    }
