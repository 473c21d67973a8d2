"""Does a migration do what it is for? Tried on generated instances of its source, and on what the layers above hold.

settings.MIGRATION_WITNESSES names functions `(trial) -> Tried`, read-only and bounded in time: they know real instances.
"""

import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import jiter
from django.conf import settings
from django.db import OperationalError
from django.utils.module_loading import import_string

from compat import Validator, Violation
from compat.instances import instances
from registry.judge import only_looking
from registry.migration_steps import Program, StepFailedError
from registry.models import Content, Version
from registry.references import store_of
from registry.taxonomy_bindings import Bound, bound_validator, editions_of

Direction = Literal["up", "down"]
GENERATED = "generated instances"
#: Instances that are shown before and after.
_SHOWN = 3
_MOST_GENERATED = 200
_MOST_MESSAGE = 300


@dataclass(frozen=True, slots=True)
class Failure:
    """One instance that a migration does not bring to its target."""

    instance: str
    pointer: str
    message: str
    hint: str
    before: Any
    # None when a step failed.
    after: Any = None

    def as_dict(self, *, shown: bool) -> dict[str, Any]:
        told = {
            "instance": self.instance,
            "pointer": self.pointer,
            "message": self.message,
            "hint": self.hint,
        }
        return {**told, "before": self.before, "after": self.after} if shown else told


@dataclass(frozen=True, slots=True)
class Sample:
    """One instance before and after."""

    instance: str
    before: Any
    after: Any


@dataclass(slots=True)
class Tried:
    """What a migration was tried on, and how that went: the first failure, and how many."""

    what: str
    direction: Direction = "up"
    tried: int = 0
    failed: int = 0
    finished: bool = True
    failure: Failure | None = None
    samples: list[Sample] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Without the instances themselves."""
        return {
            "direction": self.direction,
            "what": self.what,
            "tried": self.tried,
            "failed": self.failed,
            "finished": self.finished,
        }

    @property
    def sentence(self) -> str:
        """How many were looked at, in words."""
        more = "" if self.finished else " (there are more, for which there was no time or room)"
        return f"{self.tried:,} {self.what}{more}, {self.failed:,} of them refused"


@dataclass(frozen=True, slots=True)
class Trial:
    """What a witness is asked about."""

    direction: Direction
    source: Version
    target: Version
    program: Program
    # Of the target, as events are judged by it.
    validator: Validator
    # time.monotonic() after which a witness gives back what it has.
    deadline: float

    def note(self, tried: Tried, instance: str, before: Any) -> None:
        """Tries one instance, and counts it."""
        tried.tried += 1
        outcome = self._outcome(instance, before)
        if isinstance(outcome, Failure):
            tried.failed += 1
            tried.failure = tried.failure or outcome
        elif len(tried.samples) < _SHOWN:
            tried.samples.append(outcome)

    def _outcome(self, instance: str, before: Any) -> Sample | Failure:
        try:
            after = self.program(before)
        except StepFailedError as failed:
            hint = "Change the step, or put one before it that makes room."
            return Failure(instance, failed.pointer, failed.sentence, hint, before)
        if self.validator.is_valid(after):
            return Sample(instance, before, after)
        first = self.validator.errors(after)[0]
        message = first.message[:_MOST_MESSAGE]
        return Failure(instance, first.pointer, message, hint_for(first), before, after)


def hint_for(violation: Violation) -> str:
    """What to do about a result that the target refuses."""
    place = violation.pointer or "/"
    match violation.keyword:
        case "required":
            named = re.search(r'"([^"]+)"', violation.message)
            what = f"{violation.pointer}/{named[1]}" if named else place
            return f"Fill {what}: a step 'default', 'rename' or 'move' does."
        case "additionalProperties" | "unevaluatedProperties":
            return f"Take what is not declared out of {place}: a step 'remove', 'rename' or 'move' does."
        case "type" | "enum" | "const" | "format" | "pattern":
            return f'Convert {place}: a step \'expression\' with "at": "{violation.pointer}" does.'
        case _:
            return f"Add a step that changes {place}."


def try_out(direction: Direction, source: Version, target: Version, program: Program) -> list[Tried]:
    """On what each witness holds, which is real and told first, and on generated instances."""
    deadline = time.monotonic() + settings.MIGRATION_WITNESS_SECONDS
    trial = Trial(direction, source, target, program, validator_of(target), deadline)
    generated = _generated(trial)
    return [*_witnessed(trial), generated]


def _generated(trial: Trial) -> Tried:
    tried = Tried(GENERATED, trial.direction)
    for number, value in enumerate(_instances_of(trial.source), 1):
        if time.monotonic() > trial.deadline:
            tried.finished = False
            break
        trial.note(tried, f"generated instance {number}", value)
    return tried


def _instances_of(version: Version) -> Iterable[Any]:
    content = version.content
    schema = jiter.from_json(content.text.encode())
    accepts = validator_of(version)
    made = instances(schema, dialect=content.dialect, store=store_of(content), most=_MOST_GENERATED)
    return (value for value in made if accepts.is_valid(value))


def _witnessed(trial: Trial) -> Iterator[Tried]:
    for name in settings.MIGRATION_WITNESSES:
        left = max(1, int((trial.deadline - time.monotonic()) * 1000))
        try:
            with only_looking(left):
                yield import_string(name)(trial)
        except OperationalError as late:
            if "statement timeout" not in str(late):
                raise
            yield Tried(name.rpartition(".")[2].replace("_", " "), trial.direction, finished=False)


def validator_of(version: Version) -> Validator:
    """As events of this version are judged."""
    content: Content = version.content
    bindings = [Bound.of(stored) for stored in content.bindings]
    return bound_validator(
        jiter.from_json(content.text.encode()),
        dialect=content.dialect,
        store=store_of(content),
        formats=version.subject.assert_formats,
        editions=editions_of(bindings),
    )
