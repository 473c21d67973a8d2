"""A condition tree, written as CEL text that reads back as the same condition."""

import json
from decimal import Decimal
from typing import Any

from alerts.cel.names import cel_name, ends_in_a_member
from alerts.cel.read import COMPARISONS, MAX_LIST, METHODS
from alerts.cel.tokens import MAX_CHARACTERS, MAX_INTEGER
from alerts.condition import All, AnyOf, Condition, Not, Test, parse
from alerts.errors import InvalidCondition

# What is longer stands on several lines.
LINE = 100

_SIGNS = {op: sign for sign, op in COMPARISONS.items()}
_METHODS = {op: name for name, op in METHODS.items()}


class NotCel(Exception):
    """The tree says something that CEL text cannot; the message is a sentence for people."""


def cel_of(tree: Any) -> str | None:
    """A kept tree as CEL text; None for what has none, and for none."""
    try:
        return None if tree is None else write_cel(parse(tree))
    except (NotCel, InvalidCondition):
        return None


def write_cel(condition: Condition) -> str:
    """Raises NotCel."""
    text = _written(condition)
    condition = _alone(condition)
    if len(text) > LINE and isinstance(condition, All | AnyOf):
        text = _joined(condition, "\n")
    if len(text) > MAX_CHARACTERS:
        raise NotCel(f"It would take more than the {MAX_CHARACTERS:,} characters that CEL text may have.")
    return text


def _written(condition: Condition) -> str:
    match _alone(condition):
        case Test() as test:
            return _test(test)
        case All(()):
            return "true"
        case Not(part):
            inner = _written(part)
            return f"!{inner}" if _stands_alone(part) else f"!({inner})"
        case All() | AnyOf() as joined:
            return _joined(joined, " ")
    raise AssertionError(condition)


def _alone(condition: Condition) -> Condition:
    """Without what joins one thing only."""
    while isinstance(condition, All | AnyOf) and len(condition.parts) == 1:
        condition = condition.parts[0]
    return condition


def _joined(condition: All | AnyOf, space: str) -> str:
    sign = "&&" if isinstance(condition, All) else "||"
    return f"{space}{sign} ".join(_nested(part) for part in condition.parts)


def _nested(part: Condition) -> str:
    plain = _alone(part)
    bare = isinstance(plain, Test | Not) or plain == All(())
    return _written(plain) if bare else f"({_written(plain)})"


def _stands_alone(part: Condition) -> bool:
    """Whether a ! may stand before it as it is, and reads back as one."""
    plain = _alone(part)
    return plain == All(()) or (
        isinstance(plain, Test) and plain.op in _METHODS and isinstance(plain.value, str)
    )


def _test(test: Test) -> str:
    name = cel_name(test.field)
    if name is None:
        raise NotCel(f"The field {test.field} has no name in CEL.")
    match test.op:
        case "exists":
            return _presence(test, name)
        case "in" | "not_in":
            text = f"{name} in {_list(test.value)}"
            return text if test.op == "in" else f"!({text})"
        case "contains" if not isinstance(test.value, str):
            return f"{_constant(test.value)} in {name}"
        case "prefix" | "suffix" | "contains":
            return f"{name}.{_METHODS[test.op]}({_constant(test.value)})"
    return f"{name} {_SIGNS[test.op]} {_constant(test.value)}"


def _presence(test: Test, name: str) -> str:
    if ends_in_a_member(test.field):
        return f"has({name})" if test.value else f"!has({name})"
    return f"{name} {'!=' if test.value else '=='} null"


def _list(values: Any) -> str:
    if len(values) > MAX_LIST:
        raise NotCel(f"A list of more than {MAX_LIST} values has no place in CEL text.")
    return f"[{', '.join(map(_constant, values))}]"


def _constant(value: Any) -> str:
    if not isinstance(value, Decimal):
        # What JSON escapes in a text, CEL reads in the same way.
        return json.dumps(value, ensure_ascii=False)
    if value == value.to_integral_value() and -MAX_INTEGER - 1 <= value <= MAX_INTEGER:
        return str(int(value))
    double = float(value)
    if Decimal(repr(double)) != value:
        raise NotCel(f"The number {value} is none that CEL holds exactly.")
    return repr(double)
