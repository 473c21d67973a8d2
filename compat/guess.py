"""Instances worth trying when nothing better is known: the values a schema mentions, and their neighbours."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from compat.rewrite import Rewritten
from compat.values import frozen, type_of

_COMMON: tuple[Any, ...] = (None, True, False, 0, 1, -1, 0.5, "", "a", [], [0], {}, {"a": 0}, [None, None])
_MOST = 400


def guesses(*schemas: Rewritten) -> list[Any]:
    """Distinct values, most common first, at most a few hundred."""
    found: dict[Any, Any] = {}
    for value in islice(_values(schemas), _MOST * 4):
        found.setdefault(frozen(value), value)
    return list(found.values())[:_MOST]


def _values(schemas: tuple[Rewritten, ...]) -> Iterator[Any]:
    yield from _COMMON
    for schema in schemas:
        for node in _objects([schema.root, *schema.definitions.values()]):
            yield from _mentioned(node)


def _mentioned(node: dict[str, Any]) -> Iterator[Any]:
    if isinstance(node.get("enum"), list):
        yield from node["enum"]
    if "const" in node:
        yield node["const"]
    for key in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"):
        if type_of(node.get(key)) == "number":
            yield from (node[key], node[key] - 1, node[key] + 1)
    for key in ("minLength", "maxLength"):
        if type_of(node.get(key)) == "number":
            yield from ("a" * max(0, min(node[key] + step, 2000)) for step in (0, -1, 1))
    if isinstance(node.get("required"), list):
        yield dict.fromkeys(node["required"])


def _objects(roots: list[Any]) -> Iterator[dict[str, Any]]:
    stack = list(reversed(roots))
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            yield node
            stack.extend(reversed(list(node.values())))
        elif isinstance(node, list):
            stack.extend(reversed(node))
