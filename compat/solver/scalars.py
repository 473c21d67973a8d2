"""Whether a schema in the normal form accepts a null, boolean, number or string: no validator has to be compiled for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from compat import formats, patterns
from compat.dialects import Schema
from compat.values import exact, frozen, type_of

Definitions = dict[str, Schema]


def accepts(schema: Schema, value: Any, definitions: Definitions) -> bool:
    """Exact; a schema that refers to itself at one location was refused when it was rewritten."""
    if isinstance(schema, bool):
        return schema
    return all(
        _KEYWORDS[keyword](told, value, schema, definitions)
        for keyword, told in schema.items()
        if keyword in _KEYWORDS
    )


def _type(told: Any, value: Any, _schema: Any, _definitions: Definitions) -> bool:
    names = [told] if isinstance(told, str) else told
    kind = type_of(value)
    return kind in names or (kind == "number" and "integer" in names and exact(value).denominator == 1)


def _const(told: Any, value: Any, _schema: Any, _definitions: Definitions) -> bool:
    return frozen(told) == frozen(value)


def _enum(told: Any, value: Any, _schema: Any, _definitions: Definitions) -> bool:
    wanted = frozen(value)
    return any(frozen(each) == wanted for each in told)


def _of_number(holds: Callable[[Any, Any], bool]) -> Callable[[Any, Any, Any, Definitions], bool]:
    def check(told: Any, value: Any, _schema: Any, _definitions: Definitions) -> bool:
        return type_of(value) != "number" or holds(exact(value), exact(told))

    return check


def _of_length(holds: Callable[[int, int], bool]) -> Callable[[Any, Any, Any, Definitions], bool]:
    def check(told: Any, value: Any, _schema: Any, _definitions: Definitions) -> bool:
        return not isinstance(value, str) or holds(len(value), told)

    return check


def _pattern(told: Any, value: Any, _schema: Any, _definitions: Definitions) -> bool:
    return not isinstance(value, str) or patterns.matches(told, value)


def _format(told: Any, value: Any, _schema: Any, _definitions: Definitions) -> bool:
    return not isinstance(value, str) or formats.accepts(told, value)


def _reference(told: Any, value: Any, _schema: Any, definitions: Definitions) -> bool:
    return accepts(definitions[told.rsplit("/", 1)[-1]], value, definitions)


def _all_of(told: Any, value: Any, _schema: Any, definitions: Definitions) -> bool:
    return all(accepts(branch, value, definitions) for branch in told)


def _any_of(told: Any, value: Any, _schema: Any, definitions: Definitions) -> bool:
    return any(accepts(branch, value, definitions) for branch in told)


def _one_of(told: Any, value: Any, _schema: Any, definitions: Definitions) -> bool:
    return sum(accepts(branch, value, definitions) for branch in told) == 1


def _not(told: Any, value: Any, _schema: Any, definitions: Definitions) -> bool:
    return not accepts(told, value, definitions)


def _if(told: Any, value: Any, schema: Any, definitions: Definitions) -> bool:
    branch = "then" if accepts(told, value, definitions) else "else"
    return accepts(schema.get(branch, True), value, definitions)


_KEYWORDS: dict[str, Callable[[Any, Any, Any, Definitions], bool]] = {
    "type": _type,
    "const": _const,
    "enum": _enum,
    "minimum": _of_number(lambda value, bound: value >= bound),
    "maximum": _of_number(lambda value, bound: value <= bound),
    "exclusiveMinimum": _of_number(lambda value, bound: value > bound),
    "exclusiveMaximum": _of_number(lambda value, bound: value < bound),
    "multipleOf": _of_number(lambda value, step: (value / step).denominator == 1),
    "minLength": _of_length(lambda length, bound: length >= bound),
    "maxLength": _of_length(lambda length, bound: length <= bound),
    "pattern": _pattern,
    "format": _format,
    "$ref": _reference,
    "allOf": _all_of,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "not": _not,
    "if": _if,
}
