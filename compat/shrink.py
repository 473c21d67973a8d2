"""Making a counterexample short enough to read, without losing what it shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

#: Smaller instances that are tried; each is validated by one fast validator per side.
_TRIES = 60


def shrunk(instance: Any, shows: Callable[[Any], bool]) -> Any:
    """The instance with members, items and scalars taken away or made plain as long as it still `shows` the difference."""
    tries = iter(range(_TRIES))
    progress = True
    while progress:
        progress = False
        for smaller in _smaller(instance):
            if next(tries, None) is None:
                return instance
            if shows(smaller):
                instance, progress = smaller, True
                break
    return instance


def _smaller(value: Any) -> Iterator[Any]:
    """Simpler values, the boldest first: without one member, then with one member simpler."""
    if isinstance(value, dict):
        for name in value:
            yield {key: inner for key, inner in value.items() if key != name}
        for name, inner in value.items():
            yield from ({**value, name: simpler} for simpler in _smaller(inner))
    elif isinstance(value, list):
        for index in range(len(value)):
            yield value[:index] + value[index + 1 :]
        for index, inner in enumerate(value):
            yield from ([*value[:index], simpler, *value[index + 1 :]] for simpler in _smaller(inner))
    elif isinstance(value, str) and len(value) > 1:
        yield from ("", value[: len(value) // 2], value[:-1])
