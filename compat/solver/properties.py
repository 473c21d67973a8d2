"""Which code points a Unicode property has: asked of the engine that will judge the texts, so that both know the same Unicode."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator
from functools import lru_cache
from typing import TypeAlias

import jsonschema_rs

from compat import patterns

LAST = 0x10FFFF
#: Code point ranges, sorted and apart.
Ranges: TypeAlias = tuple[tuple[int, int], ...]
#: Blocks of so many code points are looked at, and divided while they hold some with the property and some without.
_BLOCK = 4_096
_PARTS = 8
_SURROGATES = (0xD800, 0xDFFF)


@lru_cache(maxsize=1)
def _everything() -> str:
    """All code points, each at its own place; surrogates, which are no characters, are spaces here."""
    low, high = _SURROGATES
    points = array("I", range(LAST + 1))
    points[low : high + 1] = array("I", [ord(" ")] * (high - low + 1))
    return points.tobytes().decode(f"utf-{points.itemsize * 8}-{sys.byteorder[0]}e")


@lru_cache(maxsize=64)
def code_points(name: str) -> Ranges | None:
    r"""The code points of `\p{name}`; None when the engine knows no such property."""
    try:
        inside, outside = (_consisting_of(rf"\{letter}{{{name}}}") for letter in "pP")
    except ValueError:
        return None
    found: list[tuple[int, int]] = []
    for start in range(0, LAST + 1, _BLOCK):
        for low, high in _uniform(start, start + _BLOCK, inside, outside):
            if found and found[-1][1] == low - 1:
                found[-1] = (found[-1][0], high)
            else:
                found.append((low, high))
    return tuple(found)


def _consisting_of(atom: str) -> jsonschema_rs.Validator:
    return jsonschema_rs.Draft202012Validator(
        {"pattern": f"^{atom}*$"}, pattern_options=patterns.LINEAR, offline=True
    )


def _uniform(
    start: int, end: int, inside: jsonschema_rs.Validator, outside: jsonschema_rs.Validator
) -> Iterator[tuple[int, int]]:
    """Blocks of nothing but code points with the property."""
    text = _everything()[start:end]
    if outside.is_valid(text):
        return
    if inside.is_valid(text):
        yield start, end - 1
        return
    step = max(1, (end - start) // _PARTS)
    for part in range(start, end, step):
        yield from _uniform(part, min(part + step, end), inside, outside)
