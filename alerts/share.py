"""Rules about a share, "more than 5 % of the calls failed within 5 minutes": what a window has to hold. `looks` decides when it is looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from alerts.looks import Pane, Reading


@dataclass(frozen=True, slots=True)
class Share:
    """Over when at least `at_least` events occurred within the window and more than `percent` of them are hits.

    `percent` is exact: 0.1 is a tenth of a per cent.
    """

    percent: Decimal
    at_least: int
    window: timedelta
    keep_firing: timedelta
    hold: timedelta = timedelta()

    @property
    def reach(self) -> timedelta:
        return self.window

    def read(self, panes: Sequence[Pane], at: datetime) -> Reading:
        total, hits = sum(pane.total for pane in panes), sum(pane.hits for pane in panes)
        return Reading(self.is_over(total, hits), hits, share=round(100 * hits / total, 3))

    def is_over(self, total: int, hits: int) -> bool:
        return total >= self.at_least and 100 * hits > self.percent * total

    def counted(self, pane: Pane) -> int:
        return pane.hits

    def further(self, one: float, other: float) -> float:
        return max(one, other)
