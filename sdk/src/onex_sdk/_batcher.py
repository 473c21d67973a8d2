"""The thread that sends: batches from the queue while the server is there, by way of the spool while it is not."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from threading import Thread
from typing import NamedTuple

from onex_sdk._backlog import Backlog
from onex_sdk._breaker import Breaker
from onex_sdk._queue import BATCHER, Queue
from onex_sdk._sender import Sender
from onex_sdk._stats import Stats

_log = logging.getLogger("onex_sdk")
#: A wall clock that moved by more against the monotonic one was set.
_JUMP_SECONDS = 5.0
_ERROR_PAUSE = 1.0
#: How long the thread sleeps at most where it has to write through or to look around now and then.
_IDLE = 1.0


class Rest(NamedTuple):
    """What the thread does before its next step: it sleeps so long, or less when a batch is due or somebody calls."""

    seconds: float
    until_due: bool = False


class Batcher:
    """`step` does the next thing there is to do; the thread does it again and again."""

    def __init__(
        self,
        queue: Queue,
        sender: Sender,
        breaker: Breaker,
        *,
        stats: Stats,
        backlog: Backlog | None,
        chores: Sequence[Callable[[], None]] = (),
    ) -> None:
        """`chores` are done between batches while the server is there."""
        self._queue = queue
        self._sender = sender
        self._breaker = breaker
        self._stats = stats
        self._backlog = backlog
        self._chores = chores
        self._offset = time.time() - time.monotonic()
        self._thread: Thread | None = None

    def start(self) -> None:
        self._thread = Thread(target=self._run, name=BATCHER, daemon=True)
        self._thread.start()

    def join(self, timeout: float) -> bool:
        """Whether the thread came to its end, which it does when the queue is closed."""
        if self._thread is not None:
            self._thread.join(timeout)
        return self._thread is None or not self._thread.is_alive()

    def _run(self) -> None:
        while not self._queue.closed or len(self._queue):
            try:
                rest = self.step()
            except Exception:  # noqa: BLE001 - a thread that ends would silently lose all that comes after
                self._stats.add("internal_errors")
                _log.exception("The sending thread goes on after an error.")
                rest = Rest(_ERROR_PAUSE)
            if rest.until_due:
                self._queue.wait(rest.seconds)
            elif rest.seconds > 0:
                self._queue.pause(rest.seconds)

    def step(self) -> Rest:
        """One batch at most; what to wait for before the next step."""
        self._keep_up()
        wait = self._breaker.wait()
        if wait > 0:
            return self._put_aside(wait)
        for chore in self._chores:
            chore()
        if self._backlog is not None and self._backlog.size:
            return self._drain(self._backlog)
        batch = self._queue.take_due()
        if not batch:
            return Rest(_IDLE, until_due=True)
        again = self._sender.send(batch)
        if again and self._backlog is not None and self._backlog.append(again):
            again = ()
        self._queue.settle(again)
        return Rest(0.0)

    def _put_aside(self, wait: float) -> Rest:
        """The server is not to be asked now: what is due goes to disk where there is one, else it waits in memory."""
        if self._backlog is None:
            return Rest(wait)
        batch = self._queue.take_due()
        if not batch:
            return Rest(min(wait, _IDLE), until_due=True)
        kept = self._backlog.append(batch)
        self._queue.settle(() if kept else batch)
        return Rest(0.0 if kept else min(wait, _IDLE))

    def _drain(self, backlog: Backlog) -> Rest:
        """What waits on disk goes first, and what comes in the meantime behind it."""
        batch = self._queue.take_due()
        if batch:
            self._queue.settle(() if backlog.append(batch) else batch)
        items = backlog.read()
        if items:
            again = self._sender.send(items)
            backlog.acknowledge(len(items) - len(again))
            self._stats.add("drained", len(items) - len(again))
        self._queue.settle()
        return Rest(0.0)

    def _keep_up(self) -> None:
        if self._backlog is not None:
            self._backlog.keep_up()
        offset = time.time() - time.monotonic()
        if abs(offset - self._offset) > _JUMP_SECONDS:
            self._stats.add("clock_jumps")
            self._offset = offset
