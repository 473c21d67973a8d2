"""Plays a run: one slice of it at a time, held by a lease, event after event.

A slice hands what is due to the run's target, waits at most a little, and gives the worker back when the next event is
far away or other runs have waited long enough: more runs than workers all progress. After each batch (for a webhook
that is one event; for a target without effects, what left within a moment) one statement writes down what became of it, moves the checkpoint, prolongs the lease and reads the
commands that came meanwhile; it changes nothing when another worker took the run over. So after a kill at most one batch
is repeated to an external target, and nothing to one whose effects are rows of the same transaction.
"""

import time as clocks
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from access.errors import ProductError
from events.models import Replay
from events.replay_checkpoint import asked_since, checkpoint, finish, lease, still_at
from events.replay_clock import clock_of
from events.replay_queue import Queue
from events.replay_targets import Due, Item, Sent, Sink, hand_over, target_of
from events.timeline import Clock

# How soon a command takes effect while a run waits.
CONTROL_SECONDS = 0.15
# A run whose next event is further away than this gives its worker back.
HOLD_SECONDS = 2.0
# It is woken this much before that event, and waits for the rest precisely.
WAKE_AHEAD = timedelta(seconds=0.5)
# What left to a target without effects is written down together for so long, and before a wait that is longer than the second.
GATHER_SECONDS = 0.1
_SPARE_SECONDS = 0.02
# After this long a run makes room for others that are due.
FAIR_SECONDS = 2.0

Stopping = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Time:
    """What runs are paced by: the calendar, a clock that never jumps, and waiting."""

    now: Callable[[], datetime] = timezone.now
    steady: Callable[[], float] = clocks.monotonic
    sleep: Callable[[float], None] = clocks.sleep


REAL_TIME = Time()


@dataclass(slots=True)
class Hold:
    """What the worker knows of the run that it holds: refreshed by every checkpoint."""

    replay: Replay
    time: Time
    until: float
    fair_from: float
    # What left and is not written down yet, and until when that may stay so.
    due: list[Due] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    note_by: float = 0.0
    # In which they left.
    segment: int = 0

    @property
    def clock(self) -> Clock:
        return clock_of(self.replay, self.time.now())


def play_next(*, stopping: Stopping = lambda: False, time: Time = REAL_TIME) -> datetime | None:
    """Plays the run that has waited longest, until it ends, pauses, waits long, or the worker is wanted elsewhere.

    Returns when that run wants a worker again, None when it does not, or when there was none.
    """
    replay = _claim(time.now())
    if replay is None:
        return None
    now = time.steady()
    hold = Hold(replay, time, until=now + settings.REPLAY_SLICE_SECONDS, fair_from=now + FAIR_SECONDS)
    with ExitStack() as stack:
        try:
            sink = stack.enter_context(target_of(replay.kind).open(replay, time.now))
        except ProductError as gone:
            # A schema, a rule or a kind of target that was there when the run was made.
            finish(replay, gone.message)
            return None
        return _play(hold, sink, stopping)


def _claim(now: datetime) -> Replay | None:
    """Takes a run that nobody holds; from here on whoever held it before is fenced out by the epoch."""
    with transaction.atomic():
        waiting = Replay.objects.waiting(now + 2 * WAKE_AHEAD).select_for_update(skip_locked=True)
        replay = waiting.order_by("due_at").first()
        if replay is None:
            return None
        Replay.objects.filter(pk=replay.pk).update(
            state=Replay.State.RUNNING,
            epoch=F("epoch") + 1,
            leased_until=Now() + lease(),
            started_at=Coalesce("started_at", Now()),
        )
        replay.refresh_from_db()
        return replay


def _play(hold: Hold, sink: Sink, stopping: Stopping) -> datetime | None:
    replay = hold.replay
    queue = Queue(replay, reads=sink.reads)
    while True:
        if queue.segment != replay.segment:
            queue = Queue(replay, reads=sink.reads)
        item = queue.first()
        if hold.due and (item is None or _has_time(hold, item)):
            if not _note(hold, sink):
                return None
            continue
        if item is None:
            if finish(replay, ""):
                return None
            # A command took it back from its end in this very moment.
            continue
        if replay.anchored_at is None:
            _start_clock(hold)
        wake_at = _wait(hold, item, stopping)
        if wake_at is not None or replay.state != Replay.State.RUNNING:
            return _release(hold, wake_at) if _note(hold, sink) else None
        if queue.segment == replay.segment and not _send(hold, sink, queue):
            return None


def _start_clock(hold: Hold) -> None:
    """The clock of a new run starts when its first event is at hand, so that getting ready makes nothing late."""
    mine = Replay.objects.filter(pk=hold.replay.pk, epoch=hold.replay.epoch, state=Replay.State.RUNNING)
    mine.filter(anchored_at=None).update(anchored_at=hold.time.now())
    asked_since(hold.replay)


def _wait(hold: Hold, item: Item, stopping: Stopping) -> datetime | None:
    """Waits for the event's moment, looking for commands; a time means: give the worker back until then.

    Returns early, without one, when a command paused the run or sent it to another place.
    """
    replay, segment = hold.replay, hold.replay.segment
    while replay.state == Replay.State.RUNNING and replay.segment == segment:
        now, due = hold.time.now(), hold.clock.deadline(item.virtual)
        if stopping() or _used_up(hold):
            return now
        left = (due - now).total_seconds()
        if replay.step_until is not None or left <= 0:
            _slip(hold, item, behind=-left)
            return None
        if left > HOLD_SECONDS:
            return due - WAKE_AHEAD
        hold.time.sleep(min(left, CONTROL_SECONDS))
        if left > CONTROL_SECONDS:
            asked_since(replay)
    return None


def _slip(hold: Hold, item: Item, *, behind: float) -> None:
    """Puts the rest off by what a run is behind, where it is to keep its distances rather than to catch up."""
    replay = hold.replay
    slips = replay.late_policy == Replay.Late.SLIP and replay.speed and replay.step_until is None
    if not slips or behind <= settings.REPLAY_MAX_LAG_SECONDS:
        return
    unchanged = Replay.objects.filter(
        pk=replay.pk, epoch=replay.epoch, segment=replay.segment, anchored_at=replay.anchored_at
    )
    unchanged.filter(speed=replay.speed).update(
        anchored_at=hold.time.now(), anchor_virtual=item.virtual, slipped=F("slipped") + behind
    )
    asked_since(replay)


def _used_up(hold: Hold) -> bool:
    """The slice is over, or it was long enough and somebody waits for this worker."""
    now = hold.time.steady()
    if now >= hold.until:
        return True
    if now < hold.fair_from:
        return False
    hold.fair_from = now + FAIR_SECONDS / 4
    return Replay.objects.waiting(hold.time.now()).exclude(pk=hold.replay.pk).exists()


def _has_time(hold: Hold, item: Item) -> bool:
    """Whether there is time to write down what left before the next event does."""
    return (hold.clock.deadline(item.virtual) - hold.time.now()).total_seconds() > _SPARE_SECONDS


def _send(hold: Hold, sink: Sink, queue: Queue) -> bool:
    """Hands over what is due and writes down what became of it. False when that ended the run, or it is another worker's."""
    replay = hold.replay
    due = queue.due(hold.clock, hold.time.now(), most=sink.batch - len(hold.due))
    if sink.inside:
        with transaction.atomic():
            if not still_at(replay, due[0].item.index):
                return asked_since(replay)
            sent = hand_over(sink, due, hold.time.now)
            _take(hold, due, sent)
            held = _note(hold, sink)
    else:
        sent = hand_over(sink, due, hold.time.now)
        _take(hold, due, sent)
        held = _may_gather(hold, sink) or _note(hold, sink)
    queue.sent(len(sent))
    if held and (fatal := sent[-1].fatal):
        finish(replay, fatal)
        return False
    return held


def _may_gather(hold: Hold, sink: Sink) -> bool:
    """Whether what left may stay unwritten for a moment: it had no effect, and comes in single events."""
    keeps_time = hold.replay.speed > 0 and hold.replay.step_until is None
    return sink.pure and keeps_time and len(hold.due) < sink.batch and hold.time.steady() < hold.note_by


def _take(hold: Hold, due: list[Due], sent: list[Sent]) -> None:
    if not hold.due:
        hold.note_by = hold.time.steady() + GATHER_SECONDS
        hold.segment = hold.replay.segment
    hold.due += due[: len(sent)]
    hold.sent += sent


def _note(hold: Hold, sink: Sink) -> bool:
    """Writes down what left. False when the run belongs to another worker by now; when a command sent it to another
    place, what left for the old one is not noted."""
    due, sent = hold.due, hold.sent
    hold.due, hold.sent = [], []
    if not due or hold.segment != hold.replay.segment:
        return True
    return checkpoint(hold.replay, due, sent, durable=not sink.pure) or asked_since(hold.replay)


def _release(hold: Hold, wake_at: datetime | None) -> datetime | None:
    """Gives the run back; when it wants a worker again, if it does.

    A command that came in this very moment has set `due_at` itself, which must not be overwritten.
    """
    replay = hold.replay
    mine = Replay.objects.filter(pk=replay.pk, epoch=replay.epoch)
    if wake_at is not None:
        unchanged = mine.filter(
            speed=replay.speed,
            anchored_at=replay.anchored_at,
            segment=replay.segment,
            step_until=replay.step_until,
        )
        unchanged.update(due_at=wake_at)
    mine.update(leased_until=None)
    return mine.filter(state__in=Replay.LIVE).values_list("due_at", flat=True).first()
