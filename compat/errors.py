"""What can go wrong, by what the caller can do about it.

CompatError
├── SchemaError          the schema text has to be mended: says where and why
├── UnverifiedWitness    a claimed counterexample did not hold: our defect, never shown as a verdict
└── Exhausted            no answer along one way of searching; others may still find one
    └── OutOfSteps       the budget of the whole question ran out: answered as "undecided"
"""

from __future__ import annotations

from dataclasses import dataclass


class CompatError(Exception):
    """Base of everything this package raises."""


@dataclass(unsafe_hash=True)
class SchemaError(CompatError):
    """The given schema is not a schema we can read. `pointer` is the JSON Pointer of the offending place."""

    pointer: str
    message: str
    reason: str = "invalid"

    def __str__(self) -> str:
        return f"{self.message} (at {self.pointer or 'the root'})"


class UnverifiedWitness(CompatError):
    """An instance was offered as a witness and at least one validator disagreed."""


@dataclass(unsafe_hash=True)
class Exhausted(CompatError):
    """A search ended without an answer; `reason` says which limit or which gap in our means ended it."""

    reason: str

    def __str__(self) -> str:
        return self.reason


class OutOfSteps(Exhausted):
    """The whole question's budget is spent; no further way of searching is tried."""
