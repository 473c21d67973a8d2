"""What the window that ends at an instant holds: so many matches, or so many different values. Asked in order of time."""

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice


@dataclass(frozen=True, slots=True)
class Held:
    """`enough_since` is the match from which on it is enough, None where it is not."""

    count: int
    enough_since: datetime | None


class Matches:
    """Counts matches."""

    def __init__(self, times: Sequence[datetime], threshold: int, window: timedelta) -> None:
        self._times, self._threshold, self._window = times, threshold, window

    def at(self, instant: datetime) -> Held:
        end = bisect_right(self._times, instant)
        count = end - bisect_left(self._times, instant - self._window)
        return Held(count, self._times[end - self._threshold] if count >= self._threshold else None)


class Values:
    """Counts different values. Each is in the window as long as the last match that has it."""

    def __init__(
        self, times: Sequence[datetime], values: Sequence[Hashable], threshold: int, window: timedelta
    ) -> None:
        self._times, self._values, self._threshold, self._window = times, values, threshold, window
        self._read = 0
        # Value → when it was seen last, in this order.
        self._last: OrderedDict[Hashable, datetime] = OrderedDict()

    def at(self, instant: datetime) -> Held:
        while self._read < len(self._times) and self._times[self._read] <= instant:
            value = self._values[self._read]
            self._last[value] = self._times[self._read]
            self._last.move_to_end(value)
            self._read += 1
        while self._last and next(iter(self._last.values())) < instant - self._window:
            self._last.popitem(last=False)
        return Held(
            len(self._last), next(islice(reversed(self._last.values()), self._threshold - 1, None), None)
        )
