"""The pages of the stream: explorer, one event, correlation, violations, quarantine."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from access.caller import caller
from access.keyset import page_of
from events.correlation import correlate
from events.errors import InvalidQuery
from events.forms import EventFilters
from events.grouping import LOOKED_AT, group_violations
from events.held import find_quarantined
from events.quarantine_pages import counted, text_of, violation_tabs
from events.query import Filters, find_event, find_events, versions_that_judged

_PANEL_SIZE = 8


def events(request: HttpRequest) -> HttpResponse:
    form = EventFilters(request.GET or None)
    try:
        filters = Filters.of(request.GET)
    except InvalidQuery as wrong:
        form.add_error(str(wrong.facts["parameter"]), wrong.message)
        return render(request, "events/events.html", {"filters": form, "page": None}, status=422)
    found = find_events(actor=caller(request), filters=filters).defer("document", "raw")
    page = page_of(request, found, key="position")
    return render(request, "events/events.html", {"filters": form, "page": page})


def event(request: HttpRequest, event_id: str) -> HttpResponse:
    found = find_event(actor=caller(request), event_id=event_id)
    judged_by = versions_that_judged([found]).get(found.position)
    context = {"event": found, "raw": text_of(found.raw), "judged_by": judged_by}
    return render(request, "events/event.html", context)


def correlation(request: HttpRequest, correlation_id: str) -> HttpResponse:
    found = correlate(actor=caller(request), correlation_id=correlation_id)
    replay = f"/replays/new?{urlencode({'correlation_id': correlation_id})}"
    return render(request, "events/correlation.html", {"correlation": found, "replay_url": replay})


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
