"""Plays a run: one slice of it at a time, held by a lease, one event after the other.

A slice sends what is due, waits at most a little, and gives the worker back when the next event is far away or
other runs have waited long enough: more runs than workers all progress. After every event one statement writes
down what became of it, moves the checkpoint, prolongs the lease and reads the commands that came meanwhile; it
changes nothing when another worker took the run over. So after a kill at most one event is repeated, and none is lost.
"""

import time as clocks
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from access.errors import TargetRefused, TargetUnreachable
from access.outbound import Outbound
from access.signing import signed_headers
from events.models import Event, Replay, ReplayItem
from events.replay import clock_of
from events.timeline import Clock

# How soon a command takes effect while a run waits.
CONTROL_SECONDS = 0.15
# A run whose next event is further away than this gives its worker back.
HOLD_SECONDS = 2.0
# It is woken this much before that event, and waits for the rest precisely.
WAKE_AHEAD = timedelta(seconds=0.5)
# After this long a run makes room for others that are due.
FAIR_SECONDS = 2.0
# So many events in a row that found nobody end the run.
FAILURES_IN_A_ROW = 10
_BATCH = 200

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
    unanswered: int = 0

    @property
    def clock(self) -> Clock:
        return clock_of(self.replay, self.time.now())


class Stored(NamedTuple):
    occurred_at: datetime
    raw: bytes


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one event."""

    at: datetime
    planned_at: datetime | None
    status: int | None = None
    problem: str = ""
    # A sentence that ends the whole run.
    fatal: str = ""


def play_next(*, stopping: Stopping = lambda: False, time: Time = REAL_TIME) -> datetime | None:
    """Plays the run that has waited longest, until it ends, pauses, waits long, or the worker is wanted elsewhere.

    Returns when that run wants a worker again, None when it does not, or when there was none.
    """
    replay = _claim(time.now())
    if replay is None:
        return None
    now = time.steady()
    hold = Hold(replay, time, until=now + settings.REPLAY_SLICE_SECONDS, fair_from=now + FAIR_SECONDS)
    problem = ""
    with Outbound(timeout=_timeout()) as outbound:
        for item, event in _items(replay):
            if replay.anchored_at is None:
                _start_clock(hold)
            wake_at = _wait(hold, item, stopping)
            if wake_at is not None or hold.replay.state != Replay.State.RUNNING:
                return _release(hold, wake_at)
            sent = _send(outbound, hold, item, event)
            if not _checkpoint(hold, item, sent):
                return None
            if problem := sent.fatal:
                break
    _finish(hold, problem)
    return None


def _timeout() -> float:
    """Under the lease with room to spare: a request must never outlive the right to make it."""
    seconds: float = min(settings.REPLAY_TIMEOUT_SECONDS, settings.REPLAY_LEASE_SECONDS / 2)
    return seconds


def _lease() -> timedelta:
    return timedelta(seconds=settings.REPLAY_LEASE_SECONDS)


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
            leased_until=Now() + _lease(),
            started_at=Coalesce("started_at", Now()),
        )
        replay.refresh_from_db()
        return replay


def _start_clock(hold: Hold) -> None:
    """The clock of a new run starts when its first event is at hand, so that getting ready makes nothing late."""
    mine = Replay.objects.filter(pk=hold.replay.pk, epoch=hold.replay.epoch, state=Replay.State.RUNNING)
    mine.filter(anchored_at=None).update(anchored_at=hold.time.now())
    _refresh(hold)


def _items(replay: Replay) -> Iterator[tuple[ReplayItem, Stored | None]]:
    """What is left, with the producer's bytes; None for an event that retention removed since the start."""
    while True:
        batch = list(replay.items.filter(index__gte=replay.done)[:_BATCH])
        if not batch:
            return
        raws = _raw_of(batch)
        for item in batch:
            yield item, raws.get(item.position)


def _raw_of(batch: list[ReplayItem]) -> dict[int, Stored]:
    received = [item.received_at for item in batch]
    rows = Event.objects.filter(
        position__in=[item.position for item in batch],
        # Lets PostgreSQL look into the partitions of those days only.
        received_at__gte=min(received),
        received_at__lte=max(received),
    ).values_list("position", "occurred_at", "raw")
    return {position: Stored(occurred_at, bytes(raw)) for position, occurred_at, raw in rows}


def _wait(hold: Hold, item: ReplayItem, stopping: Stopping) -> datetime | None:
    """Waits for the event's moment, looking for commands; a time means: give the worker back until then."""
    while True:
        if hold.replay.state != Replay.State.RUNNING:
            return None
        now, due = hold.time.now(), hold.clock.deadline(item.virtual)
        if stopping() or _used_up(hold):
            return now
        left = (due - now).total_seconds()
        if left <= 0:
            return None
        if left > HOLD_SECONDS:
            return due - WAKE_AHEAD
        hold.time.sleep(min(left, CONTROL_SECONDS))
        if left > CONTROL_SECONDS:
            _refresh(hold)


def _used_up(hold: Hold) -> bool:
    """The slice is over, or it was long enough and somebody waits for this worker."""
    now = hold.time.steady()
    if now >= hold.until:
        return True
    if now < hold.fair_from:
        return False
    hold.fair_from = now + FAIR_SECONDS / 4
    return Replay.objects.waiting(hold.time.now()).exclude(pk=hold.replay.pk).exists()


def _refresh(hold: Hold) -> None:
    """Prolongs the lease and reads the commands; a lost epoch reads as a run that is no longer ours to play."""
    mine = Replay.objects.filter(pk=hold.replay.pk, epoch=hold.replay.epoch)
    if mine.update(leased_until=Now() + _lease()):
        hold.replay.refresh_from_db(fields=["state", "speed", "anchored_at", "anchor_virtual"])
    else:
        hold.replay.state = Replay.State.PAUSED


def _send(outbound: Outbound, hold: Hold, item: ReplayItem, event: Stored | None) -> Sent:
    replay = hold.replay
    planned_at = hold.clock.deadline(item.virtual) if replay.speed else None
    at = hold.time.now()
    if event is None:
        return Sent(at, planned_at, problem="Retention removed this event after the replay was started.")
    headers = _headers(replay, item, event.occurred_at) | signed_headers(
        secret=replay.secret, message_id=_message_id(replay, item), at=at, body=event.raw
    )
    try:
        status = outbound.post(replay.target, body=event.raw, headers=headers).status
    except TargetRefused as refused:
        return Sent(at, planned_at, problem=refused.message, fatal=refused.message)
    except TargetUnreachable as unreachable:
        hold.unanswered += 1
        return Sent(at, planned_at, problem=unreachable.message, fatal=_fatal(hold, unreachable.message))
    hold.unanswered = 0
    if 200 <= status < 300:
        return Sent(at, planned_at, status)
    gone = "The target answered 410: it is gone for good." if status == 410 else ""
    return Sent(at, planned_at, status, f"The target answered {status} instead of 2xx.", gone)


def _fatal(hold: Hold, message: str) -> str:
    if hold.unanswered < FAILURES_IN_A_ROW:
        return ""
    return f"{FAILURES_IN_A_ROW} events in a row found nobody. The last: {message}"


def _message_id(replay: Replay, item: ReplayItem) -> str:
    """The receiver's idempotency key: the same again after a kill, another one on another pass or run."""
    return f"{replay.pk}:{replay.segment}:{_ascii(item.event_id)}"


def _headers(replay: Replay, item: ReplayItem, occurred_at: datetime) -> dict[str, str]:
    """The body is the producer's own bytes; that this is no new event stands here."""
    return {
        "content-type": "application/json",
        "onex-replay-id": str(replay.pk),
        "onex-replay-of": _ascii(item.event_id),
        "onex-replay-occurred-at": occurred_at.isoformat(),
        "onex-replay-speed": f"{replay.speed:g}" if replay.speed else "max",
        "onex-replay-segment": str(replay.segment),
        "onex-replay-index": f"{item.index + 1}/{replay.total}",
    }


def _ascii(text: str) -> str:
    """Percent-encoded, dots too: the signature separates its parts by dots."""
    return quote(text, safe="").replace(".", "%2E")


# One round trip instead of four: at 1,000 events a second these are most of the work.
_CHECKPOINT = """
WITH run AS (
    UPDATE events_replay SET done = %(done)s, failed = failed + %(failed)s,
        leased_until = now() + %(lease)s
    WHERE id = %(id)s AND epoch = %(epoch)s AND done = %(index)s
    RETURNING state, speed, anchored_at, anchor_virtual
), item AS (
    UPDATE events_replayitem SET planned_at = %(planned_at)s, sent_at = %(sent_at)s, status = %(status)s,
        problem = %(problem)s
    WHERE replay_id = %(id)s AND index = %(index)s AND EXISTS (SELECT FROM run)
)
SELECT state, speed, anchored_at, anchor_virtual FROM run
"""


def _checkpoint(hold: Hold, item: ReplayItem, sent: Sent) -> bool:
    """Whether the run is still ours; if so, with the commands that came meanwhile."""
    replay = hold.replay
    values: dict[str, Any] = {
        "id": replay.pk,
        "epoch": replay.epoch,
        "index": item.index,
        "done": item.index + 1,
        "failed": int(bool(sent.problem)),
        "lease": _lease(),
        "planned_at": sent.planned_at,
        "sent_at": sent.at,
        "status": sent.status,
        "problem": sent.problem,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CHECKPOINT, values)
        row = cursor.fetchone()
    if row is None:
        return False
    replay.state, replay.speed, replay.anchored_at, replay.anchor_virtual = row
    replay.done = item.index + 1
    return True


def _release(hold: Hold, wake_at: datetime | None) -> datetime | None:
    """Gives the run back; when it wants a worker again, if it does.

    A command that came in this very moment has set `due_at` itself, which must not be overwritten.
    """
    mine = Replay.objects.filter(pk=hold.replay.pk, epoch=hold.replay.epoch)
    if wake_at is not None:
        mine.filter(speed=hold.replay.speed, anchored_at=hold.replay.anchored_at).update(due_at=wake_at)
    mine.update(leased_until=None)
    return mine.filter(state__in=Replay.LIVE).values_list("due_at", flat=True).first()


def _finish(hold: Hold, problem: str) -> None:
    """The end of the run, unless a command ended it first."""
    state = Replay.State.FAILED if problem else Replay.State.COMPLETED
    with transaction.atomic():
        mine = Replay.objects.filter(pk=hold.replay.pk, epoch=hold.replay.epoch)
        mine.update(leased_until=None)
        mine.exclude(state__in=Replay.ENDED).update(state=state, problem=problem, finished_at=Now())
