"""Between the threads that emit and the one that sends: bounded by count and by bytes."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from onex_sdk._options import Options
from onex_sdk._stats import Stats
from onex_sdk._stores import Value

#: Where so many batches wait, they leave together: one request of 1,000 events costs the server half of ten of 100.
_TOGETHER = 10
_MOST_TOGETHER = 1_000
#: How long a disk that took nothing is left alone.
_SPILL_SECONDS = 1.0


class Item(NamedTuple):
    """An event as it will travel, and the large values that have to be in their store before it does."""

    event_type: str
    line: bytes
    values: tuple[Value, ...] = ()

    @property
    def size(self) -> int:
        return (
            len(self.line) + sum(len(value.data) for value in self.values) if self.values else len(self.line)
        )


class Queue:
    """Items wait here until they make a batch. What was taken counts until it is settled, so that it can come back."""

    def __init__(
        self,
        options: Options,
        stats: Stats,
        *,
        spill: Callable[[Sequence[Item]], bool] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`spill` puts items on disk; False when it cannot."""
        self._options = options
        self._stats = stats
        self._spill = spill
        self._clock = clock
        self._age = options.batch_age_ms / 1000
        # A queue that holds less than a batch is sent when it is full.
        self._batch_events = max(1, min(options.batch_events, options.queue_events))
        # Its lock is reentrant: a signal handler that emits may interrupt an `emit`.
        self._changed = threading.Condition()
        self._items: deque[tuple[float, Item]] = deque()
        self._bytes = 0
        self._taken: list[Item] = []
        self._taken_bytes = 0
        self._spill_at = 0.0
        self._hurried = False
        self._closed = False

    def put(self, item: Item) -> bool:
        """False when it was dropped."""
        size = item.size
        with self._changed:
            if self._closed:
                self._stats.settle("dropped_closed", item.event_type)
                return False
            if not self._fits(size) and not self._make_room(item, size):
                return False
            self._items.append((self._clock(), item))
            self._bytes += size
            if len(self._items) == 1 or len(self._items) % self._batch_events == 0 or self._is_batch():
                self._changed.notify_all()
        return True

    def take_due(self) -> list[Item]:
        """The next batch if one is full, old enough or asked for; else nothing."""
        with self._changed:
            if not self._items or self.due_in() > 0:
                return []
            self._taken = self._batch()
            self._taken_bytes = sum(item.size for item in self._taken)
            return self._taken

    def settle(self, again: Sequence[Item] = ()) -> None:
        """What was taken is done with, but for what comes `again`: it goes before all others."""
        with self._changed:
            now = self._clock()
            self._items.extendleft((now, item) for item in reversed(again))
            self._bytes += sum(item.size for item in again)
            self._taken, self._taken_bytes = [], 0
            self._changed.notify_all()

    def due_in(self) -> float:
        """Seconds until a batch is due; infinity when nothing waits."""
        with self._changed:
            if not self._items:
                return float("inf")
            if self._hurried or self._closed or self._is_batch():
                return 0.0
            return max(0.0, self._items[0][0] + self._age - self._clock())

    def wait(self, seconds: float) -> None:
        """Until something changes here, or for so long."""
        with self._changed:
            if not self._closed and self.due_in() > 0:
                self._changed.wait(min(seconds, self.due_in(), 60.0))

    def pause(self, seconds: float) -> None:
        """For so long, or until something changes here."""
        with self._changed:
            self._changed.wait(min(seconds, 60.0))

    def has_room(self) -> bool:
        """Whether one more fits."""
        with self._changed:
            return self._fits(0)

    def wake(self) -> None:
        """Whoever waits here looks again."""
        with self._changed:
            self._changed.notify_all()

    def hurry(self) -> None:
        """What is here leaves now, full batch or not."""
        with self._changed:
            self._hurried = True
            self._changed.notify_all()

    def wait_empty(self, timeout: float, also: Callable[[], bool]) -> bool:
        """Until nothing waits or is under way and `also` holds; False when that took too long."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._items and not self._taken and also(), timeout)

    def close(self) -> None:
        """Takes nothing any more; what is here leaves at once."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def abandon(self) -> list[Item]:
        """All that is here, also what is under way: for its last resting place."""
        with self._changed:
            left = [*self._taken, *(item for _, item in self._items)]
            self._items.clear()
            self._bytes = 0
            self._changed.notify_all()
            return left

    @property
    def closed(self) -> bool:
        return self._closed

    @property
    def size(self) -> int:
        return self._bytes + self._taken_bytes

    def __len__(self) -> int:
        return len(self._items) + len(self._taken)

    def _fits(self, size: int) -> bool:
        options = self._options
        few_enough = len(self._items) + len(self._taken) < options.queue_events
        return few_enough and self._bytes + self._taken_bytes + size <= options.queue_bytes

    def _make_room(self, item: Item, size: int) -> bool:
        """As the policy says; False when there is none, and then the item was counted as dropped."""
        match self._options.overflow:
            case "drop_oldest":
                self._drop_oldest(size)
            case "spool" if self._spill is not None:
                self._spill_oldest(size)
            case "block" if _may_wait():
                self._changed.wait_for(lambda: self._closed or self._fits(size), self._options.block_timeout)
            case _:
                pass
        if not self._closed and self._fits(size):
            return True
        self._stats.settle("dropped_queue_full", item.event_type)
        return False

    def _drop_oldest(self, size: int) -> None:
        while self._items and not self._fits(size):
            _, oldest = self._items.popleft()
            self._bytes -= oldest.size
            self._stats.settle("dropped_queue_full", oldest.event_type)

    def _spill_oldest(self, size: int) -> None:
        assert self._spill is not None
        while self._items and not self._fits(size) and self._clock() >= self._spill_at:
            batch = self._batch()
            if not self._spill(batch):
                self._items.extendleft((self._clock(), item) for item in reversed(batch))
                self._bytes += sum(item.size for item in batch)
                # Not with every event again.
                self._spill_at = self._clock() + _SPILL_SECONDS

    def _is_batch(self) -> bool:
        return len(self._items) >= self._batch_events or self._bytes >= self._options.batch_bytes

    def _batch(self) -> list[Item]:
        batch: list[Item] = []
        size = 0
        most = together(self._batch_events)
        if len(self._items) < most:
            most = self._batch_events
        while self._items and len(batch) < most:
            item = self._items[0][1]
            size += len(item.line)
            if batch and size > self._options.batch_bytes:
                break
            self._items.popleft()
            self._bytes -= item.size
            batch.append(item)
        self._hurried = self._hurried and bool(self._items)
        return batch


def together(batch_events: int) -> int:
    """The most events of one request, where many wait."""
    return max(batch_events, min(_TOGETHER * batch_events, _MOST_TOGETHER))


def _may_wait() -> bool:
    """Not where others depend on this thread: the one that makes room, and one that runs an event loop."""
    if threading.current_thread().name == BATCHER:
        return False
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return True
    return False


#: The name of the thread that sends.
BATCHER = "onex-batcher"
