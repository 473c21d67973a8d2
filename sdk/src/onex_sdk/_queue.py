"""Between the threads that emit and the one that sends: bounded by count and by bytes."""

from __future__ import annotations

import time
from collections import deque
from threading import Condition

from onex_sdk._options import Options
from onex_sdk._stats import Stats


class Queue:
    """Lines wait here until they make a batch. Safe to use from every thread."""

    def __init__(self, options: Options, stats: Stats) -> None:
        self._options = options
        self._stats = stats
        self._changed = Condition()
        self._lines: deque[tuple[float, bytes]] = deque()
        self._bytes = 0
        self._taken = 0
        self._hurried = False
        self._closed = False

    def put(self, line: bytes) -> bool:
        """False when there was no room for it."""
        with self._changed:
            if self._closed:
                self._stats.add("dropped_closed")
                return False
            while self._lines and not self._fits(line):
                self._bytes -= len(self._lines.popleft()[1])
                self._stats.add("dropped_queue_full")
            self._lines.append((time.monotonic(), line))
            self._bytes += len(line)
            if len(self._lines) == 1 or self._is_batch():
                self._changed.notify_all()
        return True

    def take(self) -> list[bytes]:
        """The next batch, once one is full or its time has come; empty when the queue was closed and nothing is left.

        What was taken before is done with then.
        """
        with self._changed:
            self._taken = 0
            self._changed.notify_all()
            while not self._is_due():
                self._changed.wait(self._remaining() if self._lines else None)
            return self._batch()

    def flush(self, timeout: float) -> bool:
        """What is here leaves now, full batch or not; False when that took longer than `timeout`."""
        with self._changed:
            self._hurried = True
            self._changed.notify_all()
            return self._changed.wait_for(lambda: not self._lines and not self._taken, timeout)

    def close(self) -> None:
        """Nothing is put here any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __len__(self) -> int:
        return len(self._lines)

    def _fits(self, line: bytes) -> bool:
        options = self._options
        return len(self._lines) < options.queue_events and self._bytes + len(line) <= options.queue_bytes

    def _is_due(self) -> bool:
        if not self._lines:
            return self._closed
        return self._hurried or self._closed or self._is_batch() or self._remaining() <= 0

    def _is_batch(self) -> bool:
        return len(self._lines) >= self._options.batch_events or self._bytes >= self._options.batch_bytes

    def _remaining(self) -> float:
        return self._lines[0][0] + self._options.batch_age_ms / 1000 - time.monotonic()

    def _batch(self) -> list[bytes]:
        batch: list[bytes] = []
        size = 0
        while self._lines and len(batch) < self._options.batch_events:
            size += len(self._lines[0][1])
            if batch and size > self._options.batch_bytes:
                break
            batch.append(self._lines.popleft()[1])
            self._bytes -= len(batch[-1])
        self._hurried = self._hurried and bool(self._lines)
        self._taken = len(batch)
        return batch
