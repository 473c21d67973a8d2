"""What became of every event: counted where it happens, told by `Client.stats()` and in the client report.

An event is `emitted` once and ends in exactly one of: what the server said (`stored`, `stored_with_violations`,
`duplicate`, `conflict`, `quarantined`, `rejected`), `sampled_out`, or `dropped_…` with the reason. What is neither
is still here: `queued` or `spooled`.
"""

from __future__ import annotations

from collections import Counter
from threading import RLock

#: Types beyond so many are counted together.
MAX_TYPES = 1_000
OTHER_TYPES = "(others)"


class Stats:
    """Counters by name, and by event type where an event came in or came to its end. For all threads."""

    def __init__(self) -> None:
        # Reentrant: a signal handler that emits may interrupt a count.
        self._lock = RLock()
        self._counts: Counter[str] = Counter()
        self._types: dict[str, Counter[str]] = {}

    def add(self, name: str, count: int = 1) -> None:
        with self._lock:
            self._counts[name] += count

    def settle(self, name: str, event_type: str, count: int = 1) -> None:
        """Counts something that happens to an event once: that it was emitted, and how it ended."""
        with self._lock:
            self._counts[name] += count
            known = self._types.get(event_type)
            if known is None:
                known = self._types.setdefault(
                    event_type if len(self._types) < MAX_TYPES else OTHER_TYPES, Counter()
                )
            known[name] += count

    def as_dict(self) -> dict[str, int]:
        with self._lock:
            return dict(self._counts)

    def by_type(self) -> dict[str, dict[str, int]]:
        with self._lock:
            return {event_type: dict(counts) for event_type, counts in self._types.items()}
