"""The pages of exports: what was asked for, how far it is, and the file."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from access.caller import caller
from access.errors import ProductError
from access.keyset import page_of
from events.errors import ExportInvalid
from events.export import cancel_export, chosen_of, fetch_export, find_export, start_export
from events.export_api import fetched
from events.models import Export
from registry.templatetags.ui import milliseconds

# Before that, nobody can say how long it takes.
_ENOUGH = 0.01


@require_safe
def exports(request: HttpRequest) -> HttpResponse:
    page = page_of(request, Export.objects.visible_to(caller(request)))
    return render(request, "events/exports.html", {"page": page})


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Of the query in the address."""
    try:
        started = start_export(
            actor=caller(request),
            query=chosen_of(request.GET.dict()),
            form=request.POST.get("format", "ndjson"),
        )
    except ExportInvalid as wrong:
        messages.error(request, wrong.message)
        return redirect("exports")
    return redirect("export", started.pk)


@require_safe
def export(request: HttpRequest, export_id: UUID) -> HttpResponse:
    """The whole page, or, while it runs, the part that replaces itself."""
    found = find_export(actor=caller(request), export_id=export_id)
    part = "_" if request.GET.get("part") else ""
    return render(request, f"events/{part}export.html", _told(found))


def _told(export: Export) -> dict[str, Any]:
    return {
        "export": export,
        "percent": int(export.share * 100),
        "note": f"{export.events:,} events written",
        "left": _left(export),
        "address": urlencode(export.query),
    }


def _left(export: Export) -> str:
    if export.ended or export.share < _ENOUGH:
        return ""
    passed = (timezone.now() - export.created_at).total_seconds()
    return milliseconds(passed * (1 - export.share) / export.share * 1000)


@require_POST
def cancel(request: HttpRequest, export_id: UUID) -> HttpResponse:
    cancel_export(actor=caller(request), export_id=export_id)
    return redirect("export", export_id)


@require_safe
def fetch(request: HttpRequest, export_id: UUID) -> HttpResponseBase:
    try:
        return fetched(*fetch_export(actor=caller(request), export_id=export_id))
    except ProductError as problem:
        if problem.kind != "conflict":
            raise
        messages.error(request, problem.message)
        return redirect("export", export_id)
