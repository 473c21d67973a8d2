"""The thread that asks the registry for what decides about events: sampling rules and schemas."""

from __future__ import annotations

import os
from collections.abc import Sequence
from threading import Event, Lock, Thread
from typing import Protocol


class Source(Protocol):
    """Something that is asked again when it is due. `refresh` does not raise; False puts the next try off."""

    @property
    def due(self) -> bool: ...
    def refresh(self) -> bool: ...


class Background:
    """Looks after its sources from the first event on, in whichever process that is emitted."""

    def __init__(self, sources: Sequence[Source], *, every: float = 1.0) -> None:
        self._sources = sources
        self._every = every
        self._starting = Lock()
        self._asking = Lock()
        self._stopped = Event()
        self._pid: int | None = None

    def ensure(self) -> None:
        """Starts the thread unless it runs; after a fork there is none in the child. Cheap when it does."""
        if self._pid == os.getpid() or not self._sources or self._stopped.is_set():
            return
        # Not waited for: who does not get it leaves the start to who has it.
        if self._starting.acquire(blocking=False):
            try:
                if self._pid != os.getpid():
                    self._pid = os.getpid()
                    # The parent's thread may have held it at the fork.
                    self._asking = Lock()
                    Thread(target=self._run, name="onex-background", daemon=True).start()
            finally:
                self._starting.release()

    def refresh(self) -> bool:
        """Asks for everything now, in this thread, after whatever is being asked; whether all answered."""
        with self._asking:
            return all([source.refresh() for source in self._sources])

    def stop(self) -> None:
        self._stopped.set()

    def _run(self) -> None:
        pause = 0.0
        while not self._stopped.wait(pause):
            with self._asking:
                answered = all([source.refresh() for source in self._sources if source.due])
            # A registry that is away is asked more and more seldom, and at least every half minute.
            pause = self._every if answered else min(max(pause, self._every) * 2, 30.0)
