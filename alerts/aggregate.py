"""Rules about what a field amounts to, "the 95th percentile of execution_time_ms is above 500 within 5 minutes"."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from alerts.looks import Pane, Reading
from alerts.numbers import Numbers, join

PERCENTILES = {"p50": 50, "p90": 90, "p95": 95, "p99": 99}


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Over when at least `at_least` events with a number in the field occurred within the window and the function of these
    numbers (`sum`, `avg`, `min`, `max` or a percentile) is above the limit, or below it."""

    function: str
    limit: Decimal
    below: bool
    at_least: int
    window: timedelta
    keep_firing: timedelta
    hold: timedelta = timedelta()

    def number(self, value: Any) -> Numbers | None:
        """What an event adds; None when its field holds no number."""
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            return None
        return Numbers.of(Decimal(value), buckets=self.function in PERCENTILES)

    @property
    def reach(self) -> timedelta:
        return self.window

    def read(self, panes: Sequence[Pane], at: datetime) -> Reading:
        numbers = join(pane.numbers for pane in panes if pane.numbers is not None)
        value = self.value(numbers)
        beyond = value < self.limit if self.below else value > self.limit
        return Reading(numbers.count >= self.at_least and beyond, numbers.count, value=float(value))

    def value(self, numbers: Numbers) -> Decimal:
        match self.function:
            case "sum":
                return numbers.total
            case "avg":
                return numbers.total / numbers.count
            case "min":
                return numbers.low
            case "max":
                return numbers.high
        return Decimal(numbers.percentile(PERCENTILES[self.function]))

    def counted(self, pane: Pane) -> int:
        return pane.total

    def further(self, one: float, other: float) -> float:
        return min(one, other) if self.below else max(one, other)
