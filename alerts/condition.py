"""The condition tree of a rule: read it, ask it about an event, know what it reads.

A tree is `{"all": […]}`, `{"any": […]}`, `{"not": …}` or a test `{"field", "op", "value"}`.

**Three values.** A test is true, false, or *unknown*: unknown when its field is missing (absent or null) or of a
type that the operator is not for. Unknown spreads as in SQL: `not` unknown is unknown; `all` is false as soon
as one part is false, `any` true as soon as one is true, and otherwise unknown if any part is. An event
matches only when the whole tree is true. So `ne` never matches an event that lacks the field, nor does
`{"not": {… "eq" …}}`; `exists` is the one operator that is never unknown. `condition_sql.py` says the same in SQL.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from alerts.errors import InvalidCondition
from alerts.fields import COLUMNS, path_of

MAX_DEPTH = 20
MAX_TESTS = 200
MAX_LIST = 1_000
MAX_TEXT = 1_000

Scalar = str | bool | int | float | Decimal
# True, False or None (unknown) of an event's fields.
Verdict = bool | None
Predicate = Callable[[Mapping[str, Any]], Verdict]


@dataclass(frozen=True, slots=True)
class Test:
    field: str
    op: str
    # Numbers are Decimals here; lists are tuples of one kind.
    value: Scalar | tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class All:
    parts: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    part: "Condition"


Condition = Test | All | AnyOf | Not


def kind_of(value: object) -> str:
    """text, number, boolean, array or object; "missing" for null."""
    match value:
        case None:
            return "missing"
        case bool():
            return "boolean"
        case str():
            return "text"
        case int() | float() | Decimal():
            return "number"
        case list() | tuple():
            return "array"
    return "object"


# --- reading ----------------------------------------------------------------------------------

_SCALARS = frozenset({"text", "number", "boolean"})
_ORDERED = frozenset({"text", "number"})
_TEXT = frozenset({"text"})
# Operator → the kinds its value may have (of its elements, for the two that take a list).
OPERATORS: dict[str, frozenset[str]] = {
    "eq": _SCALARS,
    "ne": _SCALARS,
    "in": _ORDERED,
    "not_in": _ORDERED,
    "prefix": _TEXT,
    "suffix": _TEXT,
    "contains": _SCALARS,
    "gt": _ORDERED,
    "gte": _ORDERED,
    "lt": _ORDERED,
    "lte": _ORDERED,
    "exists": frozenset({"boolean"}),
}
_LISTS = frozenset({"in", "not_in"})


def parse(tree: object) -> Condition:
    """The tree as a value. Raises InvalidCondition with the JSON Pointer of the first thing wrong."""
    condition = _parse(tree, "", 0)
    if sum(1 for _ in tests(condition)) > MAX_TESTS:
        raise InvalidCondition.at("", f"A condition holds at most {MAX_TESTS} tests")
    return condition


def _parse(tree: object, pointer: str, depth: int) -> Condition:
    if depth > MAX_DEPTH:
        raise InvalidCondition.at(pointer, f"A condition nests at most {MAX_DEPTH} levels deep")
    if not isinstance(tree, dict):
        raise InvalidCondition.at(
            pointer, 'A condition is {"all": […]}, {"any": […]}, {"not": …} or {"field", "op", "value"}'
        )
    for word, read in _BRANCHES.items():
        if word in tree:
            if len(tree) > 1:
                raise InvalidCondition.at(pointer, f'"{word}" stands alone in its object')
            return read(tree[word], f"{pointer}/{word}", depth + 1)
    return _parse_test(tree, pointer)


def _parse_all(parts: object, pointer: str, depth: int) -> Condition:
    return All(tuple(_parse_parts(parts, pointer, depth)))


def _parse_any(parts: object, pointer: str, depth: int) -> Condition:
    read = tuple(_parse_parts(parts, pointer, depth))
    if not read:
        raise InvalidCondition.at(
            pointer, '"any" of nothing would never match: give it at least one condition'
        )
    return AnyOf(read)


def _parse_not(part: object, pointer: str, depth: int) -> Condition:
    return Not(_parse(part, pointer, depth))


_BRANCHES = {"all": _parse_all, "any": _parse_any, "not": _parse_not}


def _parse_parts(parts: object, pointer: str, depth: int) -> Iterator[Condition]:
    if not isinstance(parts, list):
        raise InvalidCondition.at(pointer, "Here stands a list of conditions")
    for index, part in enumerate(parts):
        yield _parse(part, f"{pointer}/{index}", depth)


def _parse_test(tree: dict[str, object], pointer: str) -> Test:
    field, op = tree.get("field"), tree.get("op", "eq")
    if extra := sorted(set(tree) - {"field", "op", "value"}):
        raise InvalidCondition.at(f"{pointer}/{extra[0]}", f'A test has no "{extra[0]}"')
    check_field(field, f"{pointer}/field")
    if not isinstance(op, str) or op not in OPERATORS:
        raise InvalidCondition.at(
            f"{pointer}/op", f"There is no operator {op!r}; there are {', '.join(OPERATORS)}"
        )
    if "value" not in tree and op != "exists":
        raise InvalidCondition.at(pointer, f'"{op}" needs a "value"')
    value = _parse_value(op, tree.get("value", True), f"{pointer}/value")
    _check_column(str(field), op, value, pointer)
    return Test(str(field), op, value)


def check_field(field: object, pointer: str) -> None:
    """Raises InvalidCondition unless `field` can be looked up in an event."""
    if not isinstance(field, str) or not field:
        raise InvalidCondition.at(pointer, 'A test names its field: "event_type", "metadata.error_type", …')
    _check_text(field, pointer)
    if "" in path_of(field):
        raise InvalidCondition.at(pointer, f"{field!r} is no path: a name between two separators is empty")


def _parse_value(op: str, value: object, pointer: str) -> Scalar | tuple[Scalar, ...]:
    if op not in _LISTS:
        return _parse_scalar(op, value, pointer)
    if not isinstance(value, list) or not value:
        raise InvalidCondition.at(pointer, f'"{op}" takes a list with at least one value')
    if len(value) > MAX_LIST:
        raise InvalidCondition.at(pointer, f"A list holds at most {MAX_LIST} values")
    if len({kind_of(item) for item in value}) > 1:
        raise InvalidCondition.at(pointer, "The values of one list are all texts or all numbers")
    return tuple(_parse_scalar(op, item, f"{pointer}/{index}") for index, item in enumerate(value))


def _parse_scalar(op: str, value: object, pointer: str) -> Scalar:
    kind = kind_of(value)
    if kind not in OPERATORS[op]:
        wanted = " or ".join(sorted(OPERATORS[op]))
        raise InvalidCondition.at(pointer, f'"{op}" takes a {wanted}, and this is {_article(kind)}')
    if kind == "number":
        number = Decimal(str(value))
        if not number.is_finite() or number.adjusted() not in range(-400, 400):
            raise InvalidCondition.at(pointer, f"{value} is no number that an event can hold")
        return number
    if isinstance(value, str):
        _check_text(value, pointer)
    return value  # type: ignore[return-value]  # a str or bool: kind_of said so


def _article(kind: str) -> str:
    return {"missing": "null", "array": "a list", "object": "an object"}.get(kind, f"a {kind}")


def _check_text(text: str, pointer: str) -> None:
    if len(text) > MAX_TEXT:
        raise InvalidCondition.at(pointer, f"A text here has at most {MAX_TEXT} characters")
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise InvalidCondition.at(pointer, "A text here holds neither NUL nor half a character")


def _check_column(field: str, op: str, value: object, pointer: str) -> None:
    column = COLUMNS.get(field)
    if column is None or op == "exists":
        return
    kind = kind_of(value[0] if isinstance(value, tuple) else value)
    if kind != column.kind:
        raise InvalidCondition.at(f"{pointer}/value", f"{field} is a {column.kind}, and this is a {kind}")
    if op == "contains" and kind != "text":
        raise InvalidCondition.at(f"{pointer}/op", f"{field} is a {column.kind}: it contains nothing")


# --- asking -----------------------------------------------------------------------------------

# What `fields.read_json` makes of a JSON text, string, number or boolean.
_TYPES: dict[str, frozenset[type]] = {
    "text": frozenset({str}),
    "number": frozenset({int, Decimal}),
    "boolean": frozenset({bool}),
}


def predicate(condition: Condition) -> Predicate:
    """A closure that tells whether an event matches: True, False, or None for unknown."""
    match condition:
        case Test(field, op, value):
            return _TESTS[op](field, value)
        case All(parts):
            return _all([predicate(part) for part in parts])
        case AnyOf(parts):
            return _any([predicate(part) for part in parts])
        case Not(part):
            return _not(predicate(part))


def _all(parts: list[Predicate]) -> Predicate:
    def ask(event: Mapping[str, Any]) -> Verdict:
        verdict: Verdict = True
        for part in parts:
            answer = part(event)
            if answer is False:
                return False
            if answer is None:
                verdict = None
        return verdict

    return ask


def _any(parts: list[Predicate]) -> Predicate:
    def ask(event: Mapping[str, Any]) -> Verdict:
        verdict: Verdict = False
        for part in parts:
            answer = part(event)
            if answer:
                return True
            if answer is None:
                verdict = None
        return verdict

    return ask


def _not(part: Predicate) -> Predicate:
    def ask(event: Mapping[str, Any]) -> Verdict:
        answer = part(event)
        return None if answer is None else not answer

    return ask


def _comparing(compare: Callable[[Any, Any], bool]) -> Callable[[str, Any], Predicate]:
    """A test whose field must be of the kind that its value (or the value's elements) has."""

    def make(field: str, value: Any) -> Predicate:
        types = _TYPES[kind_of(value[0] if isinstance(value, tuple) else value)]
        wanted = frozenset(value) if isinstance(value, tuple) else value

        def ask(event: Mapping[str, Any]) -> Verdict:
            found = event[field]
            return compare(found, wanted) if type(found) in types else None

        return ask

    return make


def _contains(field: str, value: Any) -> Predicate:
    kind = kind_of(value)

    def ask(event: Mapping[str, Any]) -> Verdict:
        found = event[field]
        if isinstance(found, list):
            return any(kind_of(item) == kind and item == value for item in found)
        return value in found if isinstance(found, str) and kind == "text" else None

    return ask


def _exists(field: str, value: Any) -> Predicate:
    return lambda event: (event[field] is not None) is value


_TESTS: dict[str, Callable[[str, Any], Predicate]] = {
    "eq": _comparing(lambda found, value: found == value),
    "ne": _comparing(lambda found, value: found != value),
    "in": _comparing(lambda found, values: found in values),
    "not_in": _comparing(lambda found, values: found not in values),
    "prefix": _comparing(str.startswith),
    "suffix": _comparing(str.endswith),
    "contains": _contains,
    "gt": _comparing(lambda found, value: found > value),
    "gte": _comparing(lambda found, value: found >= value),
    "lt": _comparing(lambda found, value: found < value),
    "lte": _comparing(lambda found, value: found <= value),
    "exists": _exists,
}


# --- what it reads ----------------------------------------------------------------------------


def tests(condition: Condition) -> Iterator[Test]:
    """Every test of the tree."""
    match condition:
        case Test():
            yield condition
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from tests(part)
        case Not(part):
            yield from tests(part)


def fields(condition: Condition) -> tuple[str, ...]:
    """The fields it reads, each once, in order of appearance."""
    return tuple(dict.fromkeys(test.field for test in tests(condition)))


def event_types(condition: Condition) -> frozenset[str] | None:
    """The only event types that can match; None when the tree does not pin them."""
    match condition:
        case Test("event_type", "eq", str() as name):
            return frozenset({name})
        case Test("event_type", "in", tuple() as names):
            return frozenset(str(name) for name in names)
        case All(parts):
            pinned = [types for part in parts if (types := event_types(part)) is not None]
            return frozenset.intersection(*pinned) if pinned else None
        case AnyOf(parts):
            pinned = [types for part in parts if (types := event_types(part)) is not None]
            return frozenset.union(*pinned) if len(pinned) == len(parts) else None
    return None
