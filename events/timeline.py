"""The virtual clock of a replay: pure arithmetic, no database and no waiting.

Original gaps are clamped first and scaled by the speed afterwards, so that seek, progress and the time that is
left agree whatever the speed is: a capture of 6,248 s with idle stretches cut to 576 s takes 58 s at x10.
Deadlines are absolute, so an event that leaves late does not make all later ones later.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


def virtual_times(times: Sequence[datetime], max_gap: float | None = None) -> list[float]:
    """Seconds since the first event for each one, in the given order; idle stretches cut to `max_gap`.

    A time before its predecessor's counts as the same time: nothing ever waits a negative time.
    """
    reached = 0.0
    virtual = []
    for index, at in enumerate(times):
        if index:
            gap = max(0.0, (at - times[index - 1]).total_seconds())
            reached += gap if max_gap is None else min(gap, max_gap)
        virtual.append(reached)
    return virtual


@dataclass(frozen=True, slots=True)
class Clock:
    """v(t) = v0 + (t - t0) * speed. Speed `math.inf` means as fast as possible: everything is due at once."""

    t0: datetime
    v0: float
    speed: float

    def deadline(self, virtual: float) -> datetime:
        """When the event at this virtual time is due."""
        if math.isinf(self.speed):
            return self.t0
        return self.t0 + timedelta(seconds=max(0.0, virtual - self.v0) / self.speed)

    def virtual(self, at: datetime, *, reached: float) -> float:
        """Where the clock stands at `at`; `reached` is the virtual time of the next event that was not sent.

        As fast as possible has no pace of its own, there the clock stands where the run is.
        """
        if math.isinf(self.speed):
            return reached
        return self.v0 + max(0.0, (at - self.t0).total_seconds()) * self.speed

    def changed(self, at: datetime, *, reached: float, speed: float) -> Clock:
        """The clock after a command: it goes on from where it stands, at another speed."""
        return Clock(at, self.virtual(at, reached=reached), speed)


def duration(length: float, speed: float) -> float:
    """Seconds that a run of this virtual length takes."""
    return 0.0 if math.isinf(speed) else length / speed
