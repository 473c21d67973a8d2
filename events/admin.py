"""Operators look at the quarantine and at replays here; what they do to a run goes through its operations. The log has its
own pages (its key has two columns)."""

from collections.abc import Callable

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from access.admin import LookOnly
from access.caller import caller
from access.errors import ProductError
from events.models import QuarantinedEvent, Replay
from events.steer_replay import cancel_replay, pause_replay, resume_replay, step_replay


@admin.register(QuarantinedEvent)
class QuarantinedEventAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # generic for the checker only
    list_display = ("event_id", "event_type", "reason", "times_seen", "received_at", "released_at")
    list_filter = ("reason",)
    search_fields = ("event_id", "event_type")
    exclude = ("raw", "digest")


@admin.register(Replay)
class ReplayAdmin(LookOnly, admin.ModelAdmin):  # type: ignore[type-arg]  # the same
    list_display = ("name", "kind", "state", "done", "total", "failed", "speed", "created_by", "created_at")
    list_filter = ("state", "kind")
    search_fields = ("id", "correlation_id")
    # The secret is shown to nobody.
    exclude = ("secret",)
    actions = ("pause", "resume", "step", "cancel")

    @admin.action(description="Pause")
    def pause(self, request: HttpRequest, chosen: QuerySet[Replay]) -> None:
        _each(request, chosen, pause_replay)

    @admin.action(description="Play")
    def resume(self, request: HttpRequest, chosen: QuerySet[Replay]) -> None:
        _each(request, chosen, resume_replay)

    @admin.action(description="Play one event")
    def step(self, request: HttpRequest, chosen: QuerySet[Replay]) -> None:
        _each(request, chosen, step_replay)

    @admin.action(description="Cancel")
    def cancel(self, request: HttpRequest, chosen: QuerySet[Replay]) -> None:
        _each(request, chosen, cancel_replay)


def _each(request: HttpRequest, chosen: QuerySet[Replay], command: Callable[..., Replay]) -> None:
    for replay in chosen:
        try:
            command(actor=caller(request), replay_id=replay.pk)
        except ProductError as refused:
            messages.warning(request, f"{replay.name}: {refused.message}")
