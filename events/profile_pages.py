"""Pages of profiles: which operations there are, and what one of them costs."""

import json
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from access.caller import caller
from events.errors import InvalidQuery
from events.fold import lag
from events.note_profiles import EVENT_TYPE
from events.profile_drawing import draw_icicle, draw_percentiles, draw_spent
from events.profile_numbers import BEYOND
from events.profiles import (
    MEASURES,
    Scope,
    compare_releases,
    list_operations,
    over_time,
    releases_of,
    slowest,
    stacks_of,
    time_spent,
    top_frames,
)


class ProfileFilters(forms.Form):
    service = forms.CharField(required=False)
    operation = forms.CharField(required=False)
    release = forms.CharField(required=False)
    measure = forms.ChoiceField(
        required=False, choices=[(name, title) for name, (title, _) in MEASURES.items()]
    )
    since = forms.CharField(required=False, widget=forms.TextInput(attrs={"placeholder": "7 days ago"}))
    until = forms.CharField(required=False, widget=forms.TextInput(attrs={"placeholder": "now"}))


def profiles(request: HttpRequest) -> HttpResponse:
    actor, form = caller(request), ProfileFilters(request.GET or None)
    actor.require("read", EVENT_TYPE)
    context: dict[str, Any] = {
        "filters": form,
        "most": settings.PROFILES_MAX_EVENTS,
        "waiting": lag().waiting,
    }
    try:
        scope = Scope.of(request.GET)
        items, following = list_operations(actor=actor, scope=scope, after=request.GET.get("after", ""))
    except InvalidQuery as wrong:
        return _refused(request, "events/profiles.html", context, wrong)
    return render(
        request,
        "events/profiles.html",
        {**context, "scope": scope, "unit": MEASURES[scope.measure][1], "items": items, "next": following},
    )


def profile(request: HttpRequest) -> HttpResponse:
    """One operation, named in the query string with all that was chosen."""
    actor, form = caller(request), ProfileFilters(request.GET or None)
    actor.require("read", EVENT_TYPE)
    context: dict[str, Any] = {
        "filters": form,
        "beyond": BEYOND,
        "most": settings.PROFILES_MAX_EVENTS,
        "waiting": lag().waiting,
    }
    try:
        scope = Scope.of(request.GET)
    except InvalidQuery as wrong:
        return _refused(request, "events/profile.html", context, wrong)
    title, unit = MEASURES[scope.measure]
    buckets = over_time(actor=actor, scope=scope)
    releases = releases_of(actor=actor, scope=scope)
    old, new = _compared(request, releases)
    compared = compare_releases(actor=actor, scope=scope, old=old, new=new) if old != new else []
    context |= {
        "scope": scope,
        "title": title,
        "unit": unit,
        "buckets": buckets,
        "chart": draw_percentiles(buckets, scope.since, scope.until),
        "releases": releases,
        "old": old,
        "new": new,
        "compared": [(*MEASURES[one.measure], one) for one in compared],
        "frames": top_frames(actor=actor, scope=scope),
        "icicle": draw_icicle(stacks_of(actor=actor, scope=scope), request.GET.getlist("frame")),
        "spent": draw_spent(time_spent(actor=actor, scope=scope)),
        "frames_from": settings.PROFILES_FRAMES_FROM,
        "most_compared": settings.PROFILES_COMPARED,
        "slow": slowest(actor=actor, scope=scope),
        "where": f"metadata.operation = {json.dumps(scope.operation)}" if scope.operation else "",
    }
    return render(request, "events/profile.html", context)


def _compared(request: HttpRequest, releases: list[str]) -> tuple[str, str]:
    """As asked; otherwise the two that were seen last."""
    newest = [*releases, "", ""]
    return request.GET.get("old", newest[1]), request.GET.get("new", newest[0])


def _refused(
    request: HttpRequest, template: str, context: dict[str, Any], wrong: InvalidQuery
) -> HttpResponse:
    form = context["filters"]
    name = str(wrong.facts["parameter"])
    form.add_error(name if name in form.fields else None, wrong.message)
    return render(request, template, context, status=422)
