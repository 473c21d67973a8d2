"""Counterexamples. One that was not verified cannot exist."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from compat.documents import Documents
from compat.errors import UnverifiedWitness
from compat.rewrite import Rewritten
from compat.second_opinion import python_validator
from compat.validation import Validator, Violation, rust_validator

_CANNOT_JUDGE = (ValueError, TypeError, ArithmeticError, RecursionError)


@dataclass(frozen=True)
class Contest:
    """What a witness has to show: the writer's schema accepts it, the reader's refuses it, by two validators each.

    `restriction` narrows the writer further (the declared world); it is 2020-12 whatever the writer's dialect is.
    """

    writer: Documents
    reader: Documents
    restriction: Documents | None = None
    #: Whether the validators assert `format`.
    formats: bool = False
    _won: list[Any] = field(default_factory=list, repr=False)

    @property
    def _sides(self) -> list[Documents]:
        """What has to accept a witness, and last what has to refuse it."""
        return [each for each in (self.writer, self.restriction, self.reader) if each is not None]

    @cached_property
    def _fast(self) -> tuple[list[Validator], Validator]:
        *accepting, refusing = (rust_validator(d, formats=self.formats) for d in self._sides)
        return accepting, refusing

    @cached_property
    def _second(self) -> tuple[list[Any], Any]:
        *accepting, refusing = (python_validator(d, formats=self.formats) for d in self._sides)
        return accepting, refusing

    def looks_won(self, instance: Any) -> bool:
        """By the fast validator alone. A validator that cannot judge an instance does not confirm it."""
        try:
            accepting, refusing = self._fast
            return all(v.is_valid(instance) for v in accepting) and not refusing.is_valid(instance)
        except _CANNOT_JUDGE:
            return False

    def won(self, instance: Any) -> bool:
        """By both validators."""
        if not any(instance is known for known in self._won):
            if not self._confirmed(instance):
                return False
            self._won.append(instance)
        return True

    def _confirmed(self, instance: Any) -> bool:
        try:
            if not self.looks_won(instance):
                return False
            accepting, refusing = self._second
            return not refusing.is_valid(instance) and all(v.is_valid(instance) for v in accepting)
        except _CANNOT_JUDGE:
            return False

    def refusal(self, instance: Any) -> tuple[list[Violation], list[Violation]]:
        """What the reader refuses; and that with its causes inside of branches."""
        return self._fast[1].causes(instance)


@dataclass(frozen=True, init=False)
class Witness:
    """An instance that the writer's schema accepts and the reader's refuses; made only by verifying it."""

    instance: Any
    #: What the reader's schema refuses about it.
    errors: tuple[Violation, ...]
    #: The same, with what is refused inside the branch that was meant.
    causes: tuple[Violation, ...]

    def __init__(self, instance: Any, contest: Contest) -> None:
        """Raises UnverifiedWitness unless both validators agree on both sides."""
        if not contest.won(instance):
            raise UnverifiedWitness(repr(instance)[:200])
        object.__setattr__(self, "instance", instance)
        errors, causes = contest.refusal(instance)
        object.__setattr__(self, "errors", tuple(errors))
        object.__setattr__(self, "causes", tuple(causes))

    def as_dict(self) -> dict[str, Any]:
        return {"instance": self.instance, "errors": [error.as_dict() for error in self.errors]}


def restricted(schema: Rewritten) -> Documents:
    """A normal-form schema as a document that validators can compile."""
    from compat.dialects import D2020

    return Documents(schema.document(), D2020, {})
