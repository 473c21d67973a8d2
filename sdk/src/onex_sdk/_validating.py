"""The stage that judges events before they are sent, with the version that the server will judge them by.

`emit` never waits for the network: a type whose schema is not here yet goes on unjudged, and the sending thread
fetches the schema for the next one. `Client.prepare` fetches schemas before the first event.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from typing import Any

from onex_sdk._client import RegistryClient
from onex_sdk._dead_letters import DeadLetters
from onex_sdk._errors import NotFound, RegistryError
from onex_sdk._events import EventProblem
from onex_sdk._serialise import plain
from onex_sdk._stats import Stats
from onex_sdk._validation import Validator, Violation

_log = logging.getLogger("onex_sdk")
_Key = tuple[str, str | None]
#: Types and versions beyond so many are not judged here.
_MAX_KNOWN = 1_000
_COMPLAINT_SECONDS = 60.0


class Validation:
    """`judge` is the stage. Safe to use from every thread."""

    def __init__(
        self,
        registry: RegistryClient,
        stats: Stats,
        dead_letters: DeadLetters,
        *,
        strict: bool,
        ttl: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry = registry
        self._stats = stats
        self._dead_letters = dead_letters
        self._strict = strict
        self._ttl = ttl
        self._clock = clock
        #: None where the registry has nothing to judge by.
        self._known: dict[_Key, Validator | None] = {}
        self._wanted: set[_Key] = set()
        self._asked_at = clock()
        self._complained: dict[str, float] = {}

    def judge(self, event: dict[str, Any]) -> bool:
        """Whether the event goes on."""
        key = (event["event_type"], event.get("schema_version"))
        validator = self._known.get(key)
        if validator is None:
            return self._unjudged(key)
        found = _violations(validator, event)
        return True if not found else self._violated(event, found)

    def prepare(self, event_type: str, schema_version: str | None = None) -> bool:
        """Fetches what judges these events; False when the registry is away or has no such type."""
        key = (event_type, schema_version)
        self._fetch(key)
        return self._known.get(key) is not None

    def keep_up(self) -> None:
        """Fetches what was missed, and again what may have changed; for the sending thread while the server is there."""
        if self._clock() - self._asked_at >= self._ttl:
            self._asked_at = self._clock()
            self._wanted |= self._known.keys()
        while self._wanted:
            self._fetch(self._wanted.pop())

    def _unjudged(self, key: _Key) -> bool:
        self._stats.add("unjudged")
        if key not in self._known and len(self._known) < _MAX_KNOWN:
            self._wanted.add(key)
        return True

    def _fetch(self, key: _Key) -> None:
        try:
            self._known[key] = self._registry.validator_of_events(*key)
        except NotFound:
            self._known[key] = None
        except RegistryError as error:
            # What is known goes on being used.
            self._stats.add("schemas_failed")
            _log.warning("The schema of %s was not fetched: %s", key[0], error)

    def _violated(self, event: dict[str, Any], found: list[Violation]) -> bool:
        event_type = event["event_type"]
        self._complain(event_type, found[0])
        if not self._strict:
            self._stats.add("warned_invalid")
            return True
        self._stats.settle("dropped_invalid", event_type)
        problems = [
            EventProblem("violates_schema", "/metadata" + one.pointer, one.keyword, one.message)
            for one in found
        ]
        self._dead_letters.put(json.dumps(plain(event)).encode(), "it violates its schema", problems)
        return False

    def _complain(self, event_type: str, violation: Violation) -> None:
        now = self._clock()
        if now - self._complained.get(event_type, -_COMPLAINT_SECONDS) >= _COMPLAINT_SECONDS:
            self._complained[event_type] = now
            _log.warning(
                "%s violates its schema: /metadata%s %s", event_type, violation.pointer, violation.message
            )


def _violations(validator: Validator, event: dict[str, Any]) -> list[Violation]:
    try:
        return validator.violations(event["metadata"])
    except (TypeError, ValueError, OverflowError, RecursionError):
        # A value that JSON does not know: judged as it will be written, and written so.
        event["metadata"] = plain(event["metadata"])
        return validator.violations(event["metadata"])
