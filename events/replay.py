"""Start a replay and steer it. The row is the whole state; the worker that plays it is in playback.py."""

import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from access import audit
from access.actor import Actor
from access.outbound import check_target
from access.signing import key_of
from events import changes
from events.errors import CorrelationNotFound, ReplayInvalid, ReplayNotFound, ReplayOver
from events.models import Event, QuarantinedEvent, Replay, ReplayItem
from events.signals import replay_wanted
from events.timeline import Clock, duration, virtual_times

# A producer's clock may be this far ahead of ours before its order is no longer believed.
CLOCK_TOLERANCE = timedelta(seconds=5)
# A correlation that begins this soon after the log itself may have begun before it.
NEAR_THE_BEGINNING = timedelta(days=1)
# Lints that say that the producer's time is not one.
_NO_CLOCK = {"clock_out_of_range", "no_timestamp", "unreadable_timestamp"}


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a plan: which it is, and when it is due in seconds since the first."""

    position: int
    received_at: datetime
    occurred_at: datetime
    event_id: str
    event_type: str
    virtual: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What a replay of this correlation would do, known before it starts."""

    steps: Sequence[Step]
    order: Replay.Order
    # Seconds between the first and the last event; `skipped` of them are cut away by the longest gap.
    length: float
    skipped: float
    missing: list[dict[str, object]]

    @property
    def event_types(self) -> list[str]:
        return sorted({step.event_type for step in self.steps})

    def seconds(self, speed: float) -> float:
        """How long it takes at this speed (0 is as fast as possible)."""
        return duration(self.length, _pace(speed))


def plan_replay(*, actor: Actor, correlation_id: str, max_gap: float | None = None) -> Plan:
    """The events of a correlation in the order in which they would be sent. Writes nothing.

    They are ordered by the producers' clocks, equal times by arrival. When a clock is shown to be wrong (it
    was ahead of ours, or there was no readable time), all go in the order of arrival, at the pace of arrival:
    a replay that mixes two clocks would invent an order. Raises CorrelationNotFound, also when the actor may not
    read all of its types, ReplayInvalid, Forbidden.
    """
    actor.require("replay")
    _check_gap(max_gap)
    logged = _logged_of(actor, correlation_id)
    order = Replay.Order.CLOCK if all(one.believable for one in logged) else Replay.Order.ARRIVAL
    logged.sort(key=lambda one: (one.time(order), one.position))
    times = [one.time(order) for one in logged]
    virtual = virtual_times(times, max_gap)
    unsampled = sum(1 / one.sample_rate - 1 for one in logged)
    return Plan(
        steps=[one.step(at) for one, at in zip(logged, virtual, strict=True)],
        order=order,
        length=virtual[-1],
        skipped=virtual_times(times)[-1] - virtual[-1],
        missing=[
            *_missing(correlation_id, unsampled),
            *_expired(min(one.received_at for one in logged)),
        ],
    )


class _Logged(NamedTuple):
    """What a plan has to know of an event; named as its columns are."""

    position: int
    received_at: datetime
    occurred_at: datetime
    event_id: str
    event_type: str
    lints: list[str] | None
    sample_rate: float

    @property
    def believable(self) -> bool:
        """Whether the producer's clock may be right."""
        return self.occurred_at <= self.received_at + CLOCK_TOLERANCE and not _NO_CLOCK & set(
            self.lints or ()
        )

    def time(self, order: Replay.Order) -> datetime:
        return self.occurred_at if order == Replay.Order.CLOCK else self.received_at

    def step(self, virtual: float) -> Step:
        return Step(
            self.position, self.received_at, self.occurred_at, self.event_id, self.event_type, virtual
        )


def _logged_of(actor: Actor, correlation_id: str) -> list[_Logged]:
    """The events of the correlation by arrival, if there are some and the actor may replay all of them."""
    rows = Event.objects.filter(correlation_id=correlation_id).order_by("position")
    logged = [_Logged(*row) for row in rows.values_list(*_Logged._fields)[: settings.REPLAY_MAX_EVENTS + 1]]
    event_types = {one.event_type for one in logged}
    # One answer for both: who may not read a type must not learn from here that there is an event of it.
    if not logged or not all(changes.may(actor, "read", event_type) for event_type in event_types):
        raise CorrelationNotFound(
            f"No event of correlation '{correlation_id}' is stored, or you may not read all of its types.",
            correlation_id=correlation_id,
        )
    for event_type in event_types:
        changes.require(actor, "replay", event_type)
    if len(logged) > settings.REPLAY_MAX_EVENTS:
        raise ReplayInvalid(
            f"This correlation has more than {settings.REPLAY_MAX_EVENTS} events, the most that one replay takes "
            "(REPLAY_MAX_EVENTS).",
            correlation_id=correlation_id,
        )
    return logged


def _missing(correlation_id: str, unsampled: float) -> list[dict[str, object]]:
    """What happened but cannot be played, told before the start."""
    missing: list[dict[str, object]] = []
    quarantined = QuarantinedEvent.objects.filter(correlation_id=correlation_id, released_at=None).count()
    if quarantined:
        sentence = (
            f"{quarantined} of its events are in quarantine and are not played unless they are released."
        )
        missing.append({"reason": "quarantined", "count": quarantined, "sentence": sentence})
    if round(unsampled):
        sentence = f"About {round(unsampled)} more were left out by sampling at the producer."
        missing.append({"reason": "sampled_out", "count": round(unsampled), "sentence": sentence})
    return missing


def _expired(first_received_at: datetime) -> list[dict[str, object]]:
    """Positions have no gaps, so a log that does not begin at 1 has lost its beginning to retention."""
    oldest = Event.objects.order_by("position").values_list("position", "received_at").first()
    if oldest is None or oldest[0] == 1 or first_received_at - oldest[1] > NEAR_THE_BEGINNING:
        return []
    sentence = f"The log begins at {oldest[1]:%Y-%m-%d %H:%M} UTC: retention may have removed earlier events of this one."
    return [{"reason": "expired", "count": None, "sentence": sentence}]


def create_replay(
    *,
    actor: Actor,
    correlation_id: str,
    target: str,
    speed: float = 1.0,
    max_gap: float | None = None,
    secret: str = "",
) -> Replay:
    """Starts a run: its events are fixed now, a worker sends them from now on.

    `speed` multiplies (0 is as fast as possible); `max_gap` cuts longer waits, in seconds of original time;
    with a `secret` (whsec_…) every request is signed. Raises what `plan_replay` raises, and TargetRefused.
    """
    _check_speed(speed)
    checked = check_target(target)
    if secret:
        key_of(secret)
    plan = plan_replay(actor=actor, correlation_id=correlation_id, max_gap=max_gap)
    with transaction.atomic():
        replay = _stored(
            plan,
            correlation_id=correlation_id,
            target=target,
            secret=secret,
            speed=speed,
            max_gap=max_gap,
            created_by=actor.label,
        )
        _announce(
            actor,
            replay,
            "replay.started",
            correlation_id=correlation_id,
            target=checked.place,
            speed=speed,
            events=replay.total,
        )
    return replay


def _stored(plan: Plan, **asked: Any) -> Replay:
    """The run and its events, within the caller's transaction."""
    replay = Replay.objects.create(
        event_types=plan.event_types,
        order=plan.order,
        missing=plan.missing,
        total=len(plan.steps),
        length=plan.length,
        skipped=plan.skipped,
        **asked,
    )
    items = (
        ReplayItem(
            replay=replay,
            index=index,
            event_id=step.event_id,
            event_type=step.event_type,
            position=step.position,
            received_at=step.received_at,
            virtual=step.virtual,
        )
        for index, step in enumerate(plan.steps)
    )
    ReplayItem.objects.bulk_create(items, batch_size=2000)
    return replay


def pause_replay(*, actor: Actor, replay_id: uuid.UUID) -> Replay:
    """Stops the clock where it stands. Pausing a paused run changes nothing. Raises ReplayOver, ReplayNotFound."""
    with transaction.atomic():
        replay = _steered(actor, replay_id)
        if replay.state != Replay.State.PAUSED:
            now = timezone.now()
            replay.anchor_virtual, replay.anchored_at = (
                clock_of(replay, now).virtual(now, reached=reached(replay)),
                None,
            )
            replay.state = Replay.State.PAUSED
            _save_and_announce(actor, replay, "replay.paused")
    return replay


def resume_replay(*, actor: Actor, replay_id: uuid.UUID) -> Replay:
    """Lets a paused run go on from where its clock stopped. Raises ReplayOver, ReplayNotFound."""
    with transaction.atomic():
        replay = _steered(actor, replay_id)
        if replay.state == Replay.State.PAUSED:
            replay.anchored_at = replay.due_at = timezone.now()
            replay.state = Replay.State.RUNNING
            _save_and_announce(actor, replay, "replay.resumed")
    return replay


def change_speed(*, actor: Actor, replay_id: uuid.UUID, speed: float) -> Replay:
    """Goes on at another speed from where the clock stands. Raises ReplayInvalid, ReplayOver, ReplayNotFound."""
    _check_speed(speed)
    with transaction.atomic():
        replay = _steered(actor, replay_id)
        if replay.anchored_at is not None:
            now = timezone.now()
            clock = clock_of(replay, now).changed(now, reached=reached(replay), speed=_pace(speed))
            replay.anchored_at, replay.anchor_virtual = clock.t0, clock.v0
        # It may wait for an event that was far away at the old speed.
        replay.speed, replay.due_at = speed, timezone.now()
        _save_and_announce(actor, replay, "replay.speed_changed", speed=speed)
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
            _save_and_announce(actor, replay, "replay.cancelled", done=replay.done, total=replay.total)
    return replay


def clock_of(replay: Replay, now: datetime) -> Clock:
    """The clock of a run; before the first event left, one that starts now."""
    return Clock(replay.anchored_at or now, replay.anchor_virtual, _pace(replay.speed))


def reached(replay: Replay) -> float:
    """The virtual time of the next event, or of the end."""
    item = replay.items.filter(index=replay.done).only("virtual").first()
    return item.virtual if item else replay.length


def ends_at(replay: Replay, now: datetime) -> datetime | None:
    """When the last event will leave at the present speed; None while it is paused or after its end."""
    return clock_of(replay, now).deadline(replay.length) if replay.state in Replay.LIVE else None


def find_replay(*, actor: Actor, replay_id: uuid.UUID) -> Replay:
    """Raises ReplayNotFound also for a run that the actor may not see."""
    found = Replay.objects.visible_to(actor).filter(pk=replay_id).first()
    if found is None:
        raise ReplayNotFound(f"There is no replay {replay_id}.", replay_id=str(replay_id))
    return found


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
    # Never `done`, `epoch` or the lease: those belong to the worker.
    replay.save(update_fields=["state", "speed", "anchored_at", "anchor_virtual", "due_at", "finished_at"])
    _announce(actor, replay, action, **details)


def _announce(actor: Actor, replay: Replay, action: str, **details: object) -> None:
    audit.record(actor=actor, action=action, target=f"replay/{replay.pk}", details=details)
    if replay.state in Replay.LIVE:
        transaction.on_commit(lambda: replay_wanted.send(sender=Replay, replay_id=replay.pk))


def _pace(speed: float) -> float:
    return speed or math.inf


def _check_speed(speed: float) -> None:
    if not (speed == 0 or 0.01 <= speed <= settings.REPLAY_MAX_SPEED):
        raise ReplayInvalid(
            f"The speed is a multiplier from 0.01 to {settings.REPLAY_MAX_SPEED:g}, or 'max'.",
            pointer="/speed",
        )


def _check_gap(max_gap: float | None) -> None:
    if max_gap is not None and not 0 <= max_gap < math.inf:
        raise ReplayInvalid("The longest gap is a number of seconds from 0 up.", pointer="/max_gap")
