"""The pages of the stream: explorer, one event, correlation, violations, quarantine."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from access.caller import caller
from access.errors import ProductError
from events.correlation import Correlation, correlate, correlate_trace
from events.drawing import draw
from events.encrypted import sealed_in
from events.errors import InvalidQuery, QueryTooSlow
from events.forms import EventFilters
from events.grouping import LOOKED_AT, group_violations
from events.held import find_quarantined
from events.models import Event
from events.quarantine_pages import counted, text_of, violation_tabs
from events.query import Filters, find_event, find_events, versions_that_judged
from events.search import search_events
from events.tail import news_since
from events.upcast import read_as
from events.verify import signature_of
from events.waterfall import Waterfall
from registry.templatetags.ui import milliseconds

_PANEL_SIZE = 8
_LONGEST_ROW = 6
_MANY_TRACES = 5


def events(request: HttpRequest) -> HttpResponse:
    form = EventFilters(request.GET or None)
    try:
        filters = Filters.of(request.GET)
    except InvalidQuery as wrong:
        form.add_error(str(wrong.facts["parameter"]), wrong.message)
        return render(request, "events/events.html", {"filters": form, "page": None}, status=422)
    live = request.GET.get("live", "").lower() == "true"
    try:
        # Before the rows: what comes between the two is shown twice rather than never.
        position = news_since(actor=caller(request), filters=filters, after=None).position if live else None
        found = search_events(actor=caller(request), filters=filters, request=request)
    except QueryTooSlow as slow:
        context = {"filters": form, "page": None, "problem": slow.message}
        return render(request, "events/events.html", context, status=422)
    return render(
        request,
        "events/events.html",
        {
            "filters": form,
            "found": found,
            "page": found.page,
            "live": live,
            "position": position,
            "tail_query": _without(request, "live", "after", "before"),
        },
    )


def _without(request: HttpRequest, *names: str) -> str:
    """The query string, less these."""
    rest = request.GET.copy()
    for name in names:
        rest.pop(name, None)
    return rest.urlencode()


def event(request: HttpRequest, event_id: str) -> HttpResponse:
    found = find_event(actor=caller(request), event_id=event_id)
    judged_by = versions_that_judged([found]).get(found.position)
    wanted = request.GET.get("as", "").strip()
    context = {
        "event": found,
        "raw": text_of(found.raw),
        "judged_by": judged_by,
        "signature": signature_of(found),
        "sealed": sealed_in(bytes(found.raw)),
        "wanted": wanted,
        **(_read(found, wanted) if wanted else {}),
    }
    return render(request, "events/event.html", context)


def _read(event: Event, wanted: str) -> dict[str, Any]:
    """The event as another version, or why it cannot be read so."""
    try:
        read = read_as(event, wanted)
    except ProductError as refusal:
        return {"refusal": refusal.message}
    return {"read": read, "read_raw": text_of(read.raw)}


def correlation(request: HttpRequest, correlation_id: str) -> HttpResponse:
    found = correlate(actor=caller(request), correlation_id=correlation_id)
    address = f"/api/v1/correlations/{quote(correlation_id, safe='')}"
    replay = f"/replays/new?{urlencode({'correlation_id': correlation_id})}"
    return _tree(request, found, "Correlation", correlation_id, address, replay_url=replay)


def trace(request: HttpRequest, trace_id: str) -> HttpResponse:
    found = correlate_trace(actor=caller(request), trace_id=trace_id)
    replay = f"/replays/new?{urlencode({'trace_id': trace_id})}"
    address = f"/api/v1/traces/{quote(trace_id, safe='')}"
    return _tree(request, found, "Trace", trace_id, address, replay_url=replay)


def _tree(
    request: HttpRequest, found: Correlation, kind: str, name: str, address: str, *, replay_url: str = ""
) -> HttpResponse:
    errors_only = request.GET.get("errors", "").lower() == "true"
    waterfall = found.waterfall(errors_only=errors_only)
    row = request.GET.get("row", "")
    first = int(row) if row.isascii() and row.isdigit() and len(row) <= _LONGEST_ROW else 0
    traces = {step.moment.trace_id for step in found.steps if step.moment.trace_id}
    only = "errors=true&" if errors_only else ""
    context = {
        "correlation": found,
        "kind": kind,
        "id": name,
        "waterfall": waterfall,
        "drawing": draw(waterfall, first=first),
        "clocks": _clocks(waterfall),
        "sentence": _sentence(found, waterfall),
        "incomplete_text": f"{waterfall.incomplete} of them began more than "
        f"{settings.OPERATION_INCOMPLETE_AFTER.total_seconds() / 60:g} minutes ago, and no end has arrived.",
        "errors_only": errors_only,
        # A tree of many traces is looked at through its events.
        "traces": sorted(traces - {name})[:_MANY_TRACES],
        "dot_url": f"{address}?{only}format=dot",
        "json_url": f"{address}?{only}format=json",
        "replay_url": replay_url,
    }
    return render(request, "events/correlation.html", context)


def _clocks(waterfall: Waterfall) -> list[dict[str, Any]]:
    """How wrong each node's clock is: what had to be added is what it is behind."""
    wrong = [(node, "its clock is", -shift, "") for node, shift in waterfall.shifts.items()]
    local = [
        (node, "its START events are", skew, " the clock of their ends, as in local time")
        for node, skew in waterfall.start_skews.items()
    ]
    return [
        {"node": node, "what": what, "apart": abs(skew), "ahead": skew > 0, "of": of}
        for node, what, skew, of in (*wrong, *local)
    ]


def _sentence(found: Correlation, waterfall: Waterfall) -> str:
    nodes = {step.moment.node_id for step in found.steps}
    what = f"{len(found.steps):,} events in {waterfall.total:,} operations on {len(nodes)} nodes"
    return f"{what}, {milliseconds(waterfall.total_ms)} in all; {waterfall.failed} failed."


def violations(request: HttpRequest) -> HttpResponse:
    groups = group_violations(actor=caller(request), event_type=request.GET.get("type", ""))
    context = {"groups": groups, "looked_at": LOOKED_AT, "tabs": violation_tabs(request)}
    return render(request, "events/violations.html", context)


def home_panel(request: HttpRequest) -> dict[str, Any]:
    """The newest events, and how many came in since yesterday."""
    actor = caller(request)
    seen = find_events(actor=actor, filters=Filters())
    newest = seen.defer("document", "raw").order_by("-position")[:_PANEL_SIZE]
    today = seen.filter(received_at__gte=timezone.now() - timedelta(days=1))
    waiting = find_quarantined(actor=actor)
    return {
        "template": "events/_home_panel.html",
        "context": {"events": list(newest)},
        "tiles": [
            {
                "label": "Events in 24 h",
                "value": counted(today),
                "url": reverse("events"),
                "note": f"{counted(today.filter(violations__isnull=False))} with violations",
            },
            {
                "label": "In quarantine",
                "value": counted(waiting),
                "url": reverse("quarantine"),
                "tone": "warn" if waiting.exists() else "",
            },
        ],
    }
