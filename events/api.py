"""The REST door of events: parse, call, answer."""

from typing import cast

from django.http import HttpRequest
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.actor import Actor
from events import decode
from events.ingest import ingest_events


def _actor(request: Request) -> Actor:
    return cast("Actor", request._request.actor)  # type: ignore[attr-defined]


@extend_schema(
    methods=["POST"],
    summary="Take events in",
    description=(
        "One event, a JSON array, or NDJSON; gzip or zstd. Whenever the body could be read the answer is 200 with one "
        "result per event: stored, stored_with_violations, duplicate, conflict, quarantined or rejected."
    ),
    request={"application/json": OpenApiTypes.OBJECT, "application/x-ndjson": OpenApiTypes.STR},
    responses={200: OpenApiTypes.OBJECT},
)
@api_view(["POST"])
def events(request: Request) -> Response:
    body = decode.plain_body(_body_of(request._request), encoding=request.headers.get("Content-Encoding", ""))
    pieces = decode.pieces(body, content_type=request.headers.get("Content-Type", ""))
    return Response(ingest_events(actor=_actor(request), items=pieces).as_dict())


def _body_of(request: HttpRequest) -> bytes:
    """The body as sent; not read at all when it says it is larger than what is allowed decoded."""
    decode.check_size(int(request.headers.get("Content-Length") or 0))
    return request.body
