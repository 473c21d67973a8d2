"""What a version means, over REST: its documentation, an example, what changed, and what resembles it."""

from typing import Any

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from access.errors import Forbidden
from registry import api_shapes as shapes
from registry.api_requests import meant
from registry.changelog import changes_between
from registry.describe import Described, describe_version
from registry.errors import NoExample
from registry.markdown import as_markdown
from registry.similar import MOST, Similar, similar_schemas
from registry.wire import flag, integer

MARKDOWN = "text/markdown"
_FORMAT = OpenApiParameter("format", str, enum=["json", "markdown"], description="Markdown, also by Accept.")
_SINCE = OpenApiParameter("since", str, description="The version to compare with; the one before if absent.")
_DOCS = inline_serializer(
    "VersionDocs",
    {
        "subject": serializers.CharField(),
        "version": serializers.IntegerField(),
        "semver": serializers.CharField(),
        "title": serializers.CharField(),
        "description": serializers.CharField(),
        "fields": serializers.ListField(child=serializers.DictField()),
        "cut": serializers.BooleanField(help_text="There are more fields than are listed."),
        "example": serializers.DictField(allow_null=True),
    },
)
_CHANGES = inline_serializer(
    "Changes",
    {
        "subject": serializers.CharField(),
        "old": serializers.DictField(),
        "new": serializers.DictField(),
        "same_schema": serializers.BooleanField(),
        "headline": serializers.CharField(),
        "semver": serializers.DictField(),
        "changes": serializers.ListField(child=serializers.DictField()),
        "backward": serializers.DictField(),
        "forward": serializers.DictField(),
        "steps": serializers.ListField(child=serializers.DictField()),
    },
)
_SIMILAR = inline_serializer("Similar", {"results": serializers.ListField(child=serializers.DictField())})


@extend_schema(
    operation_id="versions_docs", parameters=[_FORMAT, *shapes.parameters("deleted")], responses=_DOCS
)
@api_view(["GET"])
def docs(request: Request, subject: str, version: str) -> Response | HttpResponse:
    """The fields of a version with types, constraints and since when they are there, and an example.

    As Markdown with `?format=markdown` or `Accept: text/markdown`.
    """
    described = _described(request, subject, version)
    if not _wants_markdown(request):
        return Response(described.as_dict())
    text = as_markdown(described, site=settings.PUBLIC_URL)
    return HttpResponse(
        text, content_type=f"{MARKDOWN}; charset=utf-8", headers={"Vary": "Authorization, Accept"}
    )


@extend_schema(
    operation_id="versions_example", parameters=shapes.parameters("deleted"), responses={200: dict[str, Any]}
)
@api_view(["GET"])
def example(request: Request, subject: str, version: str) -> Response:
    """An event of this version that two validators accept; 404 when none could be made."""
    described = _described(request, subject, version)
    if described.hidden:
        raise Forbidden(
            f"An example would show what is in schemas that you may not read: {', '.join(described.hidden)}.",
            scope="read",
        )
    if described.example is None:
        raise NoExample(subject, described.version.number)
    return Response(described.example.value)


@extend_schema(
    operation_id="versions_changes", parameters=[_SINCE, *shapes.parameters("deleted")], responses=_CHANGES
)
@api_view(["GET"])
def changes(request: Request, subject: str, version: str) -> Response:
    """What changed since another version of the subject, in words, with a verdict and its witness each way."""
    found = changes_between(
        actor=caller(request),
        subject=meant(subject),
        new=version,
        old=request.query_params.get("since") or None,
        deleted=flag(request, "deleted"),
    )
    return Response(found.as_dict())


@extend_schema(
    operation_id="versions_similar", parameters=shapes.parameters("deleted", "limit"), responses=_SIMILAR
)
@api_view(["GET"])
def similar(request: Request, subject: str, version: str) -> Response:
    """Other subjects whose latest version has much the same fields, the most alike first, with which they share."""
    limit = integer(request, "limit", MOST)
    found = similar_schemas(
        actor=caller(request),
        subject=meant(subject),
        version=version,
        deleted=flag(request, "deleted"),
        limit=MOST if limit < 0 else limit,
    )
    return Response({"results": [_similar(one) for one in found]})


def _similar(one: Similar) -> dict[str, Any]:
    return {
        "subject": one.version.subject.name,
        "version": one.version.number,
        "semver": one.version.semver,
        "id": one.version.identity.number,
        "share": round(one.share, 4),
        "because": one.sentence(),
        "shared": list(one.shared),
        "only_here": list(one.only_here),
        "only_there": list(one.only_there),
    }


def _described(request: Request, subject: str, version: str) -> Described:
    return describe_version(
        actor=caller(request), subject=meant(subject), version=version, deleted=flag(request, "deleted")
    )


def _wants_markdown(request: Request) -> bool:
    asked = request.query_params.get("format", "").lower()
    if asked:
        return asked in {"markdown", "md"}
    return MARKDOWN in request.headers.get("Accept", "").lower()
