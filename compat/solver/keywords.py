"""What each keyword says about an instance of one JSON type, when it holds and when it fails.

One function each way per keyword, in two tables. A function that says how a keyword holds yields moves that are all true;
one that says how it fails yields options of which one is true. A keyword about another type holds and cannot fail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from compat.solver.case import Contains, Move, Option, Sequence, Shape, Some, SomeItem
from compat.solver.choices import AnyOf, CoveredProperties, ExactlyOne, NotExactlyOne
from compat.solver.nodes import Node
from compat.values import exact


@dataclass(slots=True)
class Use:
    """One keyword of one node, seen for one JSON type."""

    node: Node
    schema: dict[str, Any]
    keyword: str
    kind: str

    @property
    def value(self) -> Any:
        return self.schema[self.keyword]

    def child(self, schema: Any) -> Node:
        return self.node.child(schema)

    def is_(self, schema: Any) -> Move:
        return ("literal", (self.child(schema), True))

    def is_not(self, schema: Any) -> Move:
        return ("literal", (self.child(schema), False))


_Holds = Callable[[Use], Iterator[Move]]
_Fails = Callable[[Use], Iterator[Option]]
_NEVER: Move = ("never true", None)


def holding(node: Node, kind: str) -> Iterator[Move]:
    """Everything that is true of an instance of this type which the node accepts."""
    assert isinstance(node.schema, dict)
    for keyword in node.schema:
        about, holds, _ = KEYWORDS.get(keyword, _IGNORED)
        if about in {None, kind}:
            yield from holds(Use(node, node.schema, keyword, kind))


def failing(node: Node, kind: str) -> Iterator[Option]:
    """All the ways in which an instance of this type can be one that the node refuses."""
    assert isinstance(node.schema, dict)
    for keyword in node.schema:
        about, _, fails = KEYWORDS.get(keyword, _IGNORED)
        if about in {None, kind}:
            yield from fails(Use(node, node.schema, keyword, kind))


def _type_holds(use: Use) -> Iterator[Move]:
    types = [use.value] if isinstance(use.value, str) else use.value
    if use.kind in types:
        return
    yield ("integer", True) if use.kind == "number" and "integer" in types else _NEVER


def _type_fails(use: Use) -> Iterator[Option]:
    types = [use.value] if isinstance(use.value, str) else use.value
    if use.kind not in types:
        yield (("fraction", True),) if use.kind == "number" and "integer" in types else ()


def _enum_holds(use: Use) -> Iterator[Move]:
    yield ("only", use.value if use.keyword == "enum" else [use.value])


def _enum_fails(use: Use) -> Iterator[Option]:
    yield (("never", use.value if use.keyword == "enum" else [use.value]),)


def _ref_holds(use: Use) -> Iterator[Move]:
    yield ("literal", (use.node.world.referred(use.value), True))


def _ref_fails(use: Use) -> Iterator[Option]:
    yield (("literal", (use.node.world.referred(use.value), False)),)


def _all_of_holds(use: Use) -> Iterator[Move]:
    yield from (use.is_(branch) for branch in use.value)


def _all_of_fails(use: Use) -> Iterator[Option]:
    yield from ((use.is_not(branch),) for branch in use.value)


def _any_of_holds(use: Use) -> Iterator[Move]:
    yield ("choose", AnyOf(tuple((use.is_(branch),) for branch in use.value)))


def _any_of_fails(use: Use) -> Iterator[Option]:
    yield tuple(use.is_not(branch) for branch in use.value)


def _one_of_holds(use: Use) -> Iterator[Move]:
    yield ("choose", ExactlyOne(tuple(use.child(branch) for branch in use.value)))


def _one_of_fails(use: Use) -> Iterator[Option]:
    yield (("choose", NotExactlyOne(tuple(use.child(branch) for branch in use.value))),)


def _not_holds(use: Use) -> Iterator[Move]:
    yield use.is_not(use.value)


def _not_fails(use: Use) -> Iterator[Option]:
    yield (use.is_(use.value),)


def _if_holds(use: Use) -> Iterator[Move]:
    then, otherwise = use.schema.get("then", True), use.schema.get("else", True)
    if then is not True or otherwise is not True:
        yes, no = (use.is_(use.value), use.is_(then)), (use.is_not(use.value), use.is_(otherwise))
        yield ("choose", AnyOf((yes, no)))


def _if_fails(use: Use) -> Iterator[Option]:
    if "then" in use.schema:
        yield (use.is_(use.value), use.is_not(use.schema["then"]))
    if "else" in use.schema:
        yield (use.is_not(use.value), use.is_not(use.schema["else"]))


def _fact(name: str, read: Callable[[Any], Any] = lambda value: value) -> _Holds:
    def holds(use: Use) -> Iterator[Move]:
        yield (name, read(use.value))

    return holds


def _not_fact(name: str, read: Callable[[Any], Any] = lambda value: value) -> _Fails:
    def fails(use: Use) -> Iterator[Option]:
        yield ((name, read(use.value)),)

    return fails


def _at_least_fails(name: str) -> _Fails:
    def fails(use: Use) -> Iterator[Option]:
        if use.value > 0:
            yield ((name, use.value - 1),)

    return fails


def _required_holds(use: Use) -> Iterator[Move]:
    yield from (("required", name) for name in use.value)


def _required_fails(use: Use) -> Iterator[Option]:
    yield from ((("forbidden", name),) for name in use.value)


def _properties_holds(use: Use) -> Iterator[Move]:
    """`properties`, `patternProperties` and `additionalProperties` are one fact, given by the first of them."""
    first = next(keyword for keyword in use.schema if keyword in _OBJECT_SHAPE)
    if use.keyword == first:
        yield ("shape", shape_of(use.node))


def _properties_fails(use: Use) -> Iterator[Option]:
    for name, schema in use.value.items():
        yield (("some", Some((_refusing(use, schema),), name=name)),)


def _members_fails(use: Use) -> Iterator[Option]:
    for pattern, schema in use.value.items():
        yield (("some", Some((_refusing(use, schema),), pattern=pattern)),)


def _additional_fails(use: Use) -> Iterator[Option]:
    if use.value is not True:
        yield (("some", Some((_refusing(use, use.value),), outside=shape_of(use.node))),)


def _refusing(use: Use, schema: Any) -> tuple[Node, bool]:
    return use.child(schema), False


def shape_of(node: Node) -> Shape:
    """What the properties of a node's own object keywords have to be."""
    schema = node.schema
    assert isinstance(schema, dict)
    rest = schema.get("additionalProperties", True)
    return Shape(
        properties={name: node.child(child) for name, child in schema.get("properties", {}).items()},
        members=tuple((p, node.child(child)) for p, child in schema.get("patternProperties", {}).items()),
        rest=None if rest is True else node.child(rest),
    )


def _names_holds(use: Use) -> Iterator[Move]:
    yield ("names", (use.child(use.value), True))


def _names_fails(use: Use) -> Iterator[Option]:
    yield (("bad name", (use.child(use.value), False)),)


def _dependent_required_holds(use: Use) -> Iterator[Move]:
    for name, needed in use.value.items():
        if needed:
            present = tuple(("required", other) for other in needed)
            yield ("choose", AnyOf(((("forbidden", name),), present)))


def _dependent_required_fails(use: Use) -> Iterator[Option]:
    for name, needed in use.value.items():
        yield from ((("required", name), ("forbidden", other)) for other in needed)


def _dependent_schemas_holds(use: Use) -> Iterator[Move]:
    for name, schema in use.value.items():
        yield ("choose", AnyOf(((("forbidden", name),), (use.is_(schema),))))


def _dependent_schemas_fails(use: Use) -> Iterator[Option]:
    for name, schema in use.value.items():
        yield (("required", name), use.is_not(schema))


def _items_holds(use: Use) -> Iterator[Move]:
    """`prefixItems` and `items` are one fact, given by the first of them."""
    if use.keyword == "prefixItems" or "prefixItems" not in use.schema:
        yield ("items", sequence_of(use.node))


def sequence_of(node: Node) -> Sequence:
    schema = node.schema
    assert isinstance(schema, dict)
    rest = schema.get("items", True)
    prefix = tuple(node.child(child) for child in schema.get("prefixItems", ()))
    return Sequence(prefix, None if rest is True else node.child(rest))


def _prefix_fails(use: Use) -> Iterator[Option]:
    for index, schema in enumerate(use.value):
        yield (("some item", SomeItem((_refusing(use, schema),), index)),)


def _items_fails(use: Use) -> Iterator[Option]:
    start = len(use.schema.get("prefixItems", ()))
    if use.value is not True:
        yield (("some item", SomeItem((_refusing(use, use.value),), start, or_later=True)),)


def _contains_holds(use: Use) -> Iterator[Move]:
    low, high = use.schema.get("minContains", 1), use.schema.get("maxContains")
    if low > 0 or high is not None:
        yield ("contains", Contains(use.child(use.value), low, high))


def _contains_fails(use: Use) -> Iterator[Option]:
    low, high = use.schema.get("minContains", 1), use.schema.get("maxContains")
    node = use.child(use.value)
    if low > 0:
        yield (("contains", Contains(node, 0, low - 1)),)
    if high is not None:
        yield (("contains", Contains(node, high + 1, None)),)


def _unique_holds(use: Use) -> Iterator[Move]:
    if use.value:
        yield ("unique", True)


def _unique_fails(use: Use) -> Iterator[Option]:
    if use.value:
        yield (("repeated", True),)


def _unevaluated_holds(use: Use) -> Iterator[Move]:
    if use.value is not True:
        yield ("choose", CoveredProperties(use.node, use.child(use.value), truth=True))


def _unevaluated_fails(use: Use) -> Iterator[Option]:
    if use.value is not True:
        yield (("choose", CoveredProperties(use.node, use.child(use.value), truth=False)),)


_IN_PLACE_ARRAYS = {"$ref", "allOf", "anyOf", "oneOf", "if", "contains"}


def _unevaluated_items_holds(use: Use) -> Iterator[Move]:
    """Only where nothing beside it decides which items are evaluated."""
    if use.value is True or "items" in use.schema:
        return
    if not _IN_PLACE_ARRAYS.isdisjoint(use.schema):
        yield ("beyond", "unevaluatedItems beside other applicators")
        return
    prefix = (use.child(True),) * len(use.schema.get("prefixItems", ()))
    yield ("items", Sequence(prefix, use.child(use.value)))


def _unevaluated_items_fails(use: Use) -> Iterator[Option]:
    if use.value is True or "items" in use.schema:
        return
    if not _IN_PLACE_ARRAYS.isdisjoint(use.schema):
        yield (("beyond", "unevaluatedItems beside other applicators"),)
        return
    start = len(use.schema.get("prefixItems", ()))
    yield (("some item", SomeItem((_refusing(use, use.value),), start, or_later=True)),)


def _nothing(_use: Use) -> Iterator[Any]:
    return iter(())


_OBJECT_SHAPE = ("properties", "patternProperties", "additionalProperties")
_IGNORED: tuple[str | None, _Holds, _Fails] = ("nothing", _nothing, _nothing)

#: keyword: (JSON type it speaks about, None for all; how it holds; how it fails)
KEYWORDS: dict[str, tuple[str | None, _Holds, _Fails]] = {
    "$ref": (None, _ref_holds, _ref_fails),
    "type": (None, _type_holds, _type_fails),
    "enum": (None, _enum_holds, _enum_fails),
    "const": (None, _enum_holds, _enum_fails),
    "allOf": (None, _all_of_holds, _all_of_fails),
    "anyOf": (None, _any_of_holds, _any_of_fails),
    "oneOf": (None, _one_of_holds, _one_of_fails),
    "not": (None, _not_holds, _not_fails),
    "if": (None, _if_holds, _if_fails),
    "minimum": ("number", _fact("minimum", exact), _not_fact("exclusiveMaximum", exact)),
    "maximum": ("number", _fact("maximum", exact), _not_fact("exclusiveMinimum", exact)),
    "exclusiveMinimum": ("number", _fact("exclusiveMinimum", exact), _not_fact("maximum", exact)),
    "exclusiveMaximum": ("number", _fact("exclusiveMaximum", exact), _not_fact("minimum", exact)),
    "multipleOf": ("number", _fact("multiple", exact), _not_fact("not multiple", exact)),
    "minLength": ("string", _fact("min"), _at_least_fails("max")),
    "maxLength": ("string", _fact("max"), _not_fact("min", lambda value: value + 1)),
    "pattern": ("string", _fact("pattern"), _not_fact("not pattern")),
    "format": ("string", _fact("format"), _not_fact("not format")),
    "minProperties": ("object", _fact("min"), _at_least_fails("max")),
    "maxProperties": ("object", _fact("max"), _not_fact("min", lambda value: value + 1)),
    "required": ("object", _required_holds, _required_fails),
    "properties": ("object", _properties_holds, _properties_fails),
    "patternProperties": ("object", _properties_holds, _members_fails),
    "additionalProperties": ("object", _properties_holds, _additional_fails),
    "unevaluatedProperties": ("object", _unevaluated_holds, _unevaluated_fails),
    "propertyNames": ("object", _names_holds, _names_fails),
    "dependentRequired": ("object", _dependent_required_holds, _dependent_required_fails),
    "dependentSchemas": ("object", _dependent_schemas_holds, _dependent_schemas_fails),
    "minItems": ("array", _fact("min"), _at_least_fails("max")),
    "maxItems": ("array", _fact("max"), _not_fact("min", lambda value: value + 1)),
    "uniqueItems": ("array", _unique_holds, _unique_fails),
    "prefixItems": ("array", _items_holds, _prefix_fails),
    "items": ("array", _items_holds, _items_fails),
    "contains": ("array", _contains_holds, _contains_fails),
    "unevaluatedItems": ("array", _unevaluated_items_holds, _unevaluated_items_fails),
}
