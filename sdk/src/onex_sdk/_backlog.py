"""All that waits on disk: what dead processes left, then what this one wrote. Bounded, and off while the disk refuses."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import RLock
from typing import Any

from onex_sdk._options import Options
from onex_sdk._queue import Item, together
from onex_sdk._spool import Spool, open_spool, orphans
from onex_sdk._stats import Stats

_log = logging.getLogger("onex_sdk")
#: A segment is deleted as a whole, so a spool is made of several.
_SEGMENTS = 16
_RETRY_SECONDS = 5.0
_LOOK_SECONDS = 60.0


class Backlog:
    """Safe to use from every thread. Nothing here raises: a disk that refuses is counted and left alone for a while."""

    def __init__(
        self, root: Path, options: Options, stats: Stats, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._root = root
        self._options = options
        self._stats = stats
        self._clock = clock
        self._guard = RLock()
        self._own: Spool | None = None
        self._orphans: list[Spool] = []
        self._reading: Spool | None = None
        self._usable_at = 0.0
        self._look_at = 0.0

    @property
    def size(self) -> int:
        with self._guard:
            return sum(spool.size for spool in self._spools())

    def append(self, items: Sequence[Item]) -> bool:
        """False when the disk refuses or the cap is reached; then nothing was written."""
        with self._guard:
            if self._clock() < self._usable_at:
                return False
            if self.size + sum(item.size for item in items) > self._options.spool_bytes:
                self._stats.add("spool_full")
                return False
            try:
                self._own = self._own or open_spool(self._root, self._stats, **self._kind())
                self._own.append(items)
            except OSError as error:
                self._refused(error)
                return False
            self._stats.add("spooled", len(items))
            return True

    def read(self) -> list[Item]:
        """The next request's, the oldest first; what has been read to its end is put away."""
        with self._guard:
            for spool in self._spools():
                try:
                    items = spool.read(together(self._options.batch_events), self._options.batch_bytes)
                    if items:
                        self._reading = spool
                        return items
                    spool.acknowledge_all()
                except OSError as error:
                    self._refused(error)
                    continue
                if spool is not self._own:
                    self._orphans.remove(spool)
                    spool.close()
            return []

    def acknowledge(self, count: int) -> None:
        """The first `count` of what was read last will not be read again."""
        with self._guard, contextlib.suppress(OSError):
            if self._reading is not None:
                self._reading.acknowledge(count)

    def keep_up(self) -> None:
        """What has to be done now and then: writing through, and looking for what dead processes left."""
        with self._guard:
            try:
                if self._own is not None:
                    self._own.sync_when_due()
            except OSError as error:
                self._refused(error)
            if self._clock() >= self._look_at:
                self._look_at = self._clock() + _LOOK_SECONDS
                self._orphans += orphans(self._root, self._stats, **self._kind())

    def close(self) -> None:
        with self._guard:
            for spool in self._spools():
                spool.close()
            self._own, self._orphans = None, []

    def forget(self) -> None:
        """In the child of a fork: all of it is the parent's."""
        for spool in self._spools():
            spool.forget()

    def _spools(self) -> list[Spool]:
        return [*self._orphans, *([self._own] if self._own is not None else [])]

    def _kind(self) -> dict[str, Any]:
        segment = max(1, self._options.spool_bytes // _SEGMENTS)
        return {"segment_bytes": segment, "fsync": self._options.spool_fsync}

    def _refused(self, error: OSError) -> None:
        self._stats.add("spool_failed")
        self._usable_at = self._clock() + _RETRY_SECONDS
        _log.warning("The spool in %s cannot be used for %g seconds: %s", self._root, _RETRY_SECONDS, error)
