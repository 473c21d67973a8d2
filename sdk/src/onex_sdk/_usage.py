"""What a process has used so far: processor time, memory, garbage collection, disk. From the standard library, and
from psutil where that is installed; what a platform does not tell is None."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]
try:
    import psutil
except ImportError:
    psutil = None  # type: ignore[assignment]

Scope = Literal["thread", "process"]
_STATM, _IO = Path("/proc/self/statm"), Path("/proc/self/io")
# getrusage tells kilobytes, on macOS bytes.
_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Usage:
    """Times in seconds, sizes in bytes."""

    cpu_user: float
    cpu_system: float | None
    memory: int | None
    #: The most that the process has had since it began.
    memory_peak: int | None
    disk_read: int | None
    disk_write: int | None
    gc_collections: int
    gc_collected: int
    gc_uncollectable: int
    gc_pause: float


class _Pauses:
    """How long the collector has stopped this process; listens from the first time somebody asks."""

    def __init__(self) -> None:
        self.total = 0.0
        self._began = 0.0
        self._listening = False

    def listen(self) -> None:
        if not self._listening:
            self._listening = True
            gc.callbacks.append(self._heard)

    def _heard(self, phase: str, _info: dict[str, int]) -> None:
        # Collections do not overlap: the collector runs in one thread at a time.
        if phase == "start":
            self._began = time.perf_counter()
        else:
            self.total += time.perf_counter() - self._began


_pauses = _Pauses()


def usage(scope: Scope) -> Usage:
    """Now. `scope` is whose processor time is meant; everything else is the process's."""
    _pauses.listen()
    user, system = _cpu(scope)
    read, written = _disk()
    generations = gc.get_stats()
    return Usage(
        user,
        system,
        memory(),
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _PEAK_UNIT if resource else None,
        read,
        written,
        sum(one["collections"] for one in generations),
        sum(one["collected"] for one in generations),
        sum(one["uncollectable"] for one in generations),
        _pauses.total,
    )


def _cpu(scope: Scope) -> tuple[float, float | None]:
    if scope == "process":
        times = os.times()
        return times.user, times.system
    if resource is not None and hasattr(resource, "RUSAGE_THREAD"):
        used = resource.getrusage(resource.RUSAGE_THREAD)
        return used.ru_utime, used.ru_stime
    return time.thread_time(), None


def _memory_of_linux() -> int | None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(_STATM.read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return None


def _disk_of_linux() -> tuple[int | None, int | None]:
    with contextlib.suppress(OSError, ValueError):
        numbers = dict(line.split(b": ") for line in _IO.read_bytes().splitlines())
        return int(numbers[b"read_bytes"]), int(numbers[b"write_bytes"])
    return None, None


def _memory_of_psutil() -> int | None:
    return int(psutil.Process().memory_info().rss)


def _disk_of_psutil() -> tuple[int | None, int | None]:
    # Not on macOS, and in some containers not allowed.
    with contextlib.suppress(AttributeError, psutil.Error, OSError):
        counters: Any = psutil.Process().io_counters()
        return counters.read_bytes, counters.write_bytes
    return None, None


_on_linux = sys.platform == "linux"
#: Bytes of resident memory now. Linux tells it in a file, at a fraction of what asking psutil costs.
memory: Callable[[], int | None] = _memory_of_linux if _on_linux or psutil is None else _memory_of_psutil
_disk = _disk_of_linux if _on_linux or psutil is None else _disk_of_psutil
