"""Silences in the browser: the list, a new one with what it would hide, another end, and ending one now."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from access.caller import caller
from access.errors import ProductError
from access.forms import explain
from access.keyset import page_of
from alerts.matcher import read_matchers
from alerts.models import Severity, Silence
from alerts.schema_fields import suggested_fields
from alerts.silence_forms import MatcherRows, SilenceEditForm, SilenceFilter, SilenceForm, rows_of
from alerts.silences import (
    create_silence,
    edit_silence,
    expire_silence,
    find_silence,
    preview_silence,
    silences_for,
)

_PREFIX = "matchers"


@require_safe
def silences(request: HttpRequest) -> HttpResponse:
    filters = SilenceFilter(request.GET)
    state = filters.cleaned_data.get("state", "") if filters.is_valid() else ""
    page = page_of(request, silences_for(caller(request), state))
    now = timezone.now()
    rows = [(one, one.state(now), _says(one)) for one in page.items]
    return render(request, "alerts/silences.html", {"page": page, "rows": rows, "filters": filters})


def _says(silence: Silence) -> list[str]:
    return [str(one) for one in read_matchers(silence.matchers)]


@require_http_methods(["GET", "POST"])
def silence_new(request: HttpRequest) -> HttpResponse:
    """An address with labels fills them in. Nothing is kept until the button "save"."""
    actor = caller(request)
    actor.require("alert")
    posted = request.POST if request.method == "POST" else None
    given = {name: str(value) for name, value in request.GET.items() if value}
    rows = MatcherRows(posted, prefix=_PREFIX, initial=rows_of(given))
    form = SilenceForm(posted)
    context: dict[str, Any] = {
        "form": form,
        "rows": rows,
        "labels": ["rule", "severity", *suggested_fields(actor)],
        "severities": Severity.values,
    }
    matchers = _matchers(rows) if posted is not None else [dict(row) for row in rows_of(given)]
    try:
        if matchers:
            context["hidden"] = preview_silence(actor=actor, matchers=matchers)
        if "save" in request.POST and form.is_valid() and rows.is_valid():
            starts, ends = form.times()
            create_silence(
                actor=actor,
                matchers=matchers,
                reason=form.cleaned_data["reason"],
                starts_at=starts,
                ends_at=ends,
            )
            messages.success(request, "It is silent. The list has it, with a button to end it early.")
            return redirect("silences")
    except ProductError as error:
        explain(form, error)
    template = "alerts/_silence_hides.html" if request.htmx else "alerts/silence_form.html"  # type: ignore[attr-defined]
    return render(request, template, context)


def _matchers(rows: Any) -> list[dict[str, Any]]:
    if not rows.is_valid():
        return []
    return [found for row in rows if (found := row.matcher()) is not None]


@require_http_methods(["GET", "POST"])
def silence(request: HttpRequest, silence_id: int) -> HttpResponse:
    """One silence, what it hides now, and another end for it."""
    actor = caller(request)
    shown = find_silence(actor, silence_id)
    form = SilenceEditForm(request.POST or None, initial=SilenceEditForm.initial_of(shown))
    if form.is_valid():
        try:
            edit_silence(actor=actor, silence_id=silence_id, **form.cleaned_data)
        except ProductError as error:
            explain(form, error)
        else:
            messages.success(request, "Saved.")
            return redirect("silence", silence_id)
    context = {
        "silence": shown,
        "state": shown.state(timezone.now()),
        "says": _says(shown),
        "form": form,
        "hidden": preview_silence(actor=actor, matchers=shown.matchers),
    }
    return render(request, "alerts/silence.html", context)


@require_POST
def silence_expire(request: HttpRequest, silence_id: int) -> HttpResponse:
    try:
        expire_silence(actor=caller(request), silence_id=silence_id)
    except ProductError as error:
        if error.kind == "forbidden":
            raise
        messages.error(request, error.message)
    else:
        messages.success(request, "It is over. What it held is sent, as far as it still fires.")
    return redirect("silences")
