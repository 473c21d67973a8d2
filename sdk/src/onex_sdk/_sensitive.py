"""Which values of an event a schema marks with `"x-sensitive": true`.

Every schema that may speak about a place counts: those behind $ref, in allOf, anyOf and oneOf, in the branches of a
condition. One mark is enough, so that a value is rather encrypted for nothing than sent in the clear.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import jsonschema_rs

KEYWORD = "x-sensitive"
_DATA = frozenset({"const", "enum", "default", "examples"})
_LISTS = ("allOf", "anyOf", "oneOf")
_ONES = ("if", "then", "else", "not")
_NAMED = ("dependentSchemas", "dependencies")
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_MANY = 10_000


class Unresolved(Exception):
    """A reference of the schema that leads nowhere here: what is marked cannot be told."""


class _Node(NamedTuple):
    document: str
    schema: dict[str, Any]


class Marks:
    """The marks of one schema with what it refers to. Safe to share between threads."""

    def __init__(self, text: str, store: Mapping[str, str]) -> None:
        self._documents = {"": json.loads(text), **{name: json.loads(one) for name, one in store.items()}}
        #: Whether anything is marked at all.
        self.any = any(_marked_somewhere(document) for document in self._documents.values())

    def replace(self, metadata: Any, seal: Callable[[Any], Any]) -> Any:
        """A copy with `seal(value)` in place of every marked value; null, which says nothing, stays.

        A whole event cannot be one value: where all of it is marked, each of its members is. Raises Unresolved.
        """
        if not self.any or not isinstance(metadata, dict):
            return metadata
        nodes = list(self._closure(self._node("", self._documents[""])))
        if not _says_so(nodes):
            return self._inside(metadata, nodes, seal)
        return {name: item if item is None else seal(item) for name, item in metadata.items()}

    def _value(self, value: Any, nodes: list[_Node], seal: Callable[[Any], Any]) -> Any:
        if value is None:
            return None
        return seal(value) if _says_so(nodes) else self._inside(value, nodes, seal)

    def _inside(self, value: Any, nodes: list[_Node], seal: Callable[[Any], Any]) -> Any:
        if not nodes:
            return value
        if isinstance(value, dict):
            return {
                name: self._value(item, self._of_member(nodes, str(name)), seal)
                for name, item in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self._value(item, self._of_item(nodes, at), seal) for at, item in enumerate(value)]
        return value

    def _of_member(self, nodes: list[_Node], name: str) -> list[_Node]:
        found: list[_Node] = []
        for document, schema in nodes:
            known = [schema["properties"][name]] if name in (schema.get("properties") or {}) else []
            patterns = schema.get("patternProperties") or {}
            known += [one for pattern, one in patterns.items() if _matches(pattern, name)]
            more = [] if known else [schema.get("additionalProperties")]
            for one in (*known, *more, schema.get("unevaluatedProperties")):
                found += self._closure(self._node(document, one))
        return found

    def _of_item(self, nodes: list[_Node], at: int) -> list[_Node]:
        found: list[_Node] = []
        for document, schema in nodes:
            items = schema.get("items")
            listed = schema.get("prefixItems") or (items if isinstance(items, list) else [])
            rest = schema.get("additionalItems") if isinstance(items, list) else items
            own = listed[at] if at < len(listed) else rest
            for one in (own, schema.get("contains"), schema.get("unevaluatedItems")):
                found += self._closure(self._node(document, one))
        return found

    def _closure(self, node: _Node | None) -> Iterator[_Node]:
        """The schema and every other one that speaks about the same value."""
        waiting, seen = [node], set()
        while waiting:
            current = waiting.pop()
            if current is None or id(current.schema) in seen:
                continue
            seen.add(id(current.schema))
            if len(seen) > _MANY:
                raise Unresolved(f"More than {_MANY:,} schemas speak about one value.")
            yield current
            waiting += self._beside(*current)

    def _beside(self, document: str, schema: dict[str, Any]) -> Iterator[_Node | None]:
        for key in _REFERENCES:
            if isinstance(reference := schema.get(key), str):
                yield self._target(document, reference)
        for key in _LISTS:
            yield from (self._node(document, one) for one in schema.get(key) or ())
        for key in _ONES:
            yield self._node(document, schema.get(key))
        for key in _NAMED:
            yield from (self._node(document, one) for one in (schema.get(key) or {}).values())

    def _target(self, document: str, reference: str) -> _Node | None:
        name, _, fragment = reference.partition("#")
        home = document if not name else self._named(name)
        if not fragment:
            return self._node(home, self._documents[home])
        if fragment.startswith("/"):
            return self._node(home, _pointed(self._documents[home], fragment))
        return self._node(home, _anchored(self._documents[home], fragment))

    def _named(self, name: str) -> str:
        if name in self._documents:
            return name
        for known, document in self._documents.items():
            said = document.get("$id", document.get("id")) if isinstance(document, dict) else None
            if said in (name, f"{name}#"):
                return known
        # As a relative name is found whatever the base is.
        close = [known for known in self._documents if known and name.endswith(f"/{known}")]
        if len(close) != 1:
            raise Unresolved(f"$ref names {name!r}, which is not among what the schema refers to.")
        return close[0]

    def _node(self, document: str, schema: Any) -> _Node | None:
        return _Node(document, schema) if isinstance(schema, dict) else None


def _says_so(nodes: list[_Node]) -> bool:
    return any(node.schema.get(KEYWORD) is True for node in nodes)


def _marked_somewhere(schema: Any) -> bool:
    if isinstance(schema, list):
        return any(_marked_somewhere(item) for item in schema)
    if not isinstance(schema, dict):
        return False
    return schema.get(KEYWORD) is True or any(
        _marked_somewhere(item) for key, item in schema.items() if key not in _DATA or isinstance(item, dict)
    )


def _pointed(document: Any, fragment: str) -> Any:
    node = document
    for step in fragment[1:].split("/"):
        name = step.replace("~1", "/").replace("~0", "~").replace("%25", "%").replace("%22", '"')
        if isinstance(node, list) and name.isdecimal() and int(name) < len(node):
            node = node[int(name)]
        elif isinstance(node, dict) and name in node:
            node = node[name]
        else:
            raise Unresolved(f"$ref leads to #{fragment}, where nothing is.")
    return node


def _anchored(document: Any, anchor: str) -> Any:
    waiting = [document]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if anchor in (node.get("$anchor"), node.get("$dynamicAnchor")) or f"#{anchor}" in (
                node.get("$id"),
                node.get("id"),
            ):
                return node
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    raise Unresolved(f"$ref leads to #{anchor}, which is not there.")


@lru_cache(maxsize=10_000)
def _matches(pattern: str, name: str) -> bool:
    """By the engine that validates, which runs in linear time; a pattern that it does not take matches all."""
    try:
        schema = {"pattern": pattern}
        return jsonschema_rs.Draft7Validator(schema, pattern_options=jsonschema_rs.RegexOptions()).is_valid(
            name
        )
    except (ValueError, jsonschema_rs.ValidationError):
        return True
