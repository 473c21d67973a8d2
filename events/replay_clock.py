"""Where the virtual clock of a stored run stands."""

import math
from datetime import datetime

from events.models import Replay
from events.timeline import Clock


def pace(speed: float) -> float:
    """As the clock has it: a run keeps "as fast as possible" as 0."""
    return speed or math.inf


def clock_of(replay: Replay, now: datetime) -> Clock:
    """The clock of a run; before the first event left, one that starts now."""
    return Clock(replay.anchored_at or now, replay.anchor_virtual, pace(replay.speed))


def reached(replay: Replay) -> float:
    """The virtual time of the next event, or of the end."""
    item = replay.items.filter(index=replay.done).only("virtual").first()
    return item.virtual if item else replay.length


def stands_at(replay: Replay, now: datetime) -> float:
    """Virtual time now, between the beginning and the end."""
    if replay.anchored_at is None:
        return replay.anchor_virtual
    return min(clock_of(replay, now).virtual(now, reached=reached(replay)), replay.length)


def ends_at(replay: Replay, now: datetime) -> datetime | None:
    """When the last event will leave at the present speed; None while it is paused or after its end."""
    return clock_of(replay, now).deadline(replay.length) if replay.state in Replay.LIVE else None
