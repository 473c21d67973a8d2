"""What the demo shows while it works: numbered steps, a progress line, facts below."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
_WIDTH = 28


class Console:
    """Writes to stdout; in a terminal progress lines are redrawn, elsewhere only their end is printed."""

    def __init__(self) -> None:
        self.live = sys.stdout.isatty()
        self.number = 0
        self.began = time.monotonic()

    def step(self, title: str) -> None:
        self.number += 1
        elapsed = time.monotonic() - self.began
        print(f"\n{self._bold(f'{self.number}. {title}')}  {self._dim(f'({elapsed:.0f} s)')}", flush=True)

    def say(self, text: str) -> None:
        for line in text.splitlines() or [""]:
            print(f"   {line}", flush=True)

    def ok(self, text: str) -> None:
        self.say(f"{self._colour(32, '✓')} {text}")

    def wrong(self, text: str) -> None:
        self.say(f"{self._colour(31, '✗')} {text}")

    def bar(self, label: str, done: int, total: int) -> None:
        if not self.live and done < total:
            return
        filled = _WIDTH * done // max(total, 1)
        end = "\n" if done >= total else ""
        start = "\r" if self.live else ""
        print(
            f"{start}   {'█' * filled}{'·' * (_WIDTH - filled)} {done}/{total} {label}", end=end, flush=True
        )

    def over(self, label: str, items: Iterable[T], total: int) -> Iterator[T]:
        """`items`, drawing a bar as they come."""
        for done, item in enumerate(items):
            self.bar(label, done, total)
            yield item
        self.bar(label, total, total)

    def _bold(self, text: str) -> str:
        return f"\x1b[1m{text}\x1b[0m" if self.live else text

    def _dim(self, text: str) -> str:
        return f"\x1b[2m{text}\x1b[0m" if self.live else text

    def _colour(self, code: int, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.live else text
