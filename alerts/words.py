"""Conditions and durations as people say them."""

import json
from decimal import Decimal
from typing import Any

from alerts.condition import All, AnyOf, Condition, Not, Test, parse
from alerts.models import Compare, Function, Kind, RuleVersion

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


def say_rule(edition: RuleVersion) -> str:
    """`5 or more within 1 min, for each node_id: event_type is NODE_FAILURE`. Raises InvalidCondition."""
    condition = say(parse(edition.selector))
    window = duration(edition.window_seconds)
    each = ", ".join(edition.group_by)
    apart = f", for each {each}" if each else ""
    match edition.kind:
        case Kind.SHARE:
            hits = say(parse(edition.hits))
            return f"more than {plain(edition.percent)} % within {window}{apart}{_of_enough(edition)}: {hits}, among {condition}"
        case Kind.DISTINCT:
            return f"{edition.threshold} or more different values of {edition.field} within {window}{apart}: {condition}"
        case Kind.VALUE:
            return f"{_beyond(edition)} within {window}{apart}{_of_enough(edition)}: {condition}"
        case Kind.NEW:
            return f"{each} not seen in {edition.remember_days} d: {condition}"
        case Kind.SEQUENCE | Kind.MISSING:
            times = f", {edition.threshold} or more within {window}" if edition.threshold > 1 else ""
            return f"{condition}, {_followed(edition)}{times}{apart}"
    count = f"{edition.threshold} or more" if edition.threshold > 1 else "any"
    return f"{count} within {window}{apart}: {condition}"


def fires_at(edition: RuleVersion) -> str:
    """What is too much: `5 within 1 min`, `more than 5 % within 5 min`, `not seen in 30 d`."""
    window = duration(edition.window_seconds)
    match edition.kind:
        case Kind.SHARE:
            return f"more than {plain(edition.percent)} % of {edition.threshold} or more within {window}"
        case Kind.DISTINCT:
            return f"{edition.threshold} different values of {edition.field} within {window}"
        case Kind.VALUE:
            return f"{_beyond(edition)} of {edition.threshold} events or more within {window}"
        case Kind.NEW:
            return f"not seen in {edition.remember_days} d; open for {window}"
        case Kind.SEQUENCE | Kind.MISSING:
            return f"{edition.threshold} within {window} {_followed(edition)}"
    return f"{edition.threshold} within {window}"


def _beyond(edition: RuleVersion) -> str:
    """`the average of metadata.execution_time_ms is above 500`."""
    function, compare = Function(str(edition.function)).label, Compare(str(edition.compare)).label
    return f"{function} of {edition.field} {compare} {plain(edition.limit)}"


def _followed(edition: RuleVersion) -> str:
    """`followed within 30 s by one of the same correlation_id for which event_type is "NODE_SUCCESS"`."""
    word = "not followed" if edition.kind == Kind.MISSING else "followed"
    same = " and ".join(edition.pair_by or ())
    return f"{word} within {duration(edition.within_seconds or 0)} by one of the same {same} for which {say(parse(edition.then))}"


def _of_enough(edition: RuleVersion) -> str:
    return f" (of {edition.threshold} at least)" if edition.threshold > 1 else ""


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
