"""Keeps events within what the server takes, by moving large values out of them where there is a store."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from onex_sdk._dead_letters import DeadLetters
from onex_sdk._options import Options
from onex_sdk._queue import Item
from onex_sdk._serialise import serialise
from onex_sdk._stats import Stats
from onex_sdk._stores import FileStore, Value, ValueStore

#: A value is worth a place of its own from this share of the limit on.
_WORTH_MOVING = 4
_STRINGS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"')
_BRACKETS = re.compile(rb"[\[\]{}]")


class Sizes:
    """`fit` is the stage: most events are measured by two comparisons and pass."""

    def __init__(
        self, options: Options, stats: Stats, dead_letters: DeadLetters, store: ValueStore | None
    ) -> None:
        self._options = options
        self._stats = stats
        self._dead_letters = dead_letters
        self._store = store
        self._watched = min(options.warn_event_bytes, options.max_event_bytes)
        if store is not None:
            self._watched = min(self._watched, options.reference_bytes)
        self._shallow = min(options.warn_depth, options.max_depth)

    def fit(self, event: dict[str, Any], line: bytes) -> Item | None:
        """The event as it may travel, or None when it may not and was counted. Raises OSError of a store on disk."""
        # No event is deeper than it has brackets.
        if len(line) <= self._watched and line.count(b"{") + line.count(b"[") <= self._shallow:
            return Item(event["event_type"], line)
        return self._fit(event, line)

    def _fit(self, event: dict[str, Any], line: bytes) -> Item | None:
        options = self._options
        values: tuple[Value, ...] = ()
        if self._store is not None and len(line) > options.reference_bytes:
            event, values = self._by_reference(self._store, event)
            line = serialise(event, self._stats)
        # What is too large is not looked into.
        depth = depth_of(line) if len(line) <= options.max_event_bytes else 0
        refusal = self._refusal(len(line), depth)
        if refusal is not None:
            self._stats.settle(refusal[0], event["event_type"])
            self._dead_letters.put(line, refusal[1])
            return None
        if len(line) > options.warn_event_bytes:
            self._stats.add("warned_large")
        if depth > options.warn_depth:
            self._stats.add("warned_deep")
        return Item(event["event_type"], line, values)

    def _refusal(self, size: int, depth: int) -> tuple[str, str] | None:
        """How the event is counted and why, if it is beyond a limit."""
        if depth > self._options.max_depth:
            return "dropped_too_deep", f"{depth} levels deep; {self._options.max_depth} are allowed"
        if size > self._options.max_event_bytes:
            return "dropped_too_large", f"{size} bytes; {self._options.max_event_bytes} are allowed"
        return None

    def _by_reference(
        self, store: ValueStore, event: dict[str, Any]
    ) -> tuple[dict[str, Any], tuple[Value, ...]]:
        metadata = event.get("metadata")
        if not isinstance(metadata, Mapping):
            return event, ()
        limit = self._options.reference_bytes // _WORTH_MOVING
        members, moved = dict(metadata), []
        for name, member in members.items():
            data = serialise(member, self._stats)
            if len(data) > limit:
                value = Value(f"{hashlib.sha256(data).hexdigest()}.json", data)
                members[name] = _reference(value, store)
                moved.append(value)
        event = {**event, "metadata": members}
        self._stats.add("by_reference", len(moved))
        if not isinstance(store, FileStore):
            return event, tuple(moved)
        for value in moved:
            store.put(value.name, value.data)
        return event, ()


def _reference(value: Value, store: ValueStore) -> dict[str, Any]:
    return {
        "data_size": len(value.data),
        "data_checksum": f"sha256:{value.name.removesuffix('.json')}",
        "data_location": store.location(value.name),
    }


def depth_of(line: bytes) -> int:
    """How deep the JSON is nested; a bare object is 1."""
    depth = deepest = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub(b"", line)):
        depth += 1 if bracket in b"{[" else -1
        deepest = max(deepest, depth)
    return deepest
