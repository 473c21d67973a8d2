"""Pages of replay: the list, a new run with its preview, and the player."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from access.caller import caller
from access.errors import ProductError
from access.keyset import page_of
from events import changes, steer_replay
from events.models import Replay
from events.replay import create_replay, find_replay
from events.replay_clock import ends_at, stands_at
from events.replay_drawing import plot_of, strip_of
from events.replay_forms import (
    LoopForm,
    ReplayFilter,
    ReplayForm,
    SeekForm,
    SpeedForm,
    StepForm,
    scope_of,
)
from events.replay_outcomes import causes_of, counts_of, undecryptable_of
from events.replay_plan import Plan, plan_replay
from events.replay_targets import summary_of
from events.replay_timing import timing_of
from registry.home import Panel

_RECENT = 8
_ON_HOME = 5
_SPEEDS = (0.5, 1, 2, 10, 100)


def replays(request: HttpRequest) -> HttpResponse:
    rows = Replay.objects.visible_to(caller(request)).matching(request.GET)
    context = {
        "page": page_of(request, rows),
        "filters": ReplayFilter(request.GET),
        "filtered": bool(request.GET),
    }
    return render(request, "events/replays.html", context)


@never_cache
@sensitive_post_parameters("secret")
def replay_new(request: HttpRequest) -> HttpResponse:
    """What the address names fills the form and shows at once what a run would do; so does the button Preview."""
    form = ReplayForm(request.POST or None, initial=request.GET.dict())
    if form.is_valid() and "preview" not in request.POST:
        try:
            started = create_replay(
                actor=caller(request),
                scope=scope_of(form.cleaned_data),
                to=form.destination(),
                manner=form.manner(),
            )
        except ProductError as error:
            _explain(form, error)
        else:
            return redirect("replay", replay_id=started.pk)
    return render(request, "events/replay_new.html", {"form": form, "preview": _preview(request, form)})


@dataclass(frozen=True, slots=True)
class Preview:
    """A plan in the words of the page."""

    plan: Plan
    total: int
    by_arrival: bool
    takes: str
    original: str
    skipped: str
    speed: float


def _preview(request: HttpRequest, form: ReplayForm) -> Preview | None:
    if form.is_bound and not form.is_valid():
        return None
    chosen: Mapping[str, Any] = form.cleaned_data if form.is_bound else form.initial
    scope = scope_of(chosen)
    if not (scope.correlation_id or scope.trace_id or scope.query):
        return None
    try:
        max_gap = float(chosen["max_gap"]) if chosen.get("max_gap") not in {None, ""} else None
        speed = float(chosen.get("speed", 1.0))
        order = Replay.Order(chosen["order"]) if chosen.get("order") else None
        read_as = str(chosen.get("read_as") or "")
        plan = plan_replay(actor=caller(request), scope=scope, max_gap=max_gap, order=order, read_as=read_as)
    except (ProductError, ValueError) as error:
        if form.is_bound and isinstance(error, ProductError) and not form.errors:
            _explain(form, error)
        elif not form.is_bound:
            messages.error(request, str(error))
        return None
    return Preview(
        plan=plan,
        total=len(plan.steps),
        by_arrival=plan.order == Replay.Order.ARRIVAL,
        takes=_in_words(plan.seconds(speed)),
        original=_in_words(plan.length + plan.skipped),
        skipped=_in_words(plan.skipped) if plan.skipped else "",
        speed=speed,
    )


def _in_words(seconds: float) -> str:
    """7.4 s, 3 min 20 s, 2 h 5 min: two units at most, more is noise to a reader."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def _explain(form: forms.Form, error: ProductError) -> None:
    """Beside the field that the error points to; a target is `/url` to the layer that refuses it."""
    name = str(error.facts.get("pointer", "")).removeprefix("/query").lstrip("/").partition("/")[0]
    field = {"url": "target", "as": "read_as", "": str(error.facts.get("parameter", ""))}.get(name, name)
    form.add_error(field if field in form.fields else None, error.message)


@never_cache
def replay(request: HttpRequest, replay_id: uuid.UUID) -> HttpResponse:
    found = find_replay(actor=caller(request), replay_id=replay_id)
    context = {
        **_progress(request, found),
        "page": page_of(request, found.items.all(), size=100, key="index", descending=False),
        "length": _in_words(found.length),
        "skipped": _in_words(found.skipped) if found.skipped else "",
        "slipped": _in_words(found.slipped) if found.slipped else "",
        "speed_form": SpeedForm(initial={"speed": found.speed}),
        "seek_form": SeekForm(initial={"position": min(found.done + 1, found.total)}),
        "loop_form": LoopForm(initial={"passes": found.passes_left}),
        "speeds": _SPEEDS,
        "events_url": _events_url(found),
        "once_more": _once_more(found),
        "following_pass": Replay.objects.visible_to(caller(request)).filter(previous=found).first(),
    }
    return render(request, "events/replay.html", context)


def _events_url(found: Replay) -> str:
    """Where what it plays is looked at."""
    match found.scope:
        case {"trace_id": trace_id}:
            return reverse("trace", args=[trace_id])
        case {"query": chosen}:
            return f"{reverse('events')}?{urlencode(chosen)}"
        case {"positions": _}:
            return reverse("events")
    return reverse("correlation", args=[found.correlation_id])


def _once_more(found: Replay) -> str:
    """The form of a new run, filled in as this one was, without what nobody is shown again; "" where no form can say it."""
    if "positions" in found.scope:
        return ""
    scope = found.scope.get("query") or found.scope
    given = {**scope, "to": found.kind, "speed": found.speed, "max_gap": found.max_gap}
    if found.read_as:
        given["read_as"] = found.read_as
    if found.kind == "webhook":
        given["target"] = found.target
    return f"{reverse('replay-new')}?{urlencode({name: value for name, value in given.items() if value is not None})}"


@never_cache
def replay_progress(request: HttpRequest, replay_id: uuid.UUID) -> HttpResponse:
    """The part of the page that keeps itself up to date."""
    found = find_replay(actor=caller(request), replay_id=replay_id)
    return render(request, "events/_replay_progress.html", _progress(request, found))


def _progress(request: HttpRequest, found: Replay) -> dict[str, object]:
    now, timing = timezone.now(), timing_of(found)
    stands = stands_at(found, now)
    recent = found.items.filter(index__lt=found.done).exclude(outcome="").order_by("-index")[:_RECENT]
    following = found.items.filter(index=found.done).first() if not found.ended else None
    # What quotes events is for who may read them.
    readable = all(changes.may(caller(request), "read", event_type) for event_type in found.event_types)
    return {
        "replay": found,
        "recent": recent,
        "following": following,
        "left": _left(ends_at(found, now), now),
        "timing": timing,
        "late_text": f"{timing['late_p99_ms']:.1f} ms" if timing["late_p99_ms"] is not None else "",
        "total_text": f"of {found.total}",
        "pace": f"at ×{found.speed:g}" if found.speed else "as fast as possible",
        "strip": strip_of(found, stands),
        "stands_text": f"{_in_words(stands)} of {_in_words(found.length)}",
        "plot": plot_of(found),
        "counts": counts_of(found),
        "undecryptable_text": _undecryptable(found),
        "causes": causes_of(found) if readable else [],
        "summary": summary_of(found) if readable else {},
        "readable": readable,
    }


def _undecryptable(found: Replay) -> str:
    count = undecryptable_of(found)
    have = "event has" if count == 1 else "events have"
    told = f"{count:,} {have} fields that nobody can decrypt: their key is revoked or destroyed."
    return f"{told} They are played as they are stored." if count else ""


def _left(end: datetime | None, now: datetime) -> str | None:
    return _in_words(max(0.0, (end - now).total_seconds())) if end else None


_COMMANDS: dict[str, Callable[..., Replay]] = {
    "pause": steer_replay.pause_replay,
    "resume": steer_replay.resume_replay,
    "cancel": steer_replay.cancel_replay,
    "step": steer_replay.step_replay,
    "seek": steer_replay.seek_replay,
    "speed": steer_replay.change_speed,
    "loop": steer_replay.loop_replay,
}


# What each command is told; those that are told nothing have no form.
_FORMS: dict[str, type[forms.Form]] = {
    "step": StepForm,
    "seek": SeekForm,
    "speed": SpeedForm,
    "loop": LoopForm,
}


@require_POST
def replay_command(request: HttpRequest, replay_id: uuid.UUID, command: str) -> HttpResponse:
    """Any of the commands; htmx gets the part of the page that changed, everybody else the page."""
    form = _FORMS.get(command, forms.Form)(request.POST)
    try:
        if form.is_valid():
            given = {name: value for name, value in form.cleaned_data.items() if value is not None}
            _COMMANDS[command](actor=caller(request), replay_id=replay_id, **given)
        else:
            messages.error(request, " ".join(str(one[0]) for one in form.errors.values()))
    except ProductError as error:
        if error.kind not in {"invalid", "conflict"}:
            raise
        # It ended while somebody looked at the page, or the number is none that this run knows.
        messages.warning(request, error.message)
    if request.headers.get("HX-Request") and not messages.get_messages(request):
        return replay_progress(request, replay_id)
    if request.headers.get("HX-Request"):
        # What is to be told stands at the top of the page.
        return HttpResponse(status=204, headers={"HX-Redirect": reverse("replay", args=[replay_id])})
    return redirect("replay", replay_id=replay_id)


def home_panel(request: HttpRequest) -> Panel:
    """The newest runs, and how many are under way."""
    visible = Replay.objects.visible_to(caller(request))
    running = visible.exclude(state__in=Replay.ENDED).count()
    return {
        "template": "events/_replays_panel.html",
        "context": {"replays": visible.order_by("-created_at")[:_ON_HOME]},
        "tiles": [{"label": "Replays under way", "value": f"{running:,}", "url": reverse("replays")}],
    }
