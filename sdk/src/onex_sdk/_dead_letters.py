"""Events that will never be stored, kept beside the program for whoever mends it: one JSON object a line."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from onex_sdk._events import EventProblem
from onex_sdk._stats import Stats

#: Of a larger event only the beginning is kept, as text.
_LONGEST_EVENT = 1024 * 1024


class DeadLetters:
    """A file that is begun anew when it is full; the one before is kept as `….1`. Without a path only counted."""

    def __init__(self, path: Path | None, max_bytes: int, stats: Stats) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._stats = stats

    def put(self, line: bytes, reason: str, problems: Sequence[EventProblem] = ()) -> None:
        if self._path is None:
            return
        try:
            self._append(self._path, _letter(line, reason, problems))
            self._stats.add("dead_letters")
        except OSError:
            self._stats.add("dead_letters_failed")

    def _append(self, path: Path, letter: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size + len(letter) > self._max_bytes:
            path.replace(path.with_name(path.name + ".1"))
        # One write, so that several processes may share the file.
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, letter)
        finally:
            os.close(handle)


def _letter(line: bytes, reason: str, problems: Sequence[EventProblem]) -> bytes:
    head = {"at": time.time(), "reason": reason, "errors": [asdict(problem) for problem in problems]}
    if len(line) > _LONGEST_EVENT:
        beginning = line[:_LONGEST_EVENT].decode("utf-8", "replace")
        return json.dumps({**head, "bytes": len(line), "beginning": beginning}).encode() + b"\n"
    return json.dumps(head)[:-1].encode() + b', "event": ' + line + b"}\n"
