"""Following the log on the explorer's page: rows as server-sent events, and for readers without a stream, on request."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse

from access.caller import caller
from events.query import Filters
from events.tail import News, follow, news_since, position_of
from events.tail_api import EVENT_STREAM, message, stream


def tail(request: HttpRequest) -> HttpResponseBase:
    if EVENT_STREAM not in request.headers.get("Accept", ""):
        # Somebody followed the address instead of the log.
        return _explorer(request)
    after = position_of(request.headers.get("Last-Event-ID", "") or request.GET.get("from", ""))
    following = follow(actor=caller(request), filters=Filters.of(request.GET), after=after)
    return stream(following, _told)


def _explorer(request: HttpRequest) -> HttpResponse:
    return redirect(f"{reverse('events')}?{request.GET.urlencode()}")


def _told(news: News) -> bytes:
    told = b""
    if news.events:
        told = message("rows", news.position, _rows(news).encode())
    if news.skipped:
        told += message("skipped", news.position, news.skipped_text.encode())
    return told + b": alive\nid: %d\n\n" % news.position


def _rows(news: News) -> str:
    return render_to_string("events/_news.html", {"news": news.events})


def news(request: HttpRequest) -> HttpResponse:
    """The rows since `from`, the oldest first."""
    if "from" not in request.GET:
        return _explorer(request)
    after = position_of(request.GET.get("from", ""))
    found = news_since(actor=caller(request), filters=Filters.of(request.GET), after=after)
    answer = HttpResponse(_rows(found))
    answer["X-Onex-Position"] = str(found.position)
    if found.skipped:
        answer["X-Onex-Skipped"] = found.skipped_text
    answer["Cache-Control"] = "no-store"
    return answer
