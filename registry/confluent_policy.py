"""Confluent's two compatibility policies for JSON Schema, as tables over the kinds of change that compat names.

Source: `SchemaDiff` of Confluent Schema Registry (COMPATIBLE_CHANGES_STRICT and _LENIENT). They judge kinds of
change, not instances: REQUIRED_ATTRIBUTE_WITH_DEFAULT_ADDED passes although validators apply no defaults.
"""

from collections.abc import Iterable

from compat import Change
from registry.models import Policy


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

_ALLOWED = {Policy.STRICT: STRICT, Policy.LENIENT: LENIENT}


def broken_changes(changes: Iterable[Change], policy: Policy) -> list[Change]:
    """The changes that the policy refuses; each was listed as from old (the writer) to new (the reader).

    Kinds that Confluent has no name for are judged by what they break.
    """
    allowed = _ALLOWED[policy]
    return [change for change in changes if change.kind not in allowed and "backward" in change.breaks]
