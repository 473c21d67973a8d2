"""Schemas that refer to themselves: proofs need induction, and counterexamples sit some levels down."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from compat import check

Schema = dict[str, Any]
NODE = {"$ref": "#/$defs/node"}


def _around(node: Schema, **more: Schema) -> Schema:
    return {**NODE, "$defs": {"node": node, **more}}


def _object(properties: Schema, *required: str, **more: Any) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required), **more}


#: Each shape holds a leaf `v` and itself.
SHAPES: dict[str, Callable[[Schema], Schema]] = {
    "a linked list": lambda v: _around(_object({"v": v, "next": NODE}, "v")),
    "a list that ends in null": lambda v: _around(
        _object({"v": v, "next": {"anyOf": [NODE, {"type": "null"}]}}, "v", "next")
    ),
    "a binary tree": lambda v: _around(_object({"v": v, "l": NODE, "r": NODE}, "v")),
    "a tree with children": lambda v: _around(
        _object({"v": v, "children": {"type": "array", "items": NODE}}, "v")
    ),
    "a map of maps": lambda v: _around({"type": "object", "properties": {"v": v}, "additionalProperties": NODE}),
    "members by pattern": lambda v: _around(
        {"type": "object", "properties": {"v": v}, "patternProperties": {"^x-": NODE}, "additionalProperties": False}
    ),
    "tuples": lambda v: _around({"type": "array", "prefixItems": [v, NODE], "items": False, "minItems": 1}),
    "arrays of arrays": lambda v: _around({"anyOf": [v, {"type": "array", "items": NODE}]}),
    "two that take turns": lambda v: _around(
        _object({"v": v, "other": {"$ref": "#/$defs/other"}}, "v"),
        other=_object({"w": {"type": "boolean"}, "back": NODE}, "w"),
    ),
    "an expression": lambda v: _around(
        {
            "oneOf": [
                _object({"op": {"const": "value"}, "v": v}, "op", "v", additionalProperties=False),
                _object({"op": {"const": "add"}, "l": NODE, "r": NODE}, "op", "l", "r", additionalProperties=False),
                _object({"op": {"const": "not"}, "of": NODE}, "op", "of", additionalProperties=False),
            ]
        }
    ),
    "through an anchor": lambda v: {
        "$anchor": "top", **_object({"v": v, "next": {"$ref": "#top"}}, "v"),
    },
    "inside allOf": lambda v: _around(
        {"allOf": [_object({"v": v}, "v"), {"properties": {"next": NODE}}]}
    ),
}  # fmt: skip

NARROW: Schema = {"type": "integer", "minimum": 0}
WIDE: Schema = {"type": "integer"}


def _renamed(schema: Schema) -> Schema:
    renamed: Schema = json.loads(json.dumps(schema).replace("node", "knot"))
    return renamed


def _unrolled(schema: Schema) -> Schema:
    """The definition written out once more around the reference to it."""
    if "$defs" not in schema:
        return {"allOf": [schema]} if "$anchor" not in schema else schema
    return {"$defs": schema["$defs"], **schema["$defs"]["node"]}


@pytest.mark.parametrize("world", ["open", "declared"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_the_same_written_otherwise_is_the_same(shape: Callable[[Schema], Schema], world: Any) -> None:
    schema = shape(WIDE)
    for other in (_renamed(schema), _unrolled(schema)):
        verdict = check(schema, other, mode="full", world=world, dialect="2020-12")
        assert verdict.status == "compatible", verdict.proof


@pytest.mark.parametrize("world", ["open", "declared"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_wider_leaf_is_compatible_and_a_narrower_one_is_not(
    shape: Callable[[Schema], Schema], world: Any
) -> None:
    assert check(shape(NARROW), shape(WIDE), world=world, dialect="2020-12").status == "compatible"
    verdict = check(shape(WIDE), shape(NARROW), world=world, dialect="2020-12")
    assert verdict.witness is not None
    assert "-1" in json.dumps(verdict.witness.instance)


@pytest.mark.parametrize(
    "shape",
    [shape for shape in SHAPES.values() if "$defs" in shape(WIDE)],
    ids=[name for name in SHAPES if name != "through an anchor"],
)
def test_a_difference_one_level_down_is_found_there(shape: Callable[[Schema], Schema]) -> None:
    """New has the wide leaf at the top and the narrow one in all that is below."""
    wide, narrow = shape(WIDE), shape(NARROW)
    mixed = {"$defs": narrow["$defs"], **wide["$defs"]["node"]}
    verdict = check(wide, mixed, dialect="2020-12")
    assert verdict.witness is not None
    assert len(json.dumps(verdict.witness.instance)) > len("-1")


@pytest.mark.parametrize("draft", ["draft-04", "draft-06", "draft-07", "2019-09", "2020-12"])
def test_every_draft_knows_recursion(draft: str) -> None:
    def tree(leaf: Schema) -> Schema:
        node = {"$ref": "#/definitions/node"}
        return {**node, "definitions": {"node": _object({"v": leaf, "l": node, "r": node}, "v")}}

    assert check(tree(NARROW), tree(WIDE), dialect=draft).status == "compatible"
    assert check(tree(WIDE), tree(NARROW), dialect=draft).status == "incompatible"


def test_what_has_no_finite_instance_is_inside_everything() -> None:
    endless = _around(_object({"next": NODE}, "next"))
    assert check(endless, False, dialect="2020-12").status == "compatible"  # type: ignore[arg-type]


def test_a_limit_on_depth_is_a_limit() -> None:
    """Finitely many levels against arbitrarily many, both ways."""
    deep: Schema = {"type": "object", "properties": {"next": False}}
    for _ in range(4):
        deep = {"type": "object", "properties": {"next": deep}}
    endless = _around({"type": "object", "properties": {"next": NODE}})
    assert check(deep, endless, dialect="2020-12").status == "compatible"
    verdict = check(endless, deep, dialect="2020-12")
    assert verdict.witness is not None
    assert json.dumps(verdict.witness.instance).count("next") == 5
