"""Which versions of its subject an event fits, for events that do not say: each with its reason, the likeliest first."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from jsonpointer import JsonPointer, JsonPointerException
from semver import Version as SemVer

from access.actor import Actor
from compat import Validator, Violation
from events import judging
from events.envelope import Envelope, Limits, Unacceptable, read_event
from events.errors import UnreadableEvent
from events.scan import Piece, depth_of
from registry.errors import SubjectNotFound
from registry.lookup import find_subject, versions_of


@dataclass(frozen=True, slots=True)
class Candidate:
    """One live version of the subject, and how an event fits it."""

    semver: SemVer
    number: int
    accepts: bool
    # Whether the event names it, or would be judged by it as it is.
    named: bool
    judges: bool
    # Members of `metadata` that its schema declares, and those that it does not.
    declared: int
    undeclared: tuple[str, ...]
    first: Violation | None

    def as_dict(self) -> dict[str, Any]:
        return {
            "semver": str(self.semver),
            "version": self.number,
            "accepts": self.accepts,
            "judges": self.judges,
            "declared": self.declared,
            "undeclared": list(self.undeclared),
            "reason": self.reason,
        }

    @property
    def reason(self) -> str:
        if self.first is not None:
            return f"Refused at /metadata{self.first.pointer}: {self.first.message[:300]}"
        named = "the event names it; " if self.named else ""
        if self.undeclared:
            others = ", ".join(self.undeclared[:5])
            return f"Accepted; {named}{self.declared} members are declared, not declared are {others}"
        return f"Accepted; {named}all {self.declared} members are declared"

    @property
    def rank(self) -> tuple[Any, ...]:
        """What it accepts, what is named, what explains most of the event; then what would judge it, then the oldest."""
        return (
            not self.accepts,
            not self.named,
            len(self.undeclared),
            -self.declared,
            not self.judges,
            self.semver,
        )


@dataclass(frozen=True, slots=True)
class Detected:
    """The versions of one subject, the likeliest first."""

    event_type: str
    named: str
    judged_by: str
    candidates: tuple[Candidate, ...]

    @property
    def likeliest(self) -> Candidate | None:
        return next((found for found in self.candidates if found.accepts), None)

    def as_dict(self) -> dict[str, Any]:
        likeliest = self.likeliest
        return {
            "event_type": self.event_type,
            "schema_version": self.named or None,
            "judged_by": self.judged_by or None,
            "likeliest": str(likeliest.semver) if likeliest else None,
            "candidates": [candidate.as_dict() for candidate in self.candidates],
        }


def detect_version(*, actor: Actor, raw: bytes) -> Detected:
    """Holds one event against every live version of its subject. Nothing is stored.

    `judged_by` is the version that would judge it if it was sent so. Raises Forbidden without `read` on its type,
    UnreadableEvent, SubjectNotFound.
    """
    event = _read(raw)
    actor.require("read", event.event_type)
    subject = find_subject(event.event_type)
    rulings = judging.current_catalogue().rulings_for({event.event_type})
    judge = rulings.of(event.event_type, event.schema_version)
    found = []
    for semver, number in versions_of(subject).values_list("semver", "number"):
        validator = rulings.of(event.event_type, semver).validator
        if validator is not None:
            found.append(_candidate(event, (SemVer.parse(semver), number), validator, judge.label))
    return Detected(
        event.event_type,
        event.schema_version,
        judge.label,
        tuple(sorted(found, key=lambda candidate: candidate.rank)),
    )


def _read(raw: bytes) -> Envelope:
    try:
        event = read_event(Piece(raw, depth_of(raw)), now=timezone.now(), limits=Limits.of_settings())
    except Unacceptable as refused:
        raise UnreadableEvent(refused.message, reason=refused.code) from refused
    if not event.event_type:
        raise SubjectNotFound("")
    return event


def _candidate(
    event: Envelope, version: tuple[SemVer, int], validator: Validator, judged_by: str
) -> Candidate:
    metadata = event.document.get("metadata")
    value: Any = {} if metadata is None else metadata
    members = list(value) if isinstance(value, dict) else []
    declared = _declared(validator.schema)
    first = None if validator.is_valid(value) else validator.errors(value)[0]
    return Candidate(
        *version,
        accepts=first is None,
        named=event.schema_version == str(version[0]),
        judges=judged_by == str(version[0]),
        declared=sum(name in declared for name in members),
        undeclared=tuple(name for name in members if name not in declared),
        first=first,
    )


def _declared(schema: Any) -> set[str]:
    """Members that the schema names for the whole of `metadata`: itself, and what it is put together from in its own text."""
    found: set[str] = set()
    waiting, seen = [schema], set()
    while waiting:
        part = waiting.pop()
        if not isinstance(part, Mapping) or id(part) in seen:
            continue
        seen.add(id(part))
        properties = part.get("properties")
        found |= set(properties) if isinstance(properties, Mapping) else set()
        for keyword in ("allOf", "anyOf", "oneOf"):
            waiting += part[keyword] if isinstance(part.get(keyword), list) else []
        reference = part.get("$ref")
        if isinstance(reference, str) and reference.startswith("#/"):
            waiting.append(_at(schema, reference[1:]))
    return found


def _at(schema: Any, pointer: str) -> Any:
    try:
        return JsonPointer(pointer).resolve(schema, None)
    except JsonPointerException:
        return None
