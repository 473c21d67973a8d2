"""Rules about a change, "three times as many failures as usual": what the windows before say of the one now. `looks` decides when it is looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from alerts.looks import Pane, Reading


@dataclass(frozen=True, slots=True)
class Change:
    """Over when the window holds more than `factor` times the events, or fewer than one `factor`th of those, that each of the `baseline` windows before
    it held on average. There have to be `at_least` so many: in the window where more is looked for, usually where fewer is.

    Where the windows before held nothing, nothing is said: that is something new, not a change.
    """

    factor: Decimal
    below: bool
    baseline: int
    at_least: int
    window: timedelta
    keep_firing: timedelta
    hold: timedelta = timedelta()

    @property
    def reach(self) -> timedelta:
        return self.window * (self.baseline + 1)

    def read(self, panes: Sequence[Pane], at: datetime) -> Reading:
        now = sum(pane.total for pane in panes if pane.start >= at - self.window)
        before = sum(pane.total for pane in panes) - now
        if not before:
            return Reading(False, now)
        return Reading(self.is_over(now, before), now, value=round(now * self.baseline / before, 6))

    def is_over(self, now: int, before: int) -> bool:
        """`before` is what all of the windows before held together."""
        if self.below:
            return before >= self.at_least * self.baseline and now * self.baseline * self.factor < before
        return now >= self.at_least and now * self.baseline > self.factor * before

    def counted(self, pane: Pane) -> int:
        return pane.total

    def further(self, one: float, other: float) -> float:
        return min(one, other) if self.below else max(one, other)
