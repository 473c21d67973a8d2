"""When the server may be asked again: full jitter between attempts, and a long pause after several failures."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Literal

#: The longest that a server may make us wait with one Retry-After.
LONGEST_WAIT = 300.0
_FIRST_BACKOFF, _LONGEST_BACKOFF = 0.5, 30.0


class Breaker:
    """Closed: each failure makes the next wait longer. Open after `failures` in a row, for `seconds`; then one trial."""

    def __init__(
        self,
        *,
        failures: int,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._limit = failures
        self._seconds = seconds
        self._clock = clock
        self._draw = draw
        self._failures = 0
        self._ready_at = 0.0

    def wait(self) -> float:
        """Seconds until the server may be asked; 0 is now."""
        return max(0.0, self._ready_at - self._clock())

    @property
    def state(self) -> Literal["closed", "open", "half_open"]:
        if self._failures < self._limit:
            return "closed"
        return "open" if self.wait() > 0 else "half_open"

    def succeeded(self) -> None:
        self._failures, self._ready_at = 0, 0.0

    def failed(self) -> bool:
        """True when this failure opened it."""
        self._failures += 1
        opens = self._failures >= self._limit
        backoff = min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2 ** min(self._failures - 1, 10))
        self._ready_at = self._clock() + (self._seconds if opens else self._draw(0.0, backoff))
        return self._failures == self._limit

    def asked_to_wait(self, retry_after: float | None) -> None:
        """The server is there and says when: not before that, and not all clients at the same moment after it."""
        wait = min(LONGEST_WAIT, retry_after if retry_after is not None else 1.0)
        self._ready_at = self._clock() + wait + self._draw(0.0, max(wait, 1.0))
