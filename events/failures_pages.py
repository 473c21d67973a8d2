"""Pages of failures: what is said most, and one of the things said."""

from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from access.caller import caller
from events.charts import Sparkline
from events.errors import InvalidQuery
from events.failures import PAGE_SIZE, Asked, Detail, find_failure, find_failures
from events.failures_api import offset_of
from events.fold import lag
from registry.templatetags.ui import short


class FailureFilters(forms.Form):
    text = forms.CharField(required=False, label="Message")
    error_code = forms.CharField(required=False, label="Error code")
    type = forms.CharField(required=False, label="Type", help_text="* stands for any text")
    node = forms.CharField(required=False, label="Node")
    days = forms.ChoiceField(
        required=False,
        label="Time",
        choices=[("", "Last 7 days"), ("1", "Today"), ("30", "Last 30 days"), ("90", "Last 90 days")],
    )


@require_safe
def failures(request: HttpRequest) -> HttpResponse:
    form = FailureFilters(request.GET)
    context: dict[str, Any] = {"filters": form, "waiting": lag().waiting}
    try:
        asked, offset = Asked.of(request.GET), offset_of(request.GET.get("after", ""))
    except InvalidQuery as wrong:
        return _refused(request, "events/failures.html", context, wrong)
    found = find_failures(actor=caller(request), asked=asked, offset=offset)
    context |= {
        "asked": asked,
        "found": found,
        "previous": max(offset - PAGE_SIZE, 0) if offset else None,
        "next": offset + PAGE_SIZE if found.total > offset + PAGE_SIZE else None,
    }
    return render(request, "events/failures.html", context)


@require_safe
def failure(request: HttpRequest, group: UUID) -> HttpResponse:
    form = FailureFilters(request.GET)
    context: dict[str, Any] = {"filters": form, "waiting": lag().waiting, "group": group}
    try:
        asked = Asked.of(request.GET)
    except InvalidQuery as wrong:
        return _refused(request, "events/failure.html", context, wrong)
    found = find_failure(actor=caller(request), group=group, asked=asked)
    context |= {"asked": asked, "found": found, "figures": _sparkline(found)}
    return render(request, "events/failure.html", context)


def _sparkline(found: Detail) -> Sparkline:
    values = [events for _, events in found.days]
    told = f"{short(sum(values))} failures in {len(values)} days, at most {short(max(values))} a day"
    return Sparkline(values, values, told, width=360)


def _refused(
    request: HttpRequest, template: str, context: dict[str, Any], wrong: InvalidQuery
) -> HttpResponse:
    form, name = context["filters"], str(wrong.facts["parameter"])
    form.add_error(name if name in form.fields else None, wrong.message)
    return render(request, template, context, status=422)
