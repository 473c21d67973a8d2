"""Many instances of one schema, each different from the others in one place: what a transformation is tried on."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from copy import deepcopy
from itertools import islice
from typing import Any

from compat.dialects import Schema, Store
from compat.errors import Exhausted, SchemaError
from compat.example import example
from compat.guess import guesses
from compat.inspection import opened
from compat.rewrite import rewritten
from compat.validation import rust_validator
from compat.values import frozen, type_of

_MOST_PLACES = 400
_MOST_LOOKED_AT = 6_000
_END = object()
_OTHERS: dict[str, tuple[Any, ...]] = {
    "string": ("", "a", "ä☃", "0", "x" * 300),
    "number": (0, 1, -1, 0.5, 2**53 + 1),
    "integer": (0, 1, -1, 2**53 + 1),
    "boolean": (True, False),
    "null": (),
    "array": ([],),
    "object": ({},),
}
_ANY: tuple[Any, ...] = (None, 0, "a", True, [], {})

Place = tuple[str | int, ...]


def instances(
    schema: Schema, *, dialect: str | None = None, store: Store | None = None, most: int = 200
) -> list[Any]:
    """Distinct valid instances, at most `most`: the example first, then those that differ in one place, in two, and so on.

    Optional members are left out, values are replaced by others of their type, of other types where the schema allows, by
    what it mentions and by the edges of that. The same schema always has the same ones. Raises SchemaError.
    """
    documents = opened(schema, dialect=dialect, store=store)
    validator = rust_validator(documents)
    mentioned = _mentioned(documents)
    found: dict[Any, Any] = {}
    seeds = deque(_seeds(schema, dialect, store, mentioned))
    candidates: Iterator[Any] = iter(list(seeds))
    for _ in range(_MOST_LOOKED_AT):
        value = next(candidates, _END)
        if value is _END:
            if not seeds:
                break
            candidates = _varied(seeds.popleft(), mentioned)
        elif frozen(value) not in found and validator.is_valid(value):
            found[frozen(value)] = value
            seeds.append(value)
            if len(found) == most:
                break
    return list(found.values())


def _mentioned(documents: Any) -> list[Any]:
    try:
        return guesses(rewritten(documents, prefix="i"))
    except (SchemaError, Exhausted, RecursionError):
        return []


def _seeds(schema: Schema, dialect: str | None, store: Store | None, mentioned: list[Any]) -> list[Any]:
    shown = example(schema, dialect=dialect, store=store)
    given = schema.get("examples") if isinstance(schema, dict) else None
    examples = given[:10] if isinstance(given, list) else []
    return [*([shown.value] if shown else []), *examples, *mentioned]


def _varied(seed: Any, mentioned: list[Any]) -> Iterator[Any]:
    """The seed with one place missing, or with another value there."""
    places = list(islice(_places(seed, ()), _MOST_PLACES))
    for place in places:
        yield from _without(seed, place)
    for place in places:
        for other in _others(_at(seed, place), mentioned):
            yield _with(seed, place, other)


def _places(value: Any, here: Place) -> Iterator[Place]:
    if here:
        yield here
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, item in members:
        yield from _places(item, (*here, key))


def _at(value: Any, place: Place) -> Any:
    for key in place:
        value = value[key]
    return value


def _others(value: Any, mentioned: list[Any]) -> Iterator[Any]:
    kind = type_of(value)
    yield from _OTHERS.get(kind, ())
    if isinstance(value, list) and value:
        yield [*value, value[0]]
    yield from (other for other in mentioned if type_of(other) == kind and kind not in {"object", "array"})
    yield from _ANY


def _without(seed: Any, place: Place) -> Iterator[Any]:
    copy = deepcopy(seed)
    del _at(copy, place[:-1])[place[-1]]
    yield copy


def _with(seed: Any, place: Place, value: Any) -> Any:
    copy = deepcopy(seed)
    _at(copy, place[:-1])[place[-1]] = deepcopy(value)
    return copy
