"""Search over REST."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from registry import api_shapes as shapes
from registry.highlight import Match
from registry.search import MOST_RESULTS, PAGE, Hit, search
from registry.search_query import FILTERS, KEYS, composed
from registry.wire import integer

_QUERY = OpenApiParameter("q", str, description="Words, and terms such as `field:user_id:string`.")
_FILTERS = [OpenApiParameter(name, str, description=f"The same as `{name}:` in `q`.") for name in FILTERS]
_VERSIONS = OpenApiParameter(
    "versions", str, enum=["latest", "all"], description="`all`: older live versions, too."
)
_FOUND = inline_serializer(
    "Found",
    {
        "query": serializers.CharField(),
        "count": serializers.IntegerField(help_text=f"Exact up to {MOST_RESULTS}."),
        "more": serializers.BooleanField(help_text="There are more than `count`."),
        "offset": serializers.IntegerField(),
        "results": serializers.ListField(child=serializers.DictField()),
        "keys": serializers.DictField(
            required=False, help_text="What can be asked; in answers to an empty query."
        ),
    },
)


@extend_schema(
    operation_id="search",
    parameters=[_QUERY, *_FILTERS, _VERSIONS, *shapes.parameters("offset", "limit")],
    responses=_FOUND,
)
@api_view(["GET"])
def search_schemas(request: Request) -> Response:
    """The schemas that fit, of the subjects that the caller may read, each with why it was found."""
    limit = integer(request, "limit", PAGE)
    found = search(
        actor=caller(request),
        text=composed(request.query_params.get("q", ""), request.query_params),
        every_version=request.query_params.get("versions", "").lower() == "all",
        offset=max(0, integer(request, "offset", 0)),
        limit=MOST_RESULTS if limit < 0 else limit,
    )
    answer: dict[str, Any] = {
        "query": found.query.text,
        "count": found.count,
        "more": found.more,
        "offset": found.offset,
        "results": [_hit(hit) for hit in found.hits],
    }
    return Response(answer if found.query.terms else {**answer, "keys": KEYS})


def _hit(hit: Hit) -> dict[str, Any]:
    version = hit.version
    return {
        "subject": version.subject.name,
        "version": version.number,
        "semver": version.semver,
        "id": version.identity.number,
        "state": version.state,
        "owner": version.subject.owner,
        "title": hit.title,
        "description": hit.description,
        "tags": [tag.tag for tag in version.tags.all()],
        "matches": [_match(match) for match in hit.matches],
    }


def _match(match: Match) -> dict[str, Any]:
    told: dict[str, Any] = {
        "where": match.where,
        "text": match.text,
        "marked": [piece for piece, fits in match.pieces if fits],
    }
    if match.where == "field":
        told["types"] = list(match.types)
    if match.note:
        told["note"] = "".join(piece for piece, _ in match.note)
    return told
