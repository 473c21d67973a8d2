"""Schemas as interned nodes: equal subschemas are one node, so that "the same on both sides" is seen at once."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jsonschema_rs

from compat import patterns
from compat.dialects import Schema
from compat.solver import scalars
from compat.solver.implied import Implications
from compat.solver.parts import kinds_of, parts_of
from compat.values import frozen, type_of

_VALUES = {"enum", "const"}


@dataclass(frozen=True, eq=False)
class Node:
    """A subschema of the normal form; compared by identity, which interning makes the same as equality."""

    number: int
    schema: Schema
    world: World = field(repr=False)

    def __hash__(self) -> int:
        return self.number

    @cached_property
    def target(self) -> Node:
        """The node itself, or what it refers to when it does nothing but refer."""
        seen, node = set(), self
        while isinstance(node.schema, dict) and node.schema.keys() == {"$ref"} and node.number not in seen:
            seen.add(node.number)
            node = self.world.referred(node.schema["$ref"])
        return node

    def child(self, schema: Schema) -> Node:
        return self.world.node(schema)

    @cached_property
    def parts(self) -> list[Node]:
        """The node and what it demands of the same value through `allOf` and `$ref`."""
        return list(parts_of(self))

    @cached_property
    def kinds(self) -> frozenset[str]:
        """The JSON types that all its parts leave room for."""
        return kinds_of(self.parts)

    def implies(self, wide: Node) -> bool:
        """True is a proof that the other accepts whatever this one does; False says nothing."""
        return self is wide or self.world.implications.holds(self, wide)

    def allows(self, kind: str) -> bool:
        """Whether its own `type` and `const` leave room for an instance of this JSON type."""
        schema = self.target.schema
        if isinstance(schema, bool):
            return schema
        types = schema.get("type", kind)
        if kind not in types and not (kind == "number" and "integer" in types):
            return False
        return "const" not in schema or type_of(schema["const"]) == kind

    @cached_property
    def values(self) -> list[Any] | None:
        """The values of an `enum` or `const`, looked for through references and `allOf`."""
        schema = self.target.schema
        if isinstance(schema, bool):
            return None
        if "const" in schema:
            return [schema["const"]]
        if "enum" in schema:
            return list(schema["enum"])
        found = (self.child(part).values for part in schema.get("allOf", ()))
        return next((values for values in found if values is not None), None)

    def accepts(self, instance: Any) -> bool:
        listed = self._listed
        if listed is not None and frozen(instance) not in listed:
            return False
        if not isinstance(instance, (dict, list)):
            return scalars.accepts(self._unlisted, instance, self.world.definitions)
        return self._validator is None or self._validator.is_valid(instance)

    @cached_property
    def _listed(self) -> frozenset[Hashable] | None:
        """The enumerated values: looking one up is quick however many there are."""
        if isinstance(self.schema, bool) or "enum" not in self.schema:
            return None
        return frozenset(frozen(value) for value in self.schema["enum"])

    @cached_property
    def _unlisted(self) -> Schema:
        """The schema without its enumeration."""
        if isinstance(self.schema, bool):
            return self.schema
        return {keyword: value for keyword, value in self.schema.items() if keyword != "enum"}

    @cached_property
    def _validator(self) -> jsonschema_rs.Validator | None:
        return self.world.compiled(self._unlisted) if self._unlisted != {} else None


@dataclass
class World:
    """All schemas of one question, with the definitions they refer to."""

    definitions: dict[str, Schema]
    #: Whether one of the patterns needs an engine that backtracks.
    backtracking: bool = False
    #: The name of a definition that says the same, by the name of each that has one.
    alike: dict[str, str] = field(default_factory=dict, repr=False)
    implications: Implications = field(default_factory=Implications, repr=False)
    _nodes: dict[Hashable, Node] = field(default_factory=dict)
    _by_id: dict[int, Node] = field(default_factory=dict)
    _by_name: dict[str, Node] = field(default_factory=dict)
    _tokens: dict[int, int] = field(default_factory=dict)
    _shallow: dict[Hashable, int] = field(default_factory=dict)
    #: Keeps what is known by its address from being replaced at that address.
    _alive: list[Any] = field(default_factory=list)

    def node(self, schema: Schema) -> Node:
        """The node of a schema."""
        if isinstance(schema, bool) or not schema:
            return self._interned(("boolean", schema is not False), schema is not False)
        known = self._by_id.get(id(schema))
        if known is None:
            known = self._interned(self._token(schema), schema)
            self._by_id[id(schema)] = known
        return known

    def referred(self, reference: str) -> Node:
        """The node a `#/$defs/NAME` leads to."""
        name = reference.rsplit("/", 1)[-1]
        name = self.alike.get(name, name)
        if name not in self._by_name:
            self._by_name[name] = self.node(self.definitions[name])
        return self._by_name[name]

    def compiled(self, schema: Schema) -> jsonschema_rs.Validator:
        """A validator of one node, with the definitions it needs."""
        needed = self._needed(schema)
        document = {**schema, "$defs": needed} if isinstance(schema, dict) and needed else schema
        return jsonschema_rs.Draft202012Validator(
            document, pattern_options=self._engine, validate_formats=True, offline=True
        )

    @property
    def _engine(self) -> jsonschema_rs.RegexOptions | jsonschema_rs.FancyRegexOptions:
        return patterns.engine(backtracking=self.backtracking)

    def _interned(self, key: Hashable, schema: Schema) -> Node:
        if key not in self._nodes:
            self._nodes[key] = Node(len(self._nodes), schema, self)
        return self._nodes[key]

    def _token(self, value: dict[str, Any] | list[Any]) -> Hashable:
        """A small stand-in for a part of a schema; equal parts have equal ones."""
        known = self._tokens.get(id(value))
        if known is None:
            parts = self._items(value) if isinstance(value, list) else self._members(value)
            # Negative, so that none is taken for a boolean schema: in Python 1 is True.
            known = self._shallow.setdefault(parts, -1 - len(self._shallow))
            self._tokens[id(value)] = known
            self._alive.append(value)
        return known

    def _items(self, value: list[Any]) -> Hashable:
        return tuple([self._token(item) if isinstance(item, (dict, list)) else item for item in value])

    def _members(self, value: dict[str, Any]) -> Hashable:
        members: list[Hashable] = []
        for key, item in value.items():
            if key in _VALUES:
                members.append((key, frozen(item)))
            elif isinstance(item, (dict, list)):
                members.append((key, self._token(item)))
            else:
                members.append((key, self._reference(item) if key == "$ref" else item))
        return frozenset(members)

    def _reference(self, reference: str) -> Hashable:
        name = reference.rsplit("/", 1)[-1]
        return ("target", self.alike.get(name, name))

    def _needed(self, schema: Any) -> dict[str, Schema]:
        needed: dict[str, Schema] = {}
        stack = [schema]
        while stack:
            node = stack.pop()
            if isinstance(node, list):
                stack.extend(node)
            elif isinstance(node, dict):
                name = str(node.get("$ref", "")).rsplit("/", 1)[-1]
                if name in self.definitions and name not in needed:
                    needed[name] = self.definitions[name]
                    stack.append(needed[name])
                stack.extend(node.values())
        return needed
