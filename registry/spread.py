"""Spreads kept-open connections over the server's processes: they come to whichever accepts first, and stay there.

Of eight clients five may sit on one process while another has nothing to do. A process that for a moment has had clearly more to do
than the idlest one ends a connection with its answer (`Connection: close`); the client's next one is accepted by chance, and
after a few the load is even. The processes know of each other by a file that all have mapped.
"""

import fcntl
import math
import mmap
import os
import struct
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

# The server, the process, its requests now, and in the mean until when; all zero is free.
_SLOT = struct.Struct("=qqqdd")
_SLOTS = 128
# Of the mean, in seconds.
_MEMORY = 0.3
# With less between them, moving a connection only turns the difference round.
_CLEARLY_MORE = 1.5
# Between two connections that one process ends, and between two looks at the others.
_PAUSE = 0.15


class Loads:
    """What each process of this server has to do; `server` is what its processes have in common."""

    def __init__(
        self, file: Path, *, server: int, process: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._server, self._process, self._clock = server, process, clock
        self._lock = threading.Lock()
        self._busy, self._mean = 0, 0.0
        self._since = self._ended = clock()
        self._map, self._own = _claimed(file, server, process)

    def begin(self) -> None:
        self._change(1)

    def end(self) -> None:
        self._change(-1)

    def too_many(self) -> bool:
        """Whether the connection of the answer that is sent now had better go elsewhere."""
        now = self._clock()
        if self._mean < _CLEARLY_MORE or now - self._ended < _PAUSE:
            return False
        with self._lock:
            if now - self._ended < _PAUSE:
                return False
            self._ended = now
            own = _mean_at(now, self._busy, self._mean, self._since)
            return own >= self._idlest(now) + _CLEARLY_MORE

    def _change(self, by: int) -> None:
        now = self._clock()
        with self._lock:
            self._mean, self._since = _mean_at(now, self._busy, self._mean, self._since), now
            self._busy += by
            _SLOT.pack_into(self._map, self._own, self._server, self._process, self._busy, self._mean, now)

    def _idlest(self, now: float) -> float:
        """Of the other processes."""
        others = [
            _mean_at(now, busy, mean, since)
            for server, process, busy, mean, since in _SLOT.iter_unpack(self._map[: _SLOTS * _SLOT.size])
            if server == self._server and process != self._process and _lives(process)
        ]
        return min(others, default=math.inf)


class Spread:
    """The outermost WSGI middleware: what is counted is the time from a request's arrival to the begin of its answer."""

    def __init__(self, application: Application, loads: Loads) -> None:
        self._application, self._loads = application, loads

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *problem: Any) -> Any:
            if environ.get("SERVER_PROTOCOL") == "HTTP/1.1" and self._loads.too_many():
                headers = [*headers, ("Connection", "close")]
            return start_response(status, headers, *problem)

        self._loads.begin()
        try:
            return self._application(environ, start)
        finally:
            self._loads.end()


def _mean_at(now: float, busy: int, mean: float, since: float) -> float:
    """What was longer ago counts for less."""
    return busy + (mean - busy) * math.exp((since - now) / _MEMORY)


def _claimed(file: Path, server: int, process: int) -> tuple[mmap.mmap, int]:
    """The mapped file, and where this process writes: a place that is free, or whose process has ended."""
    with file.open("a+b") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        opened.truncate(_SLOTS * _SLOT.size)
        mapped = mmap.mmap(opened.fileno(), _SLOTS * _SLOT.size)
        taken = [slot[1] for slot in _SLOT.iter_unpack(mapped[:])]
        place = next((at for at, other in enumerate(taken) if not _lives(other)), _SLOTS - 1)
        _SLOT.pack_into(mapped, place * _SLOT.size, server, process, 0, 0.0, 0.0)
        # The map keeps the file open, and with it the lock.
        fcntl.flock(opened, fcntl.LOCK_UN)
        return mapped, place * _SLOT.size


def _lives(process: int) -> bool:
    if not process:
        return False
    with suppress(PermissionError):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return False
    return True
