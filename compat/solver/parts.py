"""What a node says about its own place: itself and what it demands there through `allOf` and `$ref`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from compat import patterns
from compat.values import TYPES

if TYPE_CHECKING:
    from compat.solver.nodes import Node

#: How many `allOf` and `$ref` are opened.
_MOST_PARTS = 40


def parts_of(node: Node) -> Iterator[Node]:
    """The node and what it demands of the same value through `allOf` and `$ref`."""
    waiting, seen = [node], 0
    while waiting and seen < _MOST_PARTS:
        part = waiting.pop().target
        schema, seen = part.schema, seen + 1
        if isinstance(schema, dict):
            yield part
            waiting.extend(part.child(branch) for branch in schema.get("allOf", ()))
            if "$ref" in schema:
                waiting.append(part.world.referred(schema["$ref"]))


def kinds_of(parts: list[Node]) -> frozenset[str]:
    return frozenset(kind for kind in TYPES if all(part.allows(kind) for part in parts))


def required_of(parts: list[Node]) -> set[str]:
    return {name for part in parts for name in part.schema.get("required", ())}  # type: ignore[union-attr]


def demanded_at(name: str, parts: list[Node]) -> list[Node]:
    """What the parts demand of a property's value."""
    return [node for part in parts for node in _own_at(name, part)]


def _own_at(name: str, part: Node) -> list[Node]:
    schema = part.schema
    assert isinstance(schema, dict)
    children = [schema["properties"][name]] if name in schema.get("properties", ()) else []
    if "patternProperties" in schema:
        members = schema["patternProperties"].items()
        children.extend(child for pattern, child in members if patterns.matches(pattern, name))
    if not children and "additionalProperties" in schema:
        children.append(schema["additionalProperties"])
    return [part.child(child) for child in children]
