"""What the server says about each event that was sent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from onex_sdk._errors import BadAnswer, UnsendableEvent

#: Statuses of an event that is in the store now, whether or not it was before.
KEPT = frozenset({"stored", "stored_with_violations", "duplicate"})


@dataclass(frozen=True)
class EventProblem:
    """One thing the server has to say against an event. `pointer` is a JSON Pointer into it."""

    code: str
    pointer: str
    keyword: str
    message: str


@dataclass(frozen=True)
class EventResult:
    """The fate of the event at `index`: stored, stored_with_violations, duplicate, conflict, quarantined or rejected."""

    index: int
    event_id: str | None
    status: str
    schema_version: str | None
    errors: tuple[EventProblem, ...] = ()

    @property
    def kept(self) -> bool:
        """Whether the event is among the stored events now."""
        return self.status in KEPT


@dataclass(frozen=True)
class SendResult:
    """One result per event, in the order they were given; all that is not rejected is committed."""

    results: tuple[EventResult, ...]
    counts: Mapping[str, int]

    @property
    def not_kept(self) -> tuple[EventResult, ...]:
        """Events that are not among the stored ones: quarantined, in conflict, or rejected."""
        return tuple(result for result in self.results if not result.kept)

    @property
    def with_problems(self) -> tuple[EventResult, ...]:
        """Events that the server had something to say against."""
        return tuple(result for result in self.results if result.errors)


def body_of(events: Iterable[Mapping[str, Any]]) -> bytes:
    """The request's body. Raises UnsendableEvent for what JSON cannot hold, such as NaN or a datetime."""
    return b"[" + b",".join(_line(index, event) for index, event in enumerate(events)) + b"]"


def _line(index: int, event: Mapping[str, Any]) -> bytes:
    if not isinstance(event, Mapping):
        raise UnsendableEvent(f"Event {index} is a {type(event).__name__}, not an object.", index=index)
    try:
        text = json.dumps(dict(event), allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        return text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise UnsendableEvent(f"Event {index} cannot be written as JSON: {error}", index=index) from error


def result_of(answer: Any) -> SendResult:
    """Raises BadAnswer when the answer does not hold results."""
    try:
        results = tuple(_result(item) for item in answer["results"])
        return SendResult(results, dict(answer["counts"]))
    except (KeyError, TypeError, ValueError) as error:
        raise BadAnswer("The server's answer holds no results per event.") from error


def _result(item: Mapping[str, Any]) -> EventResult:
    return EventResult(
        index=int(item["index"]),
        event_id=item.get("event_id"),
        status=str(item["status"]),
        schema_version=item.get("schema_version"),
        errors=tuple(_problem(error) for error in item.get("errors") or ()),
    )


def _problem(error: Mapping[str, Any]) -> EventProblem:
    names = ("code", "pointer", "keyword", "message")
    return EventProblem(*(str(error.get(name) or "") for name in names))
