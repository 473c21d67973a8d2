"""Confluent's two compatibility policies for JSON Schema, as tables over the kinds of change that `changes` names.

Source: `SchemaDiff` of Confluent Schema Registry (COMPATIBLE_CHANGES_STRICT and _LENIENT). They judge kinds of
change, not instances: REQUIRED_ATTRIBUTE_WITH_DEFAULT_ADDED passes although validators apply no defaults.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from compat.dialects import Schema, Store
from compat.judge import check
from compat.verdict import Change, Mode, Verdict

Policy: TypeAlias = Literal["confluent-strict", "confluent-lenient"]


def _kinds(prefix: str, suffixes: str) -> set[str]:
    return {f"{prefix}_{suffix}" for suffix in suffixes.split()}


_UPPER = ("MAX_LENGTH", "MAXIMUM", "EXCLUSIVE_MAXIMUM", "MAX_PROPERTIES", "MAX_ITEMS", "MAX_CONTAINS")
_LOWER = ("MIN_LENGTH", "MINIMUM", "EXCLUSIVE_MINIMUM", "MIN_PROPERTIES", "MIN_ITEMS", "MIN_CONTAINS")
_EXTRA = ("ADDITIONAL_PROPERTIES", "UNEVALUATED_PROPERTIES", "ADDITIONAL_ITEMS", "UNEVALUATED_ITEMS")

STRICT: frozenset[str] = frozenset().union(
    {"ID_CHANGED", "DESCRIPTION_CHANGED", "TITLE_CHANGED", "DEFAULT_CHANGED", "SCHEMA_REMOVED"},
    {"TYPE_EXTENDED", "PATTERN_REMOVED", "UNIQUE_ITEMS_REMOVED", "DEPENDENCY_SCHEMA_REMOVED"},
    {
        "ENUM_ARRAY_EXTENDED",
        "COMBINED_TYPE_EXTENDED",
        "PRODUCT_TYPE_NARROWED",
        "SUM_TYPE_EXTENDED",
        "NOT_TYPE_NARROWED",
    },
    _kinds("MULTIPLE_OF", "REDUCED REMOVED"),
    _kinds("REQUIRED_ATTRIBUTE", "WITH_DEFAULT_ADDED REMOVED"),
    _kinds("DEPENDENCY_ARRAY", "NARROWED REMOVED"),
    *(_kinds(bound, "INCREASED REMOVED") for bound in _UPPER),
    *(_kinds(bound, "DECREASED REMOVED") for bound in _LOWER),
    *(_kinds(extra, "ADDED EXTENDED") for extra in _EXTRA),
    {
        "PROPERTY_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL",
        "REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_UNOPEN_CONTENT_MODEL",
        "OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL",
        "PROPERTY_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL",
        "PROPERTY_REMOVED_FROM_OPEN_CONTENT_MODEL",
        "PROPERTY_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
        "PROPERTY_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
        "ITEM_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL",
        "ITEM_ADDED_TO_CLOSED_CONTENT_MODEL",
        "ITEM_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL",
        "ITEM_REMOVED_FROM_OPEN_CONTENT_MODEL",
        "ITEM_ADDED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
        "ITEM_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
    },
)

LENIENT: frozenset[str] = STRICT.union(
    _kinds("ADDITIONAL_PROPERTIES", "NARROWED REMOVED"),
    _kinds("UNEVALUATED_PROPERTIES", "NARROWED REMOVED"),
    {
        "REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL",
        "OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL",
        "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL",
        "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
        "PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
    },
)

#: ONEX's own rules: what only a new major may do, whether or not instances still pass. Widening is not among them.
ONEX_MAJOR: frozenset[str] = frozenset(
    {
        "TYPE_CHANGED",
        "TYPE_NARROWED",
        "ENUM_ARRAY_NARROWED",
        "ENUM_ARRAY_CHANGED",
        "REQUIRED_ATTRIBUTE_ADDED",
        "REQUIRED_ATTRIBUTE_WITH_DEFAULT_ADDED",
        "DEFAULT_CHANGED",
        "PROPERTY_REMOVED_FROM_OPEN_CONTENT_MODEL",
        "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL",
        "PROPERTY_REMOVED_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
        "PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
    }
)

POLICIES: dict[Policy, frozenset[str]] = {"confluent-strict": STRICT, "confluent-lenient": LENIENT}


@dataclass(frozen=True)
class Ruling:
    """What a policy says about a pair, beside what is proven about it."""

    policy: Policy
    #: The changes that the policy refuses.
    refused: tuple[Change, ...]
    #: The open-world verdict, by instances.
    verdict: Verdict

    @property
    def compatible(self) -> bool:
        return not self.refused

    @property
    def disagreement(self) -> str | None:
        """A sentence where the policy and the proof differ."""
        return disagreement(self.policy, self.verdict, compatible=self.compatible)

    def as_dict(self) -> dict[str, Any]:
        return {
            "policy": self.policy,
            "compatible": self.compatible,
            "refused": [change.as_dict() for change in self.refused],
            "disagreement": self.disagreement,
            "verdict": self.verdict.as_dict(),
        }


def rule(
    old: Schema,
    new: Schema,
    *,
    policy: Policy,
    mode: Mode = "backward",
    dialect: str | None = None,
    store: Store | None = None,
) -> Ruling:
    """The pair judged as a Confluent registry judges it. Raises SchemaError, ValueError for an unknown policy."""
    if policy not in POLICIES:
        raise ValueError(f"policy {policy!r} is unknown; known are {', '.join(POLICIES)}")
    verdict = check(old, new, mode=mode, dialect=dialect, store=store)
    changes = list(verdict.changes) if mode != "forward" else []
    if mode != "backward":
        changes += check(new, old, dialect=dialect, store=store).changes
    return Ruling(policy, refused(changes, policy), verdict)


def refused(changes: Iterable[Change], policy: Policy) -> tuple[Change, ...]:
    """The changes that the policy refuses; each was listed in the open world, from the writer to the reader.

    Kinds that Confluent has no name for are judged by what they break.
    """
    allowed = POLICIES[policy]
    return tuple(change for change in changes if change.kind not in allowed and "backward" in change.breaks)


def needing_major(changes: Iterable[Change]) -> tuple[Change, ...]:
    """The changes that ONEX's rules of evolution leave to a new major; they were listed from the old schema to the new."""
    return tuple(change for change in changes if change.kind in ONEX_MAJOR)


def disagreement(policy: str, verdict: Verdict, *, compatible: bool) -> str | None:
    """What to say when a policy allows what a witness refutes, or refuses what is proven."""
    if compatible and verdict.status == "incompatible":
        return f"{policy} allows these kinds of change, but the witness shows an instance that breaks."
    if not compatible and verdict.status == "compatible":
        return f"{policy} refuses a kind of change here, but it is proven that no instance breaks."
    return None
