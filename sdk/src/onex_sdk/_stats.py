"""What became of every event: counted where it happens, told by `Client.stats()` and in the client report."""

from __future__ import annotations

from collections import Counter
from threading import Lock


class Stats:
    """Counters by name; safe to use from every thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: Counter[str] = Counter()

    def add(self, name: str, count: int = 1) -> None:
        with self._lock:
            self._counts[name] += count

    def as_dict(self) -> dict[str, int]:
        with self._lock:
            return dict(self._counts)
