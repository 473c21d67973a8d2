"""Pages of replay: the list, a new run with its preview, and the run itself."""

import uuid
from dataclasses import dataclass
from datetime import datetime

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
from events.models import Replay
from events.replay import (
    cancel_replay,
    change_speed,
    create_replay,
    ends_at,
    find_replay,
    pause_replay,
    plan_replay,
    resume_replay,
)
from events.replay_forms import ReplayFilter, ReplayForm, SpeedForm
from events.replay_timing import timing_of
from registry.home import Panel

_RECENT = 8
_ON_HOME = 5


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
    """`?correlation_id=` fills the form and shows at once what a run would do; so does the button Preview."""
    form = ReplayForm(request.POST or None, initial=request.GET.dict())
    if form.is_valid() and "preview" not in request.POST:
        try:
            started = create_replay(actor=caller(request), **form.cleaned_data)
        except ProductError as error:
            _explain(form, error)
        else:
            return redirect("replay", replay_id=started.pk)
    return render(request, "events/replay_new.html", {"form": form, "preview": _preview(request, form)})


@dataclass(frozen=True, slots=True)
class Preview:
    """A plan in the words of the page."""

    total: int
    event_types: list[str]
    by_arrival: bool
    takes: str
    original: str
    skipped: str
    speed: float
    missing: list[dict[str, object]]


def _preview(request: HttpRequest, form: ReplayForm) -> Preview | None:
    chosen = form.cleaned_data if form.is_bound else form.initial
    correlation_id = chosen.get("correlation_id")
    if not correlation_id:
        return None
    try:
        max_gap = float(chosen["max_gap"]) if chosen.get("max_gap") not in {None, ""} else None
        speed = float(chosen.get("speed", 1.0))
        plan = plan_replay(actor=caller(request), correlation_id=correlation_id, max_gap=max_gap)
    except (ProductError, ValueError) as error:
        if not form.is_bound:
            messages.error(request, str(error))
        return None
    return Preview(
        total=len(plan.steps),
        event_types=plan.event_types,
        by_arrival=plan.order == Replay.Order.ARRIVAL,
        takes=_in_words(plan.seconds(speed)),
        original=_in_words(plan.length + plan.skipped),
        skipped=_in_words(plan.skipped) if plan.skipped else "",
        speed=speed,
        missing=plan.missing,
    )


def _in_words(seconds: float) -> str:
    """7.4 s, 3 min 20 s, 2 h 5 min: two units at most, more is noise to a reader."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def _explain(form: ReplayForm | SpeedForm, error: ProductError) -> None:
    """Beside the field that the error points to; a target is `/url` to the layer that refuses it."""
    field = {"url": "target"}.get(name := str(error.facts.get("pointer", "")).lstrip("/"), name)
    form.add_error(field if field in form.fields else None, error.message)


@never_cache
def replay(request: HttpRequest, replay_id: uuid.UUID) -> HttpResponse:
    found = find_replay(actor=caller(request), replay_id=replay_id)
    context = {
        **_progress(found),
        "page": page_of(request, found.items.all(), size=100, key="index", descending=False),
        "length": _in_words(found.length),
        "skipped": _in_words(found.skipped) if found.skipped else "",
        "speed_form": SpeedForm(initial={"speed": found.speed}),
    }
    return render(request, "events/replay.html", context)


@never_cache
def replay_progress(request: HttpRequest, replay_id: uuid.UUID) -> HttpResponse:
    """The part of the page that keeps itself up to date."""
    found = find_replay(actor=caller(request), replay_id=replay_id)
    return render(request, "events/_replay_progress.html", _progress(found))


def _progress(found: Replay) -> dict[str, object]:
    now, timing = timezone.now(), timing_of(found)
    recent = found.items.filter(index__lt=found.done).order_by("-index")[:_RECENT]
    following = found.items.filter(index=found.done).first() if not found.ended else None
    return {
        "replay": found,
        "recent": recent,
        "following": following,
        "left": _left(ends_at(found, now), now),
        "timing": timing,
        "late_text": f"{timing['late_p99_ms']:.1f} ms" if timing["late_p99_ms"] is not None else "",
        "total_text": f"of {found.total}",
        "pace": f"at ×{found.speed:g}" if found.speed else "as fast as possible",
    }


def _left(end: datetime | None, now: datetime) -> str | None:
    return _in_words(max(0.0, (end - now).total_seconds())) if end else None


@require_POST
def replay_command(request: HttpRequest, replay_id: uuid.UUID, command: str) -> HttpResponse:
    """pause, resume, cancel."""
    run = {"pause": pause_replay, "resume": resume_replay, "cancel": cancel_replay}[command]
    try:
        run(actor=caller(request), replay_id=replay_id)
    except ProductError as error:
        if error.kind != "conflict":
            raise
        # It ended while somebody looked at the page.
        messages.warning(request, error.message)
    return redirect("replay", replay_id=replay_id)


@require_POST
def replay_speed(request: HttpRequest, replay_id: uuid.UUID) -> HttpResponse:
    form = SpeedForm(request.POST)
    try:
        if form.is_valid():
            change_speed(actor=caller(request), replay_id=replay_id, **form.cleaned_data)
        else:
            messages.error(request, "The speed is a number from 0.01 up, or 0 for as fast as possible.")
    except ProductError as error:
        if error.kind not in {"conflict", "invalid"}:
            raise
        messages.error(request, error.message)
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
