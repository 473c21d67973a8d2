"""The REST door of following the log: server-sent events, or what is new since a position."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import orjson
from django.http import HttpResponseBase, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from events import shapes
from events.api import AS, FILTERS
from events.query import Filters
from events.tail import Following, News, follow, news_since, position_of
from events.upcast import Reader

EVENT_STREAM = "text/event-stream"


@extend_schema(
    operation_id="events_tail",
    description=(
        "New events as they come in, as server-sent events `event` and `skipped`; the id of each is a position, from which "
        "`Last-Event-ID` goes on. Ends after some minutes, for the reader to come again. Without `Accept: text/event-stream`, "
        "what is new since the position `from`, and the position to ask from next."
    ),
    parameters=[
        *FILTERS,
        AS,
        OpenApiParameter("from", int, description="Where to go on; without it, what comes from now on."),
        OpenApiParameter("Last-Event-ID", int, location="header"),
    ],
    responses={(200, EVENT_STREAM): OpenApiTypes.STR},
)
@api_view(["GET"])
def tail(request: Request) -> HttpResponseBase:
    """The log as it grows."""
    actor, filters = caller(request), Filters.of(request.GET)
    after = position_of(request.headers.get("Last-Event-ID", "") or request.GET.get("from", ""))
    if wanted := request.GET.get("as", ""):
        # What is no version is told before the stream begins.
        Reader(wanted)
    if EVENT_STREAM in request.headers.get("Accept", ""):
        return stream(follow(actor=actor, filters=filters, after=after), partial(_told, wanted=wanted))
    news = news_since(actor=actor, filters=filters, after=after)
    return Response(
        {
            "position": news.position,
            "skipped": news.skipped,
            "items": shapes.of_events(news.events, wanted=wanted),
        }
    )


def stream(following: Following, told: Callable[[News], bytes]) -> StreamingHttpResponse:
    """Server-sent events that no proxy keeps back."""
    answer = StreamingHttpResponse(_Body(following, told), content_type=EVENT_STREAM)
    answer["Cache-Control"] = "no-store"
    answer["X-Accel-Buffering"] = "no"
    return answer


class _Body:
    """Django closes it with the answer, however that ends."""

    def __init__(self, following: Following, told: Callable[[News], bytes]) -> None:
        self._parts = map(told, following)
        self.close = following.close

    def __iter__(self) -> Iterator[bytes]:
        return self._parts


def _told(news: News, *, wanted: str) -> bytes:
    told: list[bytes] = []
    if news.skipped:
        told.append(message("skipped", news.events[0].position - 1, _json({"count": news.skipped})))
    shown = shapes.of_events(news.events, wanted=wanted)
    told += [message("event", event["position"], _json(event)) for event in shown]
    # A position without data moves where the reader goes on, and nothing else.
    return b"".join(told) + b": alive\nid: %d\n\n" % news.position


def message(kind: str, position: int, data: bytes) -> bytes:
    """One server-sent event; a line of data for each of its lines."""
    lines = b"".join(b"data: %s\n" % line for line in data.splitlines())
    return b"event: %s\nid: %d\n%s\n" % (kind.encode(), position, lines)


def _json(value: Any) -> bytes:
    return orjson.dumps(value)
