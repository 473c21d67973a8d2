"""The stage of a client that encrypts. It asks nobody: what it does not know yet the sending thread finds out, and events wait for it.

What waits is in the clear, so it waits in memory only, no more of it than the queue may hold; what still waits at the end of the
process is lost, and counted. What was known once goes on while the registry does not answer; as soon as it does, a key that was
revoked is replaced.
"""

from __future__ import annotations

import json
import logging
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import RLock
from typing import Any

from onex_sdk._encryption import Encryptor, Prepared
from onex_sdk._errors import Refused, RegistryError
from onex_sdk._keys import KeyGone
from onex_sdk._options import Options
from onex_sdk._pipeline import HELD, Event, Held
from onex_sdk._sensitive import Unresolved
from onex_sdk._serialise import serialise
from onex_sdk._stats import Stats

_log = logging.getLogger("onex_sdk")
#: Seconds for which a registry that did not answer is not asked again.
_PAUSE = 5.0
# Event types come from the host; a flood of invented ones must not fill its memory.
_MOST_KNOWN = 4_096

#: Event type and the version that it says it has.
Kind = tuple[str, str]


@dataclass
class _Known:
    """How events of a kind are encrypted; None for what cannot be, and `problem` says why."""

    how: Prepared | None
    asked_at: float
    problem: str = ""


@dataclass(frozen=True)
class _Waiting:
    kind: Kind
    # As JSON: the host may change what it gave meanwhile.
    event: bytes


class Encrypting:
    """Of a client. `encrypt` is for every thread, `keep_up` for the sending one."""

    def __init__(
        self,
        encryptor: Encryptor,
        options: Options,
        stats: Stats,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._encryptor = encryptor
        self._options = options
        self._stats = stats
        self._clock = clock
        # Reentrant: a signal handler that emits may interrupt an `emit`.
        self._lock = RLock()
        self._known: dict[Kind, _Known] = {}
        self._wanted: set[Kind] = set()
        self._not_before = 0.0
        self._waiting: deque[_Waiting] = deque()
        self._kinds: Counter[Kind] = Counter()
        self._bytes = 0

    @property
    def count(self) -> int:
        """How many events wait here."""
        return len(self._waiting)

    @property
    def size(self) -> int:
        """Their bytes."""
        return self._bytes

    def encrypt(self, event: Event) -> Event | Held | None:
        """The event as it may leave; HELD for one that waits here, None for one that cannot be encrypted, and was counted."""
        kind = event["event_type"], event.get("schema_version") or "latest"
        with self._lock:
            known = self._known.get(kind)
            if known is None or self._clock() - known.asked_at > self._options.schema_ttl:
                self._want(kind)
            if known is None or self._kinds[kind]:
                return self._hold(kind, event)
        return self._done(event, known)

    def resume(self, event: Event) -> Event | None:
        """One that waited, now that it is known how."""
        return self._done(event, self._known[event["event_type"], event.get("schema_version") or "latest"])

    def prepare(self, event_type: str, version: str = "") -> bool:
        """Asks now how such events are encrypted; whether that is known."""
        kind = event_type, version or "latest"
        with self._lock:
            self._want(kind)
        self._ask()
        known = self._known.get(kind)
        return known is not None and known.how is not None

    def keep_up(self, forward: Callable[[Event], bool], has_room: Callable[[], bool]) -> None:
        """Asks the registry for what is wanted, unless it did not answer just now, and sends what waited on its way while there is room."""
        if self._clock() >= self._not_before:
            self._ask()
        while has_room():
            event = self._take_ready()
            if event is None:
                return
            forward(event)

    def take_over(self, before: Encrypting) -> None:
        """What another one was told."""
        self._known = dict(before._known)

    def give_up(self) -> int:
        """At the end: what still waits is lost, and counted."""
        with self._lock:
            lost = len(self._waiting)
            for waiting in self._waiting:
                self._stats.settle("dropped_unencrypted", waiting.kind[0])
            self._waiting.clear()
            self._kinds.clear()
            self._bytes = 0
        return lost

    def _want(self, kind: Kind) -> None:
        if len(self._wanted) < _MOST_KNOWN:
            self._wanted.add(kind)

    def _hold(self, kind: Kind, event: Event) -> Held | None:
        # What is odd about it is counted when it goes on.
        waiting = _Waiting(kind, serialise(event, Stats()))
        size = len(waiting.event)
        while self._waiting and self._options.overflow == "drop_oldest" and not self._fits(size):
            self._lose(self._waiting.popleft())
        if not self._fits(size):
            self._stats.settle("dropped_unencrypted", kind[0])
            return None
        self._waiting.append(waiting)
        self._kinds[kind] += 1
        self._bytes += size
        return HELD

    def _fits(self, size: int) -> bool:
        options = self._options
        return len(self._waiting) < options.queue_events and self._bytes + size <= options.queue_bytes

    def _lose(self, waiting: _Waiting) -> None:
        self._forget(waiting)
        self._stats.settle("dropped_unencrypted", waiting.kind[0])

    def _forget(self, waiting: _Waiting) -> None:
        self._kinds[waiting.kind] -= 1
        self._bytes -= len(waiting.event)

    def _done(self, event: Event, known: _Known) -> Event | None:
        if known.how is not None:
            try:
                return known.how.encrypt(event)
            except Unresolved as error:
                known = _Known(None, known.asked_at, str(error))
        self._stats.settle("dropped_unencrypted", event["event_type"])
        _log.warning(
            "An event of type %s was dropped, since it cannot be encrypted: %s",
            event["event_type"],
            known.problem,
        )
        return None

    def _ask(self) -> None:
        with self._lock:
            wanted = list(self._wanted)
        for kind in wanted:
            known = self._known.get(kind)
            try:
                found = _Known(self._encryptor.prepared(*kind), self._clock())
            except (KeyGone, Unresolved, Refused) as error:
                found = _Known(None, self._clock(), str(error))
            except RegistryError as error:
                self._not_before = self._clock() + _PAUSE
                if known is None:
                    _log.warning("Events of type %s wait to be encrypted: %s", kind[0], error)
                return
            with self._lock:
                if len(self._known) >= _MOST_KNOWN:
                    self._known = {}
                self._known[kind] = found
                self._wanted.discard(kind)

    def _take_ready(self) -> Event | None:
        """The oldest that waits and of which it is known by now how it is encrypted."""
        with self._lock:
            for index, waiting in enumerate(self._waiting):
                if waiting.kind in self._known:
                    del self._waiting[index]
                    self._forget(waiting)
                    event: dict[str, Any] = json.loads(waiting.event)
                    return event
        return None
