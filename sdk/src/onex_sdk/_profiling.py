"""What a step costs, told as a PERFORMANCE_PROFILE event: time, processor, memory, collector, disk, counters, stacks."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from threading import Event, Thread
from types import FrameType, TracebackType
from typing import Any, TypeVar

from onex_sdk._decorated import decorated
from onex_sdk._operations import Emit, function_of
from onex_sdk._stack_sampler import Stacks, sampler
from onex_sdk._usage import Scope, Usage, usage

EVENT_TYPE = "PERFORMANCE_PROFILE"
SCHEMA_VERSION = "1.1.0"
_MB = 1_000_000

F = TypeVar("F", bound=Callable[..., Any])


class Profile:
    """One step: `with`, `async with`, or as a decorator. Emits when it ends, also when by an exception.

    `stacks` looks fifty times a second where the step is. `cpu` is whose processor time counts: of the thread,
    or of the whole process for steps that spread over threads. Memory, collector and disk are the process's.
    `named` answers which service it is, and which release.
    """

    def __init__(
        self,
        emit: Emit,
        step: str | None,
        *,
        named: Callable[[], Mapping[str, str]] = dict,
        stacks: bool = False,
        cpu: Scope = "thread",
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self._emit = emit
        self._step = step
        self._named = named
        self._stacks = stacks
        self._cpu: Scope = cpu
        self._tags = dict(tags or {})
        self._counters: dict[str, float] = {}
        self._function: str | None = None
        self._seen: Stacks | None = None
        self._began = 0.0
        self._before: Usage | None = None

    def count(self, name: str, amount: float = 1) -> None:
        """Adds to a counter of the step's own."""
        self._counters[name] = self._counters.get(name, 0) + amount

    def __enter__(self) -> Profile:  # noqa: PYI034 - typing.Self needs Python 3.11
        self.begin(sys._getframe(1))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    async def __aenter__(self) -> Profile:  # noqa: PYI034 - the same
        self.begin(sys._getframe(1))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def begin(self, caller: FrameType | None = None) -> None:
        caller = caller or sys._getframe(1)
        if self._function is None:
            self._function = function_of(caller)
        self._before = usage(self._cpu)
        self._began = time.perf_counter()
        if self._stacks:
            self._seen = sampler.collect(caller)

    def end(self, _error: BaseException | None = None) -> None:
        took = time.perf_counter() - self._began
        before = self._before
        if before is None:
            return
        after = usage(self._cpu)
        if self._seen is not None:
            sampler.release(self._seen)
        self._before = None
        metadata = {
            "operation": self._step or self._function,
            "function": self._function,
            "execution_time_ms": round(took * 1000, 3),
            "performance_profile": self._measured(before, after, took),
            **self._named(),
            **({"tags": self._tags} if self._tags else {}),
            **({"stacks": self._seen.as_stacks()} if self._seen is not None and self._seen.samples else {}),
        }
        self._emit(EVENT_TYPE, metadata, schema_version=SCHEMA_VERSION)

    def pause(self) -> None: ...
    def resume(self) -> None: ...

    def returned(self, value: Any) -> Any:
        return value

    def _measured(self, before: Usage, after: Usage, took: float) -> dict[str, Any]:
        found = measured(before, after, took, seen_peak=self._seen.memory_peak if self._seen else 0)
        if self._counters:
            found["counters"] = dict(self._counters)
        if self._seen is not None and self._seen.samples:
            found["top_frames"] = self._seen.as_frames()
        return found

    def __call__(self, function: F) -> F:
        """As a decorator: every call is profiled."""
        own = f"{function.__module__}.{function.__qualname__}"

        def made(_args: tuple[Any, ...], _kwargs: Mapping[str, Any]) -> Profile:
            profile = Profile(
                self._emit,
                self._step or function.__name__,
                named=self._named,
                stacks=self._stacks,
                cpu=self._cpu,
                tags=self._tags,
            )
            profile._function = own
            return profile

        return decorated(function, made)


def measured(before: Usage, after: Usage, took: float, *, seen_peak: int = 0) -> dict[str, Any]:
    """The difference, as the event has it; what a platform does not tell is left out."""
    cpu = after.cpu_user - before.cpu_user + (after.cpu_system or 0) - (before.cpu_system or 0)
    found: dict[str, Any] = {
        "wall_time_ms": round(took * 1000, 3),
        "cpu_user_ms": _ms(before.cpu_user, after.cpu_user),
        "cpu_system_ms": _ms(before.cpu_system, after.cpu_system),
        "cpu_usage_percent": round(max(cpu, 0.0) / took * 100, 1) if took > 0 else None,
        "memory_usage_mb": _mb(0, after.memory),
        "memory_peak_mb": _mb(0, _peak(before, after, seen_peak)),
        "disk_read_mb": _mb(before.disk_read, after.disk_read),
        "disk_write_mb": _mb(before.disk_write, after.disk_write),
        "gc": {
            "collections": after.gc_collections - before.gc_collections,
            "collected": after.gc_collected - before.gc_collected,
            "uncollectable": after.gc_uncollectable - before.gc_uncollectable,
            "pause_ms": _ms(before.gc_pause, after.gc_pause),
        },
    }
    if found["disk_read_mb"] is not None and found["disk_write_mb"] is not None:
        found["disk_io_mb"] = round(found["disk_read_mb"] + found["disk_write_mb"], 3)
    return {name: value for name, value in found.items() if value is not None}


def _peak(before: Usage, after: Usage, seen: int) -> int | None:
    """If the process never had as much before, it was in this step; else the most that was seen of it."""
    if (
        before.memory_peak is not None
        and after.memory_peak is not None
        and after.memory_peak > before.memory_peak
    ):
        return after.memory_peak
    known = [one for one in (before.memory, after.memory, seen) if one]
    return max(known) if known else None


def _ms(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else round(max(after - before, 0.0) * 1000, 3)


def _mb(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else round(max(after - before, 0.0) / _MB, 3)


class ContinuousProfiler:
    """All threads of the process, fifty times a second, told every so often until it is stopped."""

    def __init__(
        self,
        emit: Emit,
        *,
        every: float = 60.0,
        operation: str = "process",
        named: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._emit = emit
        self._every = every
        self._operation = operation
        self._named = named
        self._stopped = Event()
        self._thread = Thread(target=self._run, name="onex-profiler", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Tells what was seen since the last time, and ends."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            before, began, seen = usage("process"), time.perf_counter(), sampler.collect(None)
            self._stopped.wait(self._every)
            sampler.release(seen)
            took = time.perf_counter() - began
            found = measured(before, usage("process"), took, seen_peak=seen.memory_peak)
            found["top_frames"] = seen.as_frames()
            metadata = {
                "operation": self._operation,
                "execution_time_ms": round(took * 1000, 3),
                "performance_profile": found,
                **self._named(),
                "stacks": seen.as_stacks(),
            }
            self._emit(EVENT_TYPE, metadata, schema_version=SCHEMA_VERSION)
