"""What the tests of replay share: events as they lie in the log, and a way to run a replay to its end."""

import time
from datetime import UTC, datetime, timedelta
from functools import cached_property

from django.db.models import Max
from django.utils import timezone

from events.models import Event, Replay
from events.playback import REAL_TIME, Time, play_next
from events.replay import Destination, Manner, create_replay
from events.replay_plan import Plan, plan_replay
from events.replay_scope import Scope

BEGAN = datetime(2026, 11, 23, 9, 0, 0, tzinfo=UTC)


def store(*offsets, correlation_id="order-1", event_type="team.order", late=0.2, **columns):
    """Events at these seconds after BEGAN, each received `late` seconds after it happened, in the given order."""
    stored = []
    for offset in offsets:
        position = 1 + (Event.objects.aggregate(last=Max("position"))["last"] or 0)
        occurred_at = BEGAN + timedelta(seconds=offset)
        raw = b'{ "event_id":"e%d",  "n": %d.0 }' % (position, position)
        values = {
            "position": position,
            "received_at": occurred_at + timedelta(seconds=late),
            "occurred_at": occurred_at,
            "event_id": f"e{position}",
            "event_type": event_type,
            "schema_version": "",
            "node_id": "node-1",
            "correlation_id": correlation_id,
            "raw": raw,
            "producer": "test",
            **columns,
        }
        stored.append(Event.objects.create(**values))
    return stored


def begin(
    actor, *, correlation_id="order-1", target="https://example.com/", scope=None, kind="webhook", **options
):
    """A run of a correlation to a webhook, unless `options` of Destination and Manner say otherwise."""
    to = {name: options.pop(name) for name in list(options) if name in Destination.__dataclass_fields__}
    address = target if kind == "webhook" else ""
    return create_replay(
        actor=actor,
        scope=scope or Scope(correlation_id),
        to=Destination(kind, address, **to),
        manner=Manner(**options),
    )


def plan(actor, *, scope=None, correlation_id="order-1", **options) -> Plan:
    return plan_replay(actor=actor, scope=scope or Scope(correlation_id), **options)


class TimeThatIsWaitedFor:
    """A clock that moves only when somebody waits: what a run does by it is the same on every machine."""

    slept = 0.0

    @cached_property
    def began(self) -> datetime:
        """When it was first looked at: after the run was made, however long that took."""
        return timezone.now()

    def now(self) -> datetime:
        return self.began + timedelta(seconds=self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept += seconds

    @property
    def time(self) -> Time:
        return Time(self.now, lambda: self.slept, self.sleep)


def play(replay: Replay, *, seconds: float = 20.0, by: Time = REAL_TIME) -> Replay:
    """Plays until the run ends or pauses, as a worker that is always there would."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        again = play_next(time=by)
        replay.refresh_from_db()
        if replay.ended or replay.state == Replay.State.PAUSED:
            return replay
        # Not yet due for longer than a worker looks ahead.
        wait = (again - by.now()).total_seconds() if again else 0.5
        by.sleep(max(0.0, min(wait, 0.5)))
    raise AssertionError(
        f"the run is still {replay.state} after {seconds} s: {replay.done} of {replay.total}"
    )
