"""Conditions and durations as people say them."""

import json
from decimal import Decimal
from typing import Any

from alerts.condition import All, AnyOf, Condition, Not, Test

OPERATOR_WORDS = {
    "eq": "is",
    "ne": "is not",
    "in": "is one of",
    "not_in": "is none of",
    "prefix": "begins with",
    "suffix": "ends with",
    "contains": "contains",
    "gt": "is greater than",
    "gte": "is at least",
    "lt": "is less than",
    "lte": "is at most",
    "exists": "exists",
}


def say(condition: Condition) -> str:
    """`event_type is NODE_FAILURE and (error_code begins with ONEX_A or …)`."""
    match condition:
        case Test(field, "exists", value):
            return f"{field} {'exists' if value else 'is missing'}"
        case Test(field, op, value):
            return f"{field} {OPERATOR_WORDS[op]} {_value(value)}"
        case All(()):
            return "every event"
        case All(parts):
            return " and ".join(_nested(part) for part in parts)
        case AnyOf(parts):
            return " or ".join(_nested(part) for part in parts)
        case Not(part):
            return f"not {_nested(part)}"


def plain(number: Decimal | None) -> str:
    """Without zeros at its end: `5`, `0.1`."""
    return f"{number:f}".rstrip("0").rstrip(".") if number and "." in f"{number:f}" else f"{number or 0:f}"


def _nested(part: Condition) -> str:
    plain = isinstance(part, Test) or (isinstance(part, All | AnyOf) and len(part.parts) == 1)
    return say(part) if plain else f"({say(part)})"


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(_value, value))
    if isinstance(value, Decimal):
        return f"{value:f}"
    return json.dumps(value, ensure_ascii=False)


def duration(seconds: int) -> str:
    """`90` → `1 min 30 s`."""
    parts = []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts) or "0 s"
