"""How far a command is, on one line of a terminal, or a line now and then where the output is a file."""

import time
from typing import Protocol


class Output(Protocol):
    def write(self, msg: str, *, ending: str) -> None: ...

    def isatty(self) -> bool: ...


class TerminalProgress:
    """Called with what is done, how much of it, and how much there is."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._every = 0.2 if output.isatty() else 5.0
        self._shown_at = time.monotonic()
        self._open = False

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._shown_at < self._every and not (done == total and self._open):
            return
        self._shown_at = now
        line = f"{what}: {done:,} of {total:,}"
        if self._output.isatty():
            self._output.write(f"\r{line}\x1b[K", ending="")
            self._open = True
        else:
            self._output.write(line, ending="\n")

    def end(self) -> None:
        """Leaves the line, so that what is written next stands below it."""
        if self._open:
            self._output.write("", ending="\n")
            self._open = False
