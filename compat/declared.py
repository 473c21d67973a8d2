"""The declared world: a writer that sends only the fields its schema declares.

declared(S) is S and closed(S). closed(S) is S with `unevaluatedProperties: false` at every schema that describes an
instance location (the root and every value of `properties`, `patternProperties`, `additionalProperties`, `items`,
`prefixItems`, `unevaluatedItems`, `unevaluatedProperties`) and declares properties there, itself or through
`allOf`, `anyOf`, `oneOf`, `if`/`then`/`else`, `dependentSchemas` or `$ref`. A name that `required` or
`dependentRequired` mentions counts as declared. A schema that declares none is a free-form map and stays open, and so
does one that already says what other properties may be. Nothing under `not`, `contains` and `propertyNames` is touched:
those test, they do not describe.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from compat.dialects import Schema
from compat.rewrite import Rewritten

_ONE = ("additionalProperties", "items", "unevaluatedItems", "unevaluatedProperties")
_MANY = ("properties", "patternProperties")
_IN_PLACE_LISTS = ("allOf", "anyOf", "oneOf")
_IN_PLACE = ("if", "then", "else")
#: Copies of a definition: for locations that are closed, and for those that stay open themselves.
_CLOSED, _INNER = "closed-", "inner-"


def declared(schema: Rewritten) -> Rewritten:
    """declared(S): the same set of instances, less those with a field that S does not declare where it declares some."""
    work = _Closing(schema.definitions)
    closed = work.location(schema.root)
    work.finish()
    definitions = {**schema.definitions, **work.closed}
    # Closing inside these can turn a refusal into an acceptance, so the original has to hold as well.
    if _tests_inside(schema):
        both = {"allOf": [schema.root, closed]}
        return Rewritten(both, definitions, schema.backtracking, schema.formats, outline=closed)
    kept = definitions if _keeps_a_reference(closed, work.closed) else work.closed
    return Rewritten(closed, kept, schema.backtracking, schema.formats)


@dataclass
class _Closing:
    definitions: dict[str, Schema]
    closed: dict[str, Schema] = field(default_factory=dict)
    _waiting: list[tuple[str, str]] = field(default_factory=list)

    def location(self, schema: Schema) -> Schema:
        """A schema that describes an instance location by itself."""
        if isinstance(schema, bool):
            return schema
        says_what_else = "unevaluatedProperties" in schema or "additionalProperties" in schema
        if says_what_else or not self.declares(schema, frozenset()):
            return self._in_place(schema, mention=False)
        alone = not any(key in schema for key in (*_IN_PLACE_LISTS, *_IN_PLACE, "$ref", "dependentSchemas"))
        keyword = "additionalProperties" if alone else "unevaluatedProperties"
        return {**self._in_place(schema, mention=True), keyword: False}

    def in_place(self, schema: Schema, *, mention: bool) -> Schema:
        """A schema that speaks about a location together with others: its children are closed, itself is not.

        `mention`: the location is going to be closed, so the names that it insists on have to be declared.
        """
        return schema if isinstance(schema, bool) else self._in_place(schema, mention=mention)

    def _in_place(self, schema: dict[str, Any], *, mention: bool) -> dict[str, Any]:
        out = dict(schema)
        for key in _MANY:
            if key in schema:
                out[key] = {name: self.location(child) for name, child in schema[key].items()}
        out.update({key: self.location(schema[key]) for key in _ONE if key in schema})
        out.update({key: self.in_place(schema[key], mention=mention) for key in _IN_PLACE if key in schema})
        for key in _IN_PLACE_LISTS:
            if key in schema:
                out[key] = [self.in_place(branch, mention=mention) for branch in schema[key]]
        if "prefixItems" in schema:
            out["prefixItems"] = [self.location(child) for child in schema["prefixItems"]]
        if "dependentSchemas" in schema:
            children = schema["dependentSchemas"].items()
            out["dependentSchemas"] = {
                name: self.in_place(child, mention=mention) for name, child in children
            }
        if "$ref" in schema:
            out["$ref"] = self._reference(schema["$ref"], _CLOSED if mention else _INNER)
        return _mentioned(out) if mention else out

    def declares(self, schema: Schema, inside: frozenset[str]) -> bool:
        if isinstance(schema, bool):
            return False
        if schema.get("properties"):
            return True
        return any(self.declares(branch, inside) for branch in _branches(schema)) or self._target_declares(
            schema, inside
        )

    def _target_declares(self, schema: dict[str, Any], inside: frozenset[str]) -> bool:
        name = _target(schema)
        return (
            name is not None and name not in inside and self.declares(self.definitions[name], inside | {name})
        )

    def _reference(self, reference: str, prefix: str) -> str:
        name = reference.rsplit("/", 1)[-1]
        if prefix + name not in self.closed:
            self.closed[prefix + name] = True
            self._waiting.append((prefix, name))
        return f"#/$defs/{prefix}{name}"

    def finish(self) -> None:
        """Close the definitions that references were found to."""
        while self._waiting:
            prefix, name = self._waiting.pop()
            self.closed[prefix + name] = self.in_place(self.definitions[name], mention=prefix == _CLOSED)


def _mentioned(schema: dict[str, Any]) -> dict[str, Any]:
    """Names that must be there count as declared, or the closed schema would admit nothing."""
    names = set(schema.get("required", ()))
    for key, needed in schema.get("dependentRequired", {}).items():
        names |= {key, *needed}
    names -= schema.get("properties", {}).keys()
    if not names or "additionalProperties" in schema:
        return schema
    return {**schema, "properties": {**schema.get("properties", {}), **dict.fromkeys(sorted(names), True)}}


def _branches(schema: dict[str, Any]) -> list[Schema]:
    branches = [schema[key] for key in _IN_PLACE if key in schema]
    for key in _IN_PLACE_LISTS:
        branches.extend(schema.get(key, ()))
    return branches + list(schema.get("dependentSchemas", {}).values())


def _target(schema: dict[str, Any]) -> str | None:
    reference = schema.get("$ref")
    return reference.rsplit("/", 1)[-1] if reference else None


_FLIPPING = {"oneOf", "if", "contains"}


def _tests_inside(schema: Rewritten) -> bool:
    stack: list[Any] = [schema.root, *schema.definitions.values()]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            if not _FLIPPING.isdisjoint(node):
                return True
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
    return False


def _keeps_a_reference(closed: Schema, definitions: dict[str, Schema]) -> bool:
    """Whether something that is never closed, such as what stands under `not`, refers to a definition as it was."""
    stack: list[Any] = [closed, *definitions.values()]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            target = node.get("$ref")
            if isinstance(target, str) and target.rsplit("/", 1)[-1] not in definitions:
                return True
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
    return False
