"""What the registry would say against an event, before it is sent: off, warn, or strict."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from onex_sdk._events import EventProblem
from onex_sdk._rulings import Reason, Ruling, Rulings
from onex_sdk._serialise import serialise
from onex_sdk._stats import Stats
from onex_sdk._validation import Validator

ENVELOPE = "onex.envelope"
#: As many as the registry tells of one event, and as long.
MAX_PROBLEMS = 50
_LONGEST_MESSAGE = 500
# Different complaints that are logged; the rest is only counted.
_MOST_LOGGED = 100

_log = logging.getLogger("onex_sdk")


@dataclass(frozen=True)
class Judgement:
    """`problems` is what the registry would say too. With a `reason`, the event was not judged here, wholly or in part."""

    problems: tuple[EventProblem, ...] = ()
    reason: Reason | Literal["not_known_yet"] = ""


_VALID = Judgement()


class Judge:
    """A client's stage `validate`. Waits for nothing: what it cannot judge yet goes on, counted as `unjudged`."""

    def __init__(self, rulings: Rulings, stats: Stats, *, mode: Literal["warn", "strict"]) -> None:
        self._rulings = rulings
        self._stats = stats
        self._mode = mode
        self._logged: set[tuple[str, str, str]] = set()

    def __call__(self, event: dict[str, Any]) -> bool:
        """Whether the event goes on."""
        judgement = self.judge(event)
        if judgement.reason:
            self._stats.add("unjudged")
        if not judgement.problems:
            return True
        refused = self._mode == "strict"
        self._stats.add("dropped_invalid" if refused else "invalid")
        self._tell(event, judgement.problems, "was not sent" if refused else "is not valid")
        return not refused

    def judge(self, event: Mapping[str, Any]) -> Judgement:
        """By the schemas that are known now, in the order in which the registry tells it."""
        sent = event.get("schema_version")
        label = sent if isinstance(sent, str) else ""
        ruling = self._rulings.of(str(event.get("event_type")), label)
        if ruling is None:
            return Judgement(reason="not_known_yet")
        if ruling.reason == "profile":
            return Judgement(reason="profile")
        event = as_it_travels(event)
        problems = self._of_envelope(event, label)
        if ruling.validator is not None:
            # null and absent mean the same to producers of the original envelope.
            metadata = event.get("metadata")
            problems += _problems(
                ruling.validator, {} if metadata is None else metadata, "violates_schema", "/metadata"
            )
        if not problems and not ruling.reason:
            return _VALID
        return Judgement(tuple(problems[:MAX_PROBLEMS]), ruling.reason)

    def _of_envelope(self, event: Mapping[str, Any], label: str) -> list[EventProblem]:
        ruling: Ruling | None = self._rulings.of(ENVELOPE, label)
        if ruling is not None and ruling.reason == "unknown_schema_version":
            ruling = self._rulings.of(ENVELOPE, "latest")
        if ruling is None or ruling.validator is None:
            return []
        return _problems(ruling.validator, event, "violates_envelope", "")

    def _tell(self, event: Mapping[str, Any], problems: tuple[EventProblem, ...], what: str) -> None:
        """Once per event type, place and keyword: a producer that is wrong is wrong in every event."""
        first = problems[0]
        complaint = str(event.get("event_type")), first.pointer, first.keyword
        if complaint in self._logged or len(self._logged) >= _MOST_LOGGED:
            return
        self._logged.add(complaint)
        more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
        _log.warning("An event of type %s %s: %s %s%s", complaint[0], what, first.pointer, first.message, more)


def as_it_travels(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """The event as JSON has it: what is not JSON's own is judged as what is sent in its place."""
    if _is_plain(event):
        return event
    travelling: dict[str, Any] = json.loads(serialise(dict(event)))
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
