"""JSONata on a short lead: a part of the language in which every expression ends, within limits that hold for each step.

What could run for ever, look at a clock, or match text by backtracking is refused when an expression is read: functions
of its own, ranges, regular expressions, `$eval`, `$now`, `$random`. What is left is weighed after every step, so that a
value that doubles is stopped before it is large, and steps are counted, so that the same input always ends the same way.
"""

import math
import sys
import time
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from django.conf import settings

# The library raises the limit of the whole process when it is imported.
_recursion_limit = sys.getrecursionlimit()
from jsonata import JException, Jsonata, Parser, Utils  # noqa: E402 -- between the two lines around it

sys.setrecursionlimit(_recursion_limit)

MAX_LENGTH = 10_000
_MOST_LEVELS = 60
#: Functions whose cost is bounded by the size of what they are given.
FUNCTIONS = frozenset(
    [
        *("sum", "count", "max", "min", "average", "string", "substring"),
        *("substringBefore", "substringAfter", "lowercase", "uppercase", "length", "trim", "contains"),
        *("split", "join", "number", "floor", "ceil", "round", "abs"),
        *("boolean", "not", "keys", "lookup", "append", "exists", "spread"),
        *("merge", "reverse", "type", "sort", "fromMillis", "toMillis"),
    ]
)
# Of these only as many arguments as do not change what they do: pictures of times, orders of the author's own.
_MOST_ARGUMENTS = {"fromMillis": 1, "toMillis": 1, "sort": 1, "string": 1}
_NODES = frozenset(
    [
        *("path", "binary", "unary", "name", "string", "number", "value"),
        *("wildcard", "condition", "block", "bind", "function", "variable", "filter"),
        "operator",
    ]
)
_UNWANTED = {
    "lambda": "functions of its own",
    "partial": "partial application",
    "regex": "regular expressions",
    "transform": "the transform operator",
    "descendant": "the operator '**'",
    "parent": "the operator '%' for a parent",
    "sort": "the operator '^( )'",
    "index": "the operator '#'",
    "apply": "the operator '~>'",
}
_ONE = {"partial", "transform", "descendant", "parent", "sort", "index", "apply"}
# What a scalar weighs, and a container besides what is in it.
_SCALAR, _CONTAINER = 8, 16
_LONGEST_SEPARATOR = 16
_WRONG = (
    JException,
    ValueError,
    TypeError,
    ArithmeticError,
    LookupError,
    AttributeError,
    RecursionError,
    AssertionError,
)


class InvalidExpressionError(ValueError):
    """The text is no expression, or uses what is not allowed; the sentence says what."""


class ExpressionFailedError(ValueError):
    """An expression came to no value for this input, or over a limit."""


class Expression:
    """A compiled expression. Never changes what it is given."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._compiled = _compiled(text)

    def __call__(self, value: Any) -> Any:
        """The value that it gives. Raises ExpressionFailedError."""
        watch = _Watch()
        # The library keeps what it is evaluating in itself: every evaluation has a frame of its own.
        frame = self._compiled.create_frame(self._compiled.environment)
        frame.set_evaluate_entry_callback(watch.enter)
        frame.set_evaluate_exit_callback(watch.leave)
        try:
            watch.weigh(value)
            found = self._compiled.evaluate(value, frame)
        except _WRONG as wrong:
            raise ExpressionFailedError(_told(wrong)) from wrong
        if found is None:
            raise ExpressionFailedError("the expression gives nothing for this value")
        return _plain(found)


@lru_cache(maxsize=256)
def expression(text: str) -> Expression:
    """Compiled once for the life of the process. Raises InvalidExpressionError."""
    return Expression(text)


def _compiled(text: str) -> Jsonata:
    if len(text) > MAX_LENGTH:
        raise InvalidExpressionError(f"it has {len(text):,} characters; {MAX_LENGTH:,} are allowed")
    try:
        found = Jsonata(text, _no_regex)
    except InvalidExpressionError:
        raise
    except _WRONG as wrong:
        raise InvalidExpressionError(_told(wrong)) from wrong
    if found.ast is None or found.errors:
        raise InvalidExpressionError("it is not JSONata")
    found.set_output_convert_nulls(False)
    for node in _nodes(found.ast):
        if problem := _problem(node):
            raise InvalidExpressionError(problem)
    return found


def _no_regex(_pattern: str, _flags: object) -> Any:
    raise InvalidExpressionError("regular expressions are not allowed in a migration")


def _nodes(root: Any) -> Iterator[Any]:
    """Every part that the evaluator could come to."""
    seen: set[int] = set()
    waiting = [(root, 0)]
    while waiting:
        current, level = waiting.pop()
        if isinstance(current, list | tuple):
            waiting.extend((item, level) for item in current)
        elif isinstance(current, Parser.Symbol) and id(current) not in seen:
            if level > _MOST_LEVELS:
                raise InvalidExpressionError(f"it is nested more than {_MOST_LEVELS} levels deep")
            seen.add(id(current))
            yield current
            waiting.extend((member, level + 1) for member in vars(current).values())


def _problem(node: Any) -> str:
    """Why this part is not allowed, or nothing."""
    kind = node.type
    if kind in _UNWANTED:
        return f"{_UNWANTED[kind]} {'is' if kind in _ONE else 'are'} not allowed in a migration"
    if kind is not None and kind not in _NODES:
        return f"'{kind}' is not allowed in a migration"
    if getattr(node, "focus", None) is not None or getattr(node, "index", None) is not None:
        return "the operators '@' and '#' are not allowed in a migration"
    if kind == "binary" and node.value == "..":
        return "ranges are not allowed in a migration"
    return _problem_of_call(node) if kind == "function" else _problem_of_name(node)


def _problem_of_name(node: Any) -> str:
    """Functions are called and nothing else: none is handed on, and none gets another meaning."""
    if node.type == "variable" and _is_function(str(node.value)) and node.value not in FUNCTIONS:
        return f"${node.value} is not allowed in a migration"
    if node.type == "bind" and _is_function(str(node.lhs.value)):
        return f"${node.lhs.value} is a function already"
    return ""


def _problem_of_call(node: Any) -> str:
    name = str(node.procedure.value) if node.procedure.type == "variable" else ""
    if name not in FUNCTIONS:
        return f"${name or '(…)'}() is not allowed in a migration; allowed are {', '.join(sorted(FUNCTIONS))}"
    most = _MOST_ARGUMENTS.get(name)
    if most is not None and len(node.arguments) > most:
        return f"${name}() takes at most {most} argument in a migration"
    if name == "join" and len(node.arguments) > 1:
        separator = node.arguments[1]
        if separator.type != "string" or len(separator.value) > _LONGEST_SEPARATOR:
            return f"the separator of $join() is a text of at most {_LONGEST_SEPARATOR} characters in a migration"
    return ""


def _is_function(name: str) -> bool:
    return name.startswith("__") or Jsonata.static_frame.lookup(name) is not None


class _Watch:
    """Counts the steps of one evaluation, and weighs what each comes to."""

    def __init__(self) -> None:
        self._steps = 0
        self._until = time.monotonic() + settings.MIGRATION_EXPRESSION_SECONDS
        # What was weighed is kept, so that no other value gets its identity.
        self._known: dict[int, tuple[Any, int, int]] = {}

    def enter(self, _node: Any, _input: Any, _frame: Any) -> None:
        self._steps += 1
        if self._steps > settings.MIGRATION_EXPRESSION_STEPS:
            raise ExpressionFailedError(
                f"the expression took more than {settings.MIGRATION_EXPRESSION_STEPS:,} steps (MIGRATION_EXPRESSION_STEPS)"
            )
        if time.monotonic() > self._until:
            raise ExpressionFailedError(
                f"the expression took longer than {settings.MIGRATION_EXPRESSION_SECONDS:g} s (MIGRATION_EXPRESSION_SECONDS)"
            )

    def leave(self, _node: Any, _input: Any, _frame: Any, result: Any) -> None:
        self.weigh(result)

    def weigh(self, value: Any) -> int:
        weight = self._weight(value)
        if weight > settings.MIGRATION_EXPRESSION_BYTES:
            raise ExpressionFailedError(
                f"the expression comes to more than {settings.MIGRATION_EXPRESSION_BYTES:,} bytes "
                "(MIGRATION_EXPRESSION_BYTES)"
            )
        return weight

    def _weight(self, value: Any) -> int:
        if isinstance(value, str):
            return _SCALAR + len(value)
        if type(value) is int:
            return _SCALAR + value.bit_length() // 8
        if not isinstance(value, list | dict):
            return _SCALAR
        known = self._known.get(id(value))
        if known is not None and known[1] == len(value):
            return known[2]
        weight = _CONTAINER
        for item in value.values() if isinstance(value, dict) else value:
            weight += self._weight(item)
        if isinstance(value, dict):
            weight += sum(map(len, value))
        self._known[id(value)] = (value, len(value), weight)
        return weight


def _plain(value: Any) -> Any:
    """As JSON has it, sharing nothing with the input. What is weighed is not large."""
    if value is Utils.NULL_VALUE or value is None:
        return None
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ExpressionFailedError("the expression gives a number that JSON cannot write")
    if isinstance(value, str | int | float):
        return value
    raise ExpressionFailedError("the expression gives a function, not a value")


def _told(wrong: Exception) -> str:
    if isinstance(wrong, ExpressionFailedError | InvalidExpressionError):
        return str(wrong)
    text = str(wrong).strip() or type(wrong).__name__
    return f"JSONata says: {text[:300]}"
