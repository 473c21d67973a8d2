"""The pages of the stream: explorer, one event, correlation, violations, quarantine."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from access.caller import caller
from access.errors import ProductError
from access.keyset import page_of
from events.correlation import correlate
from events.errors import InvalidQuery, QuarantinedEventNotFound
from events.forms import EventFilters, QuarantineFilters
from events.grouping import LOOKED_AT, group_violations
from events.query import (
    Filters,
    find_event,
    find_events,
    find_quarantined,
    versions_that_judged,
    visible_quarantine,
)
from events.release import release_event

_PANEL_SIZE = 8
_COUNTED = 10_000


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
    context = {"event": found, "raw": _text(found.raw), "judged_by": judged_by}
    return render(request, "events/event.html", context)


def correlation(request: HttpRequest, correlation_id: str) -> HttpResponse:
    found = correlate(actor=caller(request), correlation_id=correlation_id)
    replay = f"/replays/new?{urlencode({'correlation_id': correlation_id})}"
    return render(request, "events/correlation.html", {"correlation": found, "replay_url": replay})


def violations(request: HttpRequest) -> HttpResponse:
    groups = group_violations(actor=caller(request), event_type=request.GET.get("type", ""))
    context = {"groups": groups, "looked_at": LOOKED_AT, "tabs": _tabs(request)}
    return render(request, "events/violations.html", context)


def quarantine(request: HttpRequest) -> HttpResponse:
    found = find_quarantined(
        actor=caller(request), event_type=request.GET.get("type", ""), reason=request.GET.get("reason", "")
    )
    context = {
        "filters": QuarantineFilters(request.GET or None),
        "page": page_of(request, found.defer("raw")),
        "tabs": _tabs(request),
    }
    return render(request, "events/quarantine.html", context)


def quarantined(request: HttpRequest, quarantined_id: int) -> HttpResponse:
    found = visible_quarantine(caller(request)).filter(pk=quarantined_id).first()
    if found is None:
        raise QuarantinedEventNotFound(f"There is no quarantined event {quarantined_id} that you may see.")
    return render(request, "events/quarantined.html", {"event": found, "raw": _text(found.raw)})


@require_POST
def release(request: HttpRequest, quarantined_id: int) -> HttpResponse:
    try:
        outcome = release_event(actor=caller(request), quarantined_id=quarantined_id)
    except ProductError as refused:
        messages.error(request, refused.message)
        return redirect("quarantined", quarantined_id)
    messages.success(request, "The event is in the log now.")
    return redirect("event", outcome.event_id)


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
                "value": _counted(today),
                "url": reverse("events"),
                "note": f"{_counted(today.filter(violations__isnull=False))} with violations",
            },
            {
                "label": "In quarantine",
                "value": _counted(waiting),
                "url": reverse("quarantine"),
                "tone": "warn" if waiting.exists() else "",
            },
        ],
    }


def _counted(rows: QuerySet[Any]) -> str:
    """How many, as far as a page can wait for: counting millions takes longer than anybody looks."""
    count = rows.order_by()[: _COUNTED + 1].count()
    return f"{count:,}" if count <= _COUNTED else f"{_COUNTED:,}+"


def _text(raw: bytes | memoryview) -> str:
    return bytes(raw).decode(errors="replace")


def _tabs(request: HttpRequest) -> list[dict[str, Any]]:
    waiting = _counted(find_quarantined(actor=caller(request)))
    return [
        {"label": label, "url": reverse(name), "current": request.path == reverse(name), "count": count}
        for label, name, count in (("By cause", "violations", None), ("Quarantine", "quarantine", waiting))
    ]
