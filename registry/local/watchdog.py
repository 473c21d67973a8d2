"""Ends the whole stack when its supervisor dies without having done so, even by kill -9."""

import contextlib
import os
import signal
from pathlib import Path

from registry.local import home as homes


class Watchdog:
    """A forked process that waits for the supervisor's end of a pipe to close.

    It shares the home's lock, so that the next start waits until it has finished. Made before any thread is
    started, and before any child, so that no child holds the pipe.
    """

    def __init__(self, home: Path) -> None:
        read_end, self._write_end = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._write_end)
            _watch(home, read_end)
        os.close(read_end)

    def dismiss(self) -> None:
        """The supervisor has cleaned up by itself."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self._write_end, b"done")
        os.close(self._write_end)
        os.waitpid(self.pid, 0)


def _watch(home: Path, read_end: int) -> None:
    try:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        if os.read(read_end, 4) != b"done":
            homes.clean(home)
    finally:
        os._exit(0)
