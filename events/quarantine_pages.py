"""The pages of the quarantine: what waits, by cause and one by one, and re-drives of it."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from access.caller import caller
from access.errors import ProductError
from access.keyset import page_of
from events.errors import QuarantinedEventNotFound
from events.forms import QuarantineFilters
from events.held import LOOKED_AT, HeldFilters, count_by_hour, find_quarantined, group_quarantined
from events.models import Redrive
from events.query import visible_quarantine
from events.redrive import cancel_redrive, find_redrive, redrive_events
from events.release import release_event
from events.set_aside import bring_back, set_aside

_COUNTED = 10_000
_REDRIVES = 5


def quarantine(request: HttpRequest) -> HttpResponse:
    actor, filters = caller(request), HeldFilters.of(request.GET)
    found = find_quarantined(actor=actor, filters=filters)
    groups = group_quarantined(actor=actor, filters=filters)
    context = {
        "filters": QuarantineFilters(request.GET or None),
        "chosen": filters.chosen,
        "groups": [(group, urlencode(group.filters.chosen)) for group in groups],
        "looked_at": LOOKED_AT,
        "count": counted(found),
        "aside": counted(find_quarantined(actor=actor, filters=HeldFilters(aside="yes"))),
        "figures": count_by_hour(found),
        "page": page_of(request, found.defer("raw")),
        "redrives": Redrive.objects.visible_to(actor)[:_REDRIVES],
        "may_ingest": actor.may("ingest"),
        "tabs": violation_tabs(request),
    }
    return render(request, "events/quarantine.html", context)


def quarantined(request: HttpRequest, quarantined_id: int) -> HttpResponse:
    found = visible_quarantine(caller(request)).filter(pk=quarantined_id).first()
    if found is None:
        raise QuarantinedEventNotFound(f"There is no quarantined event {quarantined_id} that you may see.")
    return render(request, "events/quarantined.html", {"event": found, "raw": text_of(found.raw)})


@require_POST
def release(request: HttpRequest, quarantined_id: int) -> HttpResponse:
    try:
        outcome = release_event(actor=caller(request), quarantined_id=quarantined_id)
    except ProductError as refused:
        messages.error(request, refused.message)
        return redirect("quarantined", quarantined_id)
    messages.success(request, "The event is in the log now.")
    return redirect("event", outcome.event_id)


@require_POST
def start_redrive(request: HttpRequest) -> HttpResponse:
    started = redrive_events(actor=caller(request), filters=HeldFilters.of(request.POST))
    return redirect("redrive", started.pk)


@require_POST
def aside(request: HttpRequest) -> HttpResponse:
    filters = HeldFilters.of(request.POST)
    moved = set_aside(actor=caller(request), filters=filters)
    messages.success(request, f"{moved:,} set aside. They are kept, and can be brought back.")
    return redirect(f"{reverse('quarantine')}?{urlencode({**filters.chosen, 'aside': 'yes'})}")


@require_POST
def back(request: HttpRequest) -> HttpResponse:
    filters = HeldFilters.of(request.POST)
    moved = bring_back(actor=caller(request), filters=filters)
    messages.success(request, f"{moved:,} wait in quarantine again.")
    chosen = {name: value for name, value in filters.chosen.items() if name != "aside"}
    return redirect(f"{reverse('quarantine')}?{urlencode(chosen)}")


@require_safe
def redrive(request: HttpRequest, redrive_id: int) -> HttpResponse:
    """The whole page, or, while it runs, the part that replaces itself."""
    found = find_redrive(caller(request), redrive_id)
    chosen = HeldFilters(**found.filters).chosen
    part = "_" if request.GET.get("part") else ""
    context = {
        "redrive": found,
        "progress": f"{found.done:,} of {found.total:,}",
        "chosen": chosen,
        "still_held": urlencode(chosen),
    }
    return render(request, f"events/{part}redrive.html", context)


@require_POST
def cancel(request: HttpRequest, redrive_id: int) -> HttpResponse:
    cancel_redrive(actor=caller(request), redrive_id=redrive_id)
    return redirect("redrive", redrive_id)


def violation_tabs(request: HttpRequest) -> list[dict[str, Any]]:
    waiting = counted(find_quarantined(actor=caller(request)))
    return [
        {"label": label, "url": reverse(name), "current": request.path == reverse(name), "count": count}
        for label, name, count in (("By cause", "violations", None), ("Quarantine", "quarantine", waiting))
    ]


def counted(rows: QuerySet[Any]) -> str:
    """How many, as far as a page can wait for: counting millions takes longer than anybody looks."""
    count = rows.order_by()[: _COUNTED + 1].count()
    return f"{count:,}" if count <= _COUNTED else f"{_COUNTED:,}+"


def text_of(raw: bytes | memoryview) -> str:
    return bytes(raw).decode(errors="replace")
