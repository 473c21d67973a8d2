"""Where threads are, looked at fifty times a second: one thread for all profiles of a process that ask for it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from threading import Event, Lock, Thread, get_ident
from types import CodeType, FrameType
from typing import Any

from onex_sdk._usage import memory

INTERVAL = 0.02
_LOOKS_PER_MEMORY = 10
_DEEPEST = 64
# What one event carries: enough for a picture, and well under the size that is warned about.
_MOST_STACKS = 200
_MOST_TEXT = 48 * 1024
_MOST_FRAMES = 20
# Different stacks of one profile; beyond them, time is told without its stack.
_MOST_KEPT = 5_000

# What stands between a decorated function and who calls it.
_OWN = "onex_sdk._decorated"

#: A code object with the name of the module it runs in.
Frame = tuple[CodeType, str]


@dataclass
class _Time:
    seconds: float = 0.0
    samples: int = 0


class Stacks:
    """What was seen of one thread below one frame, or of all threads but the one that asks."""

    def __init__(self, top: FrameType | None) -> None:
        #: The frame below which is looked; None: all other threads, wholly.
        self.top = top
        self.thread = get_ident()
        self.memory_peak = 0
        self.samples = 0
        self._seen: dict[tuple[Frame, ...], _Time] = {}

    def add(self, stack: tuple[Frame, ...], seconds: float) -> None:
        if len(self._seen) >= _MOST_KEPT and stack not in self._seen:
            return
        told = self._seen.setdefault(stack, _Time())
        told.seconds += seconds
        told.samples += 1
        self.samples += 1

    def as_stacks(self) -> list[dict[str, Any]]:
        """The most expensive first, as the event has them."""
        listed: list[dict[str, Any]] = []
        text = 0
        ranked = sorted(self._seen.items(), key=lambda seen: -seen[1].seconds)
        for stack, told in ranked[:_MOST_STACKS]:
            frames = [_name(frame) for frame in stack]
            text += sum(map(len, frames))
            if text > _MOST_TEXT and listed:
                break
            listed.append(
                {"frames": frames, "self_ms": round(told.seconds * 1000, 3), "samples": told.samples}
            )
        return listed

    def as_frames(self) -> list[dict[str, Any]]:
        """Functions by their own time, the most expensive first."""
        own: dict[Frame, _Time] = {}
        whole: dict[Frame, float] = {}
        for stack, told in self._seen.items():
            last = own.setdefault(stack[-1], _Time())
            last.seconds += told.seconds
            last.samples += told.samples
            # A recursion is in the stack more than once, and takes its time once.
            for frame in set(stack):
                whole[frame] = whole.get(frame, 0.0) + told.seconds
        ranked = sorted(own.items(), key=lambda seen: -seen[1].seconds)[:_MOST_FRAMES]
        return [
            {
                "function": _name(frame),
                "file": _file(frame[0].co_filename),
                "line": frame[0].co_firstlineno or 1,
                "self_ms": round(told.seconds * 1000, 3),
                "total_ms": round(whole[frame] * 1000, 3),
                "samples": told.samples,
            }
            for frame, told in ranked
        ]


class StackSampler:
    """Runs while somebody collects. Safe to share between threads; begins anew after a fork."""

    def __init__(self, interval: float = INTERVAL) -> None:
        self._interval = interval
        self._lock = Lock()
        self._collecting: tuple[Stacks, ...] = ()
        self._wake = Event()
        self._running: tuple[int, Thread] | None = None

    def collect(self, top: FrameType | None) -> Stacks:
        """From now on, until `release`: what runs below this frame in this thread; None: everything."""
        stacks = Stacks(top)
        with self._lock:
            if self._running is None or self._running[0] != os.getpid():
                self._collecting = ()
                self._wake = Event()
                thread = Thread(target=self._run, name="onex-stack-sampler", daemon=True)
                self._running = os.getpid(), thread
                thread.start()
            self._collecting = (*self._collecting, stacks)
            self._wake.set()
        return stacks

    def release(self, stacks: Stacks) -> None:
        with self._lock:
            self._collecting = tuple(one for one in self._collecting if one is not stacks)
            if not self._collecting:
                self._wake.clear()
        # Frames hold all that their functions know.
        stacks.top = None

    def _run(self) -> None:
        own = get_ident()
        while True:
            self._wake.wait()
            last, looks = time.perf_counter(), 0
            while collecting := self._collecting:
                time.sleep(self._interval)
                now = time.perf_counter()
                self._look(collecting, now - last, own)
                # Costs more than a look, and changes more slowly.
                if looks % _LOOKS_PER_MEMORY == 0:
                    _note_memory(collecting)
                last, looks = now, looks + 1

    def _look(self, collecting: tuple[Stacks, ...], seconds: float, own: int) -> None:
        """Time that passed since the last look belongs to what is seen now: also where a long call let nobody look."""
        frames = sys._current_frames()
        for stacks in collecting:
            top = stacks.top
            if top is not None:
                frame = frames.get(stacks.thread)
                stack = _below(frame, top) if frame is not None else ()
                if stack:
                    stacks.add(stack, seconds)
                continue
            for thread, frame in frames.items():
                if thread not in (own, stacks.thread) and (stack := _below(frame, None)):
                    stacks.add(stack, seconds)


def _note_memory(collecting: tuple[Stacks, ...]) -> None:
    resident = memory() or 0
    for stacks in collecting:
        stacks.memory_peak = max(stacks.memory_peak, resident)


def _below(frame: FrameType, top: FrameType | None) -> tuple[Frame, ...]:
    """From `top` to the frame, the outermost first; empty when the frame is not below it: another task has its turn."""
    found = []
    for each in _upwards(frame):
        module = each.f_globals.get("__name__", "?")
        if module != _OWN:
            found.append((each.f_code, module))
        if each is top:
            break
    else:
        if top is not None:
            return ()
    # The innermost frames tell where the time went.
    return tuple(reversed(found[:_DEEPEST]))


def _upwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


@lru_cache(maxsize=4_096)
def _name(frame: Frame) -> str:
    code, module = frame
    return f"{module}.{getattr(code, 'co_qualname', code.co_name)}"


@lru_cache(maxsize=1_024)
def _file(path: str) -> str:
    """As one knows it: below the folder of the program or of the packages."""
    for folder in sorted((entry for entry in sys.path if entry), key=len, reverse=True):
        if path.startswith(folder.rstrip(os.sep) + os.sep):
            return path[len(folder.rstrip(os.sep)) + 1 :]
    return path


#: The one of this process.
sampler = StackSampler()
