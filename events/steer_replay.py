"""Steer a run: commands change its row, and whoever plays it reads them within one slice of a wait."""

import uuid
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from access import audit
from access.actor import Actor
from events.errors import ReplayInvalid, ReplayNotFound, ReplayOver
from events.models import Replay, ReplayItem
from events.replay import check_loop
from events.replay_checkpoint import forget_outcomes
from events.replay_clock import clock_of, pace, reached
from events.replay_plan import check_speed
from events.signals import replay_wanted

# Never `done`, `segment` or `failed` but for a jump, never `epoch` or the lease: those belong to the worker.
_STEERED = (
    "state",
    "speed",
    "anchored_at",
    "anchor_virtual",
    "due_at",
    "finished_at",
    "step_until",
    "passes_left",
)


def pause_replay(*, actor: Actor, replay_id: uuid.UUID) -> Replay:
    """Stops the clock where it stands. Pausing a paused run changes nothing. Raises ReplayOver, ReplayNotFound."""
    with transaction.atomic():
        replay = _steered(actor, replay_id)
        if replay.state != Replay.State.PAUSED:
            now = timezone.now()
            replay.anchor_virtual = clock_of(replay, now).virtual(now, reached=reached(replay))
            replay.anchored_at = replay.step_until = None
            replay.state = Replay.State.PAUSED
            _save_and_announce(actor, replay, "replay.paused")
    return replay


def resume_replay(*, actor: Actor, replay_id: uuid.UUID) -> Replay:
    """Lets a paused run go on from where its clock stopped. Raises ReplayOver, ReplayNotFound."""
    with transaction.atomic():
        replay = _steered(actor, replay_id)
        if replay.state == Replay.State.PAUSED or replay.step_until is not None:
            replay.step_until = None
            replay.anchored_at = replay.due_at = timezone.now()
            replay.state = Replay.State.RUNNING
            _save_and_announce(actor, replay, "replay.resumed")
    return replay


def step_replay(*, actor: Actor, replay_id: uuid.UUID, count: int = 1) -> Replay:
    """Plays the next events at once, whatever the clock says, and pauses at the last of them.

    Raises ReplayInvalid, ReplayOver, ReplayNotFound.
    """
    with transaction.atomic():
        replay = _steered(actor, replay_id)
        if not 1 <= count <= replay.total:
            raise ReplayInvalid(
                f"A run of {replay.total} events takes 1 to {replay.total} steps at once.", pointer="/count"
            )
        now = timezone.now()
        if replay.anchored_at is not None:
            replay.anchor_virtual = clock_of(replay, now).virtual(now, reached=reached(replay))
        # Another step while one is under way adds to it.
        replay.step_until = (replay.step_until or replay.done) + count
        replay.anchored_at = replay.due_at = now
        replay.state = Replay.State.RUNNING
        _save_and_announce(actor, replay, "replay.stepped", count=count)
    return replay


def seek_replay(
    *,
    actor: Actor,
    replay_id: uuid.UUID,
    position: int | None = None,
    offset: float | None = None,
    time: datetime | None = None,
) -> Replay:
    """Goes on at another place: the event of this number from 1, so many seconds after the first, or what happened first
    at or after a time. What is behind the place is played again, as another segment; what is jumped over is not played.

    A paused run stays paused. Raises ReplayInvalid, ReplayOver, ReplayNotFound.
    """
    with transaction.atomic():
        replay = _steered(actor, replay_id)
        item, virtual = _place(replay, position, offset, time)
        now = timezone.now()
        replay.done = replay.segment_from = item.index
        replay.segment += 1
        replay.failed = forget_outcomes(replay, since=item.index)
        replay.anchor_virtual, replay.due_at, replay.step_until = virtual, now, None
        if replay.anchored_at is not None:
            replay.anchored_at = now
        replay.save(update_fields=["done", "segment", "segment_from", "failed"])
        _save_and_announce(actor, replay, "replay.sought", position=item.index + 1)
    return replay


def _place(
    replay: Replay, position: int | None, offset: float | None, time: datetime | None
) -> tuple[ReplayItem, float]:
    """The event that is played next, and where the clock stands then."""
    if (position is not None) + (offset is not None) + (time is not None) != 1:
        raise ReplayInvalid("Seek to one of position, offset and time.", pointer="/position")
    items = replay.items.order_by("index")
    if position is not None:
        item, pointer = items.filter(index=position - 1).first() if position >= 1 else None, "/position"
        told = f"A position is the number of an event, from 1 to {replay.total}."
    elif offset is not None:
        item, pointer = items.filter(virtual__gte=offset).first() if offset >= 0 else None, "/offset"
        told = (
            f"An offset is a number of seconds from 0 to {replay.length:g}, after the longest wait was cut."
        )
    else:
        column = "occurred_at" if replay.order == Replay.Order.CLOCK else "received_at"
        item, pointer = items.filter(**{f"{column}__gte": time}).first(), "/time"
        told = "Nothing of this run happened at that time or later."
    if item is None:
        raise ReplayInvalid(told, pointer=pointer)
    return item, item.virtual if offset is None else offset


def change_speed(*, actor: Actor, replay_id: uuid.UUID, speed: float) -> Replay:
    """Goes on at another speed from where the clock stands. Raises ReplayInvalid, ReplayOver, ReplayNotFound."""
    check_speed(speed)
    with transaction.atomic():
        replay = _steered(actor, replay_id)
        if replay.anchored_at is not None:
            now = timezone.now()
            clock = clock_of(replay, now).changed(now, reached=reached(replay), speed=pace(speed))
            replay.anchored_at, replay.anchor_virtual = clock.t0, clock.v0
        # It may wait for an event that was far away at the old speed.
        replay.speed, replay.due_at = speed, timezone.now()
        _save_and_announce(actor, replay, "replay.speed_changed", speed=speed)
    return replay


def loop_replay(*, actor: Actor, replay_id: uuid.UUID, passes: int) -> Replay:
    """Lets so many passes over the same events follow this one, 0 for none. Raises ReplayInvalid, ReplayOver, ReplayNotFound."""
    check_loop(passes)
    with transaction.atomic():
        replay = _steered(actor, replay_id)
        replay.passes_left = passes
        _save_and_announce(actor, replay, "replay.loop_changed", passes=passes)
    return replay


def cancel_replay(*, actor: Actor, replay_id: uuid.UUID) -> Replay:
    """Ends a run; the request that is under way is the last. Cancelling a cancelled run changes nothing.

    Raises ReplayOver when it had come to its end, ReplayNotFound.
    """
    with transaction.atomic():
        replay = _locked(actor, replay_id)
        if replay.state != Replay.State.CANCELLED:
            _refuse_ended(replay)
            replay.state, replay.finished_at = Replay.State.CANCELLED, timezone.now()
            replay.step_until = None
            _save_and_announce(actor, replay, "replay.cancelled", done=replay.done, total=replay.total)
    return replay


def _locked(actor: Actor, replay_id: uuid.UUID) -> Replay:
    """Commands wait for each other and for the worker's checkpoint, never for a request under way."""
    found = Replay.objects.visible_to(actor).select_for_update().filter(pk=replay_id).first()
    if found is None:
        raise ReplayNotFound(f"There is no replay {replay_id}.", replay_id=str(replay_id))
    return found


def _steered(actor: Actor, replay_id: uuid.UUID) -> Replay:
    replay = _locked(actor, replay_id)
    _refuse_ended(replay)
    return replay


def _refuse_ended(replay: Replay) -> None:
    if replay.ended:
        raise ReplayOver(
            f"This replay is {replay.state}; start a new one.", replay_id=str(replay.pk), state=replay.state
        )


def _save_and_announce(actor: Actor, replay: Replay, action: str, **details: object) -> None:
    replay.save(update_fields=_STEERED)
    audit.record(actor=actor, action=action, target=f"replay/{replay.pk}", details=details)
    if replay.state in Replay.LIVE:
        transaction.on_commit(lambda: replay_wanted.send(sender=Replay, replay_id=replay.pk))
