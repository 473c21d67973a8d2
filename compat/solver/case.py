"""One case of a search: what is known about an instance of one JSON type at one location."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from compat import patterns
from compat.errors import CompatError
from compat.solver.nodes import Node

#: The node must (True) or must not (False) accept the instance.
Literal: TypeAlias = tuple[Node, bool]
#: A literal or a fact to be added: ("literal", Literal), ("required", "name"), ("minimum", Fraction) …
Move: TypeAlias = tuple[str, Any]
Option: TypeAlias = tuple[Move, ...]


_OPPOSITES = {"unique": "repeated", "repeated": "unique", "integer": "fraction", "fraction": "integer"}


class Contradiction(CompatError):
    """Nothing satisfies what is known so far."""


@dataclass(frozen=True, eq=False)
class Shape:
    """Which nodes the value of a property has to satisfy, by its name."""

    properties: dict[str, Node] = field(default_factory=dict)
    members: tuple[tuple[str, Node], ...] = ()
    #: For names that neither of the above nor `covered` and `covered_members` speak about.
    rest: Node | None = None
    covered: frozenset[str] = frozenset()
    covered_members: tuple[str, ...] = ()

    def at(self, name: str) -> list[Node]:
        nodes = [self.properties[name]] if name in self.properties else []
        if self.members:
            nodes.extend(node for pattern, node in self.members if patterns.matches(pattern, name))
        if self.rest is not None and not nodes and self.is_rest(name):
            nodes.append(self.rest)
        return nodes

    def is_rest(self, name: str) -> bool:
        """Whether `rest` speaks about this name."""
        if name in self.properties or name in self.covered:
            return False
        speaking = (*(pattern for pattern, _ in self.members), *self.covered_members)
        return not any(patterns.matches(pattern, name) for pattern in speaking)

    def patterns(self) -> tuple[str, ...]:
        return (*(pattern for pattern, _ in self.members), *self.covered_members)

    def names(self) -> set[str]:
        return {*self.properties, *self.covered}


@dataclass(slots=True, eq=False)
class Some:
    """Some property, of this name or of a class of names, whose value satisfies the literals."""

    literals: tuple[Literal, ...]
    name: str | None = None
    pattern: str | None = None
    #: The class of names that a shape's `rest` speaks about.
    outside: Shape | None = None

    def includes(self, name: str) -> bool:
        if self.name is not None:
            return name == self.name
        if self.pattern is not None:
            return patterns.matches(self.pattern, name)
        return self.outside is None or self.outside.is_rest(name)


@dataclass(frozen=True, eq=False)
class Sequence:
    """Which nodes the items of an array have to satisfy, by index."""

    prefix: tuple[Node, ...] = ()
    rest: Node | None = None

    def at(self, index: int) -> Node | None:
        return self.prefix[index] if index < len(self.prefix) else self.rest


@dataclass(frozen=True, eq=False)
class Contains:
    """Between `low` and `high` items satisfy the node."""

    node: Node
    low: int
    high: int | None


@dataclass(frozen=True, eq=False)
class SomeItem:
    """Some item, at this index or at any index from it on, that satisfies the literals."""

    literals: tuple[Literal, ...]
    index: int
    or_later: bool = False
    #: Items that are counted: of one count, no two demands are met by the same item.
    count: Contains | None = None


@dataclass(eq=False)
class Case:
    """Facts gathered about one instance, and the choices that are still open."""

    kind: str
    literals: dict[tuple[int, bool], Literal] = field(default_factory=dict)
    facts: dict[str, list[Any]] = field(default_factory=dict)
    pending: list[Any] = field(default_factory=list)
    #: By name of a property: how many shapes were looked at, and the values they leave it.
    _tags: dict[str, tuple[int, list[Any] | None]] = field(default_factory=dict)

    def copy(self) -> Case:
        facts = {name: list(values) for name, values in self.facts.items()}
        return Case(self.kind, dict(self.literals), facts, list(self.pending), dict(self._tags))

    def get(self, name: str) -> list[Any]:
        return self.facts.get(name, [])

    def add(self, name: str, value: Any) -> None:
        self.facts.setdefault(name, []).append(value)

    def holds(self, node: Node, *, truth: bool) -> bool:
        return (node.target.number, truth) in self.literals

    def of_property(self, name: str) -> list[Literal]:
        """What has to be true of the value of a property, when it is there."""
        return [(node, True) for shape in self.get("shape") for node in shape.at(name)]

    def tags(self, name: str) -> list[Any] | None:
        """The few values that a property can have, when an `enum` or `const` says so."""
        shapes = self.get("shape")
        known, found = self._tags.get(name, (0, None))
        for shape in shapes[known:]:
            for node in shape.at(name):
                values = node.values
                if values is not None:
                    found = values if found is None else [v for v in found if node.accepts(v)]
        self._tags[name] = (len(shapes), found)
        return found

    def refutes(self, move: Move) -> bool:
        """Whether a move cheaply contradicts what is known. False says nothing."""
        name, value = move
        if name == "literal":
            return self._refutes_literal(*value)
        if name == "required":
            return value in self.get("forbidden")
        if name == "forbidden":
            return value in self.get("required")
        if name in _OPPOSITES:
            return _OPPOSITES[name] in self.facts
        if name == "some" and value.name is not None:
            return value.name in self.get("forbidden") or self._refutes_value(value)
        return False

    def _refutes_literal(self, node: Node, truth: bool) -> bool:  # noqa: FBT001 -- the two halves of a literal
        if truth:
            return self.holds(node, truth=False) or self._excludes(node.target, 0)
        return any(held.implies(node) for held, true in self.literals.values() if true)

    def entails(self, move: Move) -> bool:
        """Whether a move is already true. False says nothing."""
        name, value = move
        if name == "literal":
            node, truth = value
            return self.holds(node, truth=truth) or (not truth and self._excludes(node.target, 0))
        if name in {"required", "forbidden"}:
            return value in self.get(name)
        if name == "some" and value.name in self.get("required"):
            return self._entails_value(value)
        return False

    def _refutes_value(self, some: Some) -> bool:
        assert some.name is not None
        nodes = [node.target for shape in self.get("shape") for node in shape.at(some.name)]
        if any(not truth and any(held.implies(node) for held in nodes) for node, truth in some.literals):
            return True
        tags = self.tags(some.name)
        return tags is not None and not any(_satisfies(tag, some.literals) for tag in tags)

    def _entails_value(self, some: Some) -> bool:
        assert some.name is not None
        tags = self.tags(some.name)
        return tags is not None and all(_satisfies(tag, some.literals) for tag in tags)

    def _excludes(self, node: Node, depth: int) -> bool:
        """Whether a node cannot accept the instance: by its type, its required names, or a tag."""
        schema = node.schema
        if isinstance(schema, bool):
            return not schema
        if not node.allows(self.kind) or (self.kind == "object" and self._excludes_object(node, schema)):
            return True
        inner = [node.child(part) for part in schema.get("allOf", ())] if depth < 4 else []
        if "$ref" in schema and depth < 4:
            inner.append(node.world.referred(schema["$ref"]))
        return any(self.holds(part, truth=False) or self._excludes(part.target, depth + 1) for part in inner)

    def _excludes_object(self, node: Node, schema: dict[str, Any]) -> bool:
        if not set(schema.get("required", ())).isdisjoint(self.get("forbidden")):
            return True
        declared = schema.get("properties", {})
        for name in self.get("required"):
            tags = self.tags(name) if name in declared else None
            if tags is not None and not any(node.child(declared[name]).accepts(tag) for tag in tags):
                return True
        return False


def _satisfies(value: Any, literals: Iterable[Literal]) -> bool:
    return all(node.accepts(value) == truth for node, truth in literals)
