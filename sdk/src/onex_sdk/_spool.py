"""Events on disk while the server is away: appended, read again in the same order, and deleted once acknowledged.

A folder per process, locked as long as the process lives; what a dead process left is found by its unlocked folder.
In it numbered segments of lines, `E <crc32> <event>` or `V <crc32> <name> <base64>` (a large value of the event after
it). JSON written here holds no line break, so a torn or damaged line ends with itself. The file `cursor` says what
was acknowledged; when it is lost, events are sent again, which the server tells by their ids.
"""

from __future__ import annotations

import base64
import contextlib
import errno
import json
import os
import shutil
import time
import zlib
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from onex_sdk._options import Fsync
from onex_sdk._queue import Item
from onex_sdk._stats import Stats
from onex_sdk._stores import Value

try:
    import fcntl
except ImportError:  # Windows: nothing tells there whether a folder's process lives
    fcntl = None  # type: ignore[assignment]

_SUFFIX = ".spool"
_SYNC_SECONDS = 1.0


class Spool:
    """One folder. Used by one thread at a time; the lock is the caller's."""

    def __init__(self, folder: Path, lock: int, stats: Stats, *, segment_bytes: int, fsync: Fsync) -> None:
        self.folder = folder
        self._lock = lock
        self._stats = stats
        self._segment_bytes = segment_bytes
        self._fsync = fsync
        self._sizes = {int(path.stem): path.stat().st_size for path in folder.glob("*.log")}
        self._segment, self._offset = self._cursor()
        # Where each of the items read last ends, and where reading ended.
        self._ends: list[tuple[int, int]] = []
        self._end = (self._segment, self._offset)
        self._writing: int | None = None
        self._synced_at = time.monotonic()
        self._dirty = False

    @property
    def size(self) -> int:
        """Not acknowledged yet."""
        return sum(self._sizes.values()) - (self._offset if self._segment in self._sizes else 0)

    def append(self, items: Sequence[Item]) -> None:
        """All of them or none. Raises OSError."""
        data = b"".join(map(_frames, items))
        number = max(self._sizes, default=self._segment - 1)
        if self._writing is None or self._sizes.get(number, 0) >= self._segment_bytes:
            number = self._begin(number + 1)
        self._write(number, data)
        self._sizes[number] += len(data)
        self._dirty = True
        if self._fsync == "always":
            self.sync()

    def read(self, count: int, size: int) -> list[Item]:
        """The next items that were not acknowledged, in order; empty at the end. Raises OSError."""
        self._ends, self._end = [], (self._segment, self._offset)
        for number in sorted(self._sizes):
            if number >= self._segment:
                offset = self._offset if number == self._segment else 0
                items = self._read_segment(number, offset, count, size)
                if items:
                    return items
        return []

    def acknowledge(self, count: int) -> None:
        """The first `count` of what was read last will not be read again. Raises OSError."""
        if count >= len(self._ends):
            self.acknowledge_all()
        elif count:
            self._move(*self._ends[count - 1])

    def acknowledge_all(self) -> None:
        """Nothing of what was read last, damaged lines among it, will be read again. Raises OSError."""
        self._move(*self._end)

    def sync(self) -> None:
        if self._writing is not None and self._dirty:
            os.fsync(self._writing)
        self._dirty, self._synced_at = False, time.monotonic()

    def sync_when_due(self) -> None:
        if self._fsync == "interval" and self._dirty and time.monotonic() - self._synced_at >= _SYNC_SECONDS:
            self.sync()

    def close(self) -> None:
        """An empty folder goes away, another stays for the next process."""
        with contextlib.suppress(OSError):
            if self._fsync != "never":
                self.sync()
        self._stop_writing()
        if self.size == 0:
            shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._lock)

    def forget(self) -> None:
        """In the child of a fork: the folder is the parent's."""
        self._stop_writing()
        os.close(self._lock)

    def _read_segment(self, number: int, offset: int, count: int, size: int) -> list[Item]:
        items: list[Item] = []
        values: tuple[Value, ...] = ()
        end = offset
        with self._path(number).open("rb") as file:
            file.seek(offset)
            while len(items) < count and (not items or end - offset < size) and (line := file.readline()):
                end += len(line)
                kind, payload = _unframed(line)
                if kind == b"V":
                    values = (*values, _value(payload))
                elif kind == b"E":
                    items.append(Item(_type_of(payload), payload, values))
                    values = ()
                    self._ends.append((number, end))
                else:
                    self._stats.add("spool_damaged_lines")
        self._end = (number, end)
        return items

    def _move(self, segment: int, offset: int) -> None:
        """Puts the cursor there, and deletes what lies wholly before it."""
        self._segment, self._offset = segment, offset
        for number, size in list(self._sizes.items()):
            if number < segment or (number == segment and offset >= size):
                if number == max(self._sizes):
                    self._stop_writing()
                self._path(number).unlink(missing_ok=True)
                del self._sizes[number]
        if segment not in self._sizes:
            self._segment, self._offset = segment + 1, 0
        self._keep_cursor()

    def _begin(self, number: int) -> int:
        self._stop_writing()
        self._writing = os.open(self._path(number), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._sizes[number] = 0
        return number

    def _write(self, number: int, data: bytes) -> None:
        assert self._writing is not None
        written = 0
        try:
            written = os.write(self._writing, data)
        finally:
            if written < len(data):
                # Half a batch is none: what is torn here would be told as damage.
                with contextlib.suppress(OSError):
                    os.ftruncate(self._writing, self._sizes[number])
        if written < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _stop_writing(self) -> None:
        if self._writing is not None:
            os.close(self._writing)
            self._writing, self._dirty = None, False

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:08}.log"

    def _cursor(self) -> tuple[int, int]:
        first = min(self._sizes, default=1)
        try:
            segment, offset = map(int, (self.folder / "cursor").read_text().split())
        except (OSError, ValueError):
            return first, 0
        return (segment, offset) if segment in self._sizes else (first, 0)

    def _keep_cursor(self) -> None:
        unfinished = self.folder / "cursor.unfinished"
        # Without it events are sent again, which costs time and nothing else.
        with contextlib.suppress(OSError):
            unfinished.write_text(f"{self._segment} {self._offset}")
            unfinished.replace(self.folder / "cursor")


def open_spool(root: Path, stats: Stats, *, segment_bytes: int, fsync: Fsync) -> Spool:
    """A new one for this process. Raises OSError, also where folders cannot be locked."""
    if fcntl is None:
        raise OSError(errno.ENOTSUP, "this system has no locks that end with their process")
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = uuid4().hex
    unfinished = root / f"{name}.unfinished"
    unfinished.mkdir(mode=0o700)
    lock = _locked(unfinished)
    assert lock is not None
    # Under its name only once it is locked, so that nobody takes it for a dead process's.
    folder = unfinished.rename(root / (name + _SUFFIX))
    return Spool(folder, lock, stats, segment_bytes=segment_bytes, fsync=fsync)


def orphans(root: Path, stats: Stats, *, segment_bytes: int, fsync: Fsync) -> list[Spool]:
    """What processes left that are no more, the oldest first; locked for this one now."""
    found: list[Spool] = []
    if fcntl is None:
        return found
    for folder in sorted(root.glob("*" + _SUFFIX), key=_age):
        with contextlib.suppress(OSError):
            lock = _locked(folder)
            if lock is not None:
                found.append(Spool(folder, lock, stats, segment_bytes=segment_bytes, fsync=fsync))
    return found


def _age(folder: Path) -> float:
    with contextlib.suppress(OSError):
        return folder.stat().st_ctime
    return 0.0


def _locked(folder: Path) -> int | None:
    """None when a living process has it. Raises OSError when it is no more."""
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _frames(item: Item) -> bytes:
    values = (
        _framed(b"V", value.name.encode() + b" " + base64.b64encode(value.data)) for value in item.values
    )
    return b"".join((*values, _framed(b"E", item.line)))


def _framed(kind: bytes, payload: bytes) -> bytes:
    return b"%b %08x %b\n" % (kind, zlib.crc32(payload), payload)


def _unframed(line: bytes) -> tuple[bytes, bytes]:
    """Kind and payload; the kind is empty when the line is torn or damaged."""
    kind, crc, payload = line[:1], line[2:10], line[11:-1]
    whole = line.endswith(b"\n") and crc == b"%08x" % zlib.crc32(payload)
    return (kind, payload) if whole else (b"", b"")


def _value(payload: bytes) -> Value:
    name, data = payload.split(b" ", 1)
    return Value(name.decode(), base64.b64decode(data))


def _type_of(line: bytes) -> str:
    return str(json.loads(line).get("event_type"))
