"""What the registry would say against an event, before it is sent: off, warn, or strict."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from onex_sdk._dead_letters import DeadLetters
from onex_sdk._events import EventProblem
from onex_sdk._rulings import ENVELOPE, Reason, Ruling, Rulings
from onex_sdk._serialise import serialise
from onex_sdk._stats import Stats
from onex_sdk._validation import Validator

#: As many as the registry tells of one event, and as long.
MAX_PROBLEMS = 50
_LONGEST_MESSAGE = 500
#: Of the events of one type, one complaint is logged in so many seconds; all are counted.
_COMPLAINT_SECONDS = 60.0
_MOST_COMPLAINED = 1_000

# What is converted is counted where it is written to be sent.
_UNCOUNTED = Stats()

_log = logging.getLogger("onex_sdk")


@dataclass(frozen=True)
class Judgement:
    """`problems` is what the registry would say too. With a `reason`, the event was not judged here."""

    problems: tuple[EventProblem, ...] = ()
    reason: Reason | Literal["not_known_yet"] = ""


_VALID = Judgement()


class Judge:
    """A client's stage `judge`. Waits for nothing: what it cannot judge goes on, counted as `unjudged`."""

    def __init__(
        self,
        rulings: Rulings,
        stats: Stats,
        dead_letters: DeadLetters,
        *,
        strict: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rulings = rulings
        self._stats = stats
        self._dead_letters = dead_letters
        self._strict = strict
        self._clock = clock
        self._complained: dict[str, float] = {}

    def __call__(self, event: dict[str, Any]) -> bool:
        """Whether the event goes on."""
        judgement = self.judge(event)
        if judgement.reason:
            self._stats.add("unjudged")
        if not judgement.problems:
            return True
        event_type = str(event["event_type"])
        self._complain(event_type, judgement.problems)
        if not self._strict:
            self._stats.add("warned_invalid")
            return True
        self._stats.settle("dropped_invalid", event_type)
        self._dead_letters.put(serialise(event, self._stats), "it violates its schema", judgement.problems)
        return False

    def judge(self, event: Mapping[str, Any]) -> Judgement:
        """By the schemas that are known now, in the order in which the registry tells it."""
        sent = event.get("schema_version")
        label = sent if isinstance(sent, str) else ""
        ruling = self._rulings.of(str(event.get("event_type")), label)
        if ruling is None:
            return Judgement(reason="not_known_yet")
        if ruling.validator is None:
            return Judgement(reason=ruling.reason)
        event = as_it_travels(event)
        # null and absent mean the same to producers of the original envelope.
        metadata = {} if (sent := event.get("metadata")) is None else sent
        problems = [
            *self._of_envelope(event, label),
            *_problems(ruling.validator, metadata, "violates_schema", "/metadata"),
        ]
        return Judgement(tuple(problems[:MAX_PROBLEMS])) if problems else _VALID

    def _of_envelope(self, event: Mapping[str, Any], label: str) -> list[EventProblem]:
        ruling: Ruling | None = self._rulings.of(ENVELOPE, label)
        if ruling is not None and ruling.reason == "unknown_schema_version":
            ruling = self._rulings.of(ENVELOPE, "latest")
        if ruling is None or ruling.validator is None:
            return []
        return _problems(ruling.validator, event, "violates_envelope", "")

    def _complain(self, event_type: str, problems: tuple[EventProblem, ...]) -> None:
        now = self._clock()
        if now - self._complained.get(event_type, -_COMPLAINT_SECONDS) < _COMPLAINT_SECONDS:
            return
        if len(self._complained) < _MOST_COMPLAINED:
            self._complained[event_type] = now
        first, done = problems[0], "was not sent" if self._strict else "is not valid"
        more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
        _log.warning("An event of type %s %s: %s %s%s", event_type, done, first.pointer, first.message, more)


def as_it_travels(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """The event as JSON has it: what is not JSON's own is judged as what is sent in its place."""
    if _is_plain(event):
        return event
    travelling: dict[str, Any] = json.loads(serialise(dict(event), _UNCOUNTED))
    return travelling


def _is_plain(value: Any, depth: int = 64) -> bool:
    kind = type(value)
    if kind is str or value is None or kind is int or kind is bool or kind is float:
        return True
    if depth == 0:
        return False
    if kind is dict:
        for key, item in value.items():
            if type(key) is not str or not (type(item) is str or _is_plain(item, depth - 1)):
                return False
        return True
    return kind is list and all(_is_plain(item, depth - 1) for item in value)


def _problems(validator: Validator, instance: Any, code: str, prefix: str) -> list[EventProblem]:
    return [
        EventProblem(
            code="violates_taxonomy" if violation.keyword == "x-taxonomy" else code,
            pointer=prefix + violation.pointer,
            keyword=violation.keyword,
            message=_shortened(violation.message),
        )
        for violation in validator.violations(instance)[:MAX_PROBLEMS]
    ]


def _shortened(message: str) -> str:
    return message if len(message) <= _LONGEST_MESSAGE else f"{message[:_LONGEST_MESSAGE]}…"
