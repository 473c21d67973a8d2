"""The documents read last, so that a schema that is asked about again is not read, checked and rewritten again."""

from __future__ import annotations

import marshal
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from compat.documents import Documents
from compat.values import SPELLED_OUT

#: Bytes of schemas; what is derived from one takes some 60 bytes for each.
ROOM = 1_500_000


@dataclass
class Recent:
    """Documents by what they say. Holds copies of its own, which no caller can change afterwards."""

    room: int = ROOM
    _held: OrderedDict[tuple[bytes, ...], tuple[Documents, int]] = field(default_factory=OrderedDict)
    _size: int = 0
    _lock: Lock = field(default_factory=Lock)

    def read(self, parts: tuple[Any, ...], read: Callable[[tuple[Any, ...]], Documents]) -> Documents:
        """`read(parts)`, or what it gave for the same parts before. What is too large or no JSON is not kept."""
        try:
            key = tuple(marshal.dumps(part, SPELLED_OUT) for part in parts)
        except ValueError:
            return read(parts)
        size = sum(map(len, key))
        if size > self.room:
            return read(parts)
        with self._lock:
            if key in self._held:
                self._held.move_to_end(key)
                return self._held[key][0]
        documents = read(tuple(marshal.loads(part) for part in key))  # noqa: S302 -- made above
        with self._lock:
            self._keep(key, documents, size)
        return documents

    def _keep(self, key: tuple[bytes, ...], documents: Documents, size: int) -> None:
        if key in self._held:
            return
        self._held[key] = (documents, size)
        self._size += size
        while self._size > self.room:
            self._size -= self._held.popitem(last=False)[1][1]
