"""JSON values as JSON compares them: 1 is 1.0 but not true, and numbers are exact."""

from __future__ import annotations

import json
import marshal
from collections.abc import Hashable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

TYPES = ("null", "boolean", "number", "string", "array", "object")


def type_of(value: Any) -> str:
    """The JSON type of a value; integers are numbers here."""
    kind = _TYPES.get(type(value))
    return _other_type(value) if kind is None else kind


#: Of the types that a JSON parser makes.
_TYPES = {
    type(None): "null",
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}


def _other_type(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float, Decimal, Fraction)):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, (list, tuple)) else "object"


def exact(number: Any) -> Fraction:
    """The number as written: 0.1 is one tenth, not its nearest binary fraction."""
    return Fraction(str(number)) if isinstance(number, float) else Fraction(number)


def frozen(value: Any) -> Hashable:
    """A hashable stand-in; two values have equal stand-ins when JSON Schema calls them equal."""
    kind = type_of(value)
    if kind == "string":
        return ("string", value)
    if kind == "number":
        return ("number", value if isinstance(value, int) else exact(value))
    if kind == "array":
        return ("array", tuple(frozen(item) for item in value))
    if kind == "object":
        return ("object", frozenset((key, frozen(item)) for key, item in value.items()))
    return (kind, value)


def written(value: Any) -> bytes:
    """Bytes that only values which are written alike have in common, members in the same order included."""
    try:
        return marshal.dumps(value, SPELLED_OUT)
    except ValueError:
        return repr(value).encode(errors="surrogatepass")


#: The version of marshal that writes equal values equally: later ones refer to objects that were written before.
SPELLED_OUT = 2


def same(left: Any, right: Any) -> bool:
    """Whether JSON Schema calls both values equal."""
    # Python calls everything equal that JSON does, and 1 and true besides; what is written alike has neither in doubt.
    return bool(left == right) and (written(left) == written(right) or frozen(left) == frozen(right))


def text_of(value: Any) -> str:
    """Compact, key-sorted JSON: the measure of how readable a witness is."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def pointer(parts: Iterator[str | int] | list[str | int] | tuple[str | int, ...]) -> str:
    """RFC 6901 pointer of a path."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def path_to(part: Any, whole: Any) -> tuple[str | int, ...] | None:
    """Names and indices that lead to this very object, not to one equal to it; None where it is no part."""
    stack: list[tuple[tuple[str | int, ...], Any]] = [((), whole)]
    while stack:
        path, value = stack.pop()
        if value is part:
            return path
        if isinstance(value, (dict, list)):
            items = value.items() if isinstance(value, dict) else enumerate(value)
            stack.extend(((*path, name), item) for name, item in items)
    return None


def depth_of(value: Any, limit: int) -> int:
    """Nesting depth, counted without recursion and no further than just past the limit."""
    depth, layer = 0, [value] if isinstance(value, (dict, list)) else []
    while layer and depth <= limit:
        groups = [item.values() if isinstance(item, dict) else item for item in layer]
        inner = [child for group in groups for child in group if type(child) not in _SCALARS]
        layer = [child for child in inner if isinstance(child, (dict, list))]
        depth += 1
    return depth


#: Of the types that a JSON parser makes, those that nothing is inside of.
_SCALARS = frozenset({str, int, float, bool, type(None)})
