"""Every difference has a kind, two pointers, the directions it breaks and a sentence; the one that matters comes first."""

from typing import Any

import pytest

from compat import check


def _o(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, **more}


CASES: list[tuple[Any, Any, str, str, tuple[str, ...]]] = [
    ({"type": "string"}, {"type": ["string", "null"]}, "TYPE_EXTENDED", "/type", ("forward",)),
    ({"type": "number"}, {"type": "integer"}, "TYPE_NARROWED", "/type", ("backward",)),
    ({"type": "string"}, {"type": "integer"}, "TYPE_CHANGED", "/type", ("backward", "forward")),
    ({"maxLength": 3}, {"maxLength": 4}, "MAX_LENGTH_INCREASED", "/maxLength", ("forward",)),
    ({"minLength": 3}, {"minLength": 4}, "MIN_LENGTH_INCREASED", "/minLength", ("backward",)),
    ({"pattern": "a"}, {}, "PATTERN_REMOVED", "", ("forward",)),
    ({"maximum": 3}, {"maximum": 2}, "MAXIMUM_DECREASED", "/maximum", ("backward",)),
    ({}, {"exclusiveMinimum": 2}, "EXCLUSIVE_MINIMUM_ADDED", "/exclusiveMinimum", ("backward",)),
    ({"multipleOf": 4}, {"multipleOf": 2}, "MULTIPLE_OF_REDUCED", "/multipleOf", ("forward",)),
    ({"enum": [1, 2]}, {"enum": [1]}, "ENUM_ARRAY_NARROWED", "/enum", ("backward",)),
    ({"enum": [1]}, {"enum": [1, 2]}, "ENUM_ARRAY_EXTENDED", "/enum", ("forward",)),
    (_o({"a": {}}), _o({"a": {}}, required=["a"]), "REQUIRED_ATTRIBUTE_ADDED", "/required", ("backward",)),
    (
        _o({"a": {}}),
        _o({"a": {"default": 1}}, required=["a"]),
        "REQUIRED_ATTRIBUTE_WITH_DEFAULT_ADDED",
        "/required",
        ("backward",),
    ),
    (
        _o({}),
        _o({"a": {"type": "null"}}),
        "OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL",
        "/properties/a",
        ("backward",),
    ),
    (_o({}), _o({"a": {}}), "PROPERTY_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL", "/properties/a", ()),
    (_o({"a": {}}), _o({}), "PROPERTY_REMOVED_FROM_OPEN_CONTENT_MODEL", "/properties", ("forward",)),
    (
        _o({"a": {}}, additionalProperties=False),
        _o({}, additionalProperties=False),
        "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL",
        "/additionalProperties",
        ("backward",),
    ),
    (
        _o({}),
        _o({}, additionalProperties=False),
        "ADDITIONAL_PROPERTIES_REMOVED",
        "/additionalProperties",
        ("backward",),
    ),
    (
        {"items": {"type": "string"}},
        {"items": {"type": "null"}},
        "TYPE_CHANGED",
        "/items/type",
        ("backward", "forward"),
    ),
    (
        {"oneOf": [{"type": "null"}]},
        {"oneOf": [{"type": "null"}, {"type": "string"}]},
        "SUM_TYPE_EXTENDED",
        "/oneOf/1",
        ("forward",),
    ),
    (
        {"allOf": [{"minimum": 1}]},
        {"allOf": [{"minimum": 1}, {"maximum": 9}]},
        "PRODUCT_TYPE_EXTENDED",
        "/allOf/1",
        ("backward",),
    ),
    ({"dependencies": {"a": ["b"]}}, {}, "DEPENDENCY_ARRAY_REMOVED", "/dependencies/a", ("forward",)),
    ({"description": "x"}, {"description": "y"}, "DESCRIPTION_CHANGED", "/description", ()),
    ({"uniqueItems": True}, {"uniqueItems": False}, "UNIQUE_ITEMS_REMOVED", "/uniqueItems", ("forward",)),
]


@pytest.mark.parametrize(("old", "new", "kind", "pointer", "breaks"), CASES, ids=[case[2] for case in CASES])
def test_change_kinds(old: Any, new: Any, kind: str, pointer: str, breaks: tuple[str, ...]) -> None:
    found = {change.kind: change for change in check(old, new).changes}
    assert kind in found, found
    change = found[kind]
    assert change.breaks == breaks
    assert change.sentence
    if pointer and not kind.endswith("REMOVED"):
        assert change.new_pointer == pointer


def test_changes_behind_references_are_found_where_they_stand() -> None:
    old = {"properties": {"a": {"$ref": "#/definitions/x"}}, "definitions": {"x": {"maxLength": 3}}}
    new = {"properties": {"a": {"$ref": "#/definitions/y"}}, "definitions": {"y": {"maxLength": 2}}}
    (change,) = check(old, new).changes
    assert (change.old_pointer, change.new_pointer) == (
        "/definitions/x/maxLength",
        "/definitions/y/maxLength",
    )
    assert "`a`" in change.sentence


def test_recursive_schemas_are_walked_once() -> None:
    def tree(limit: int) -> Any:
        return {
            "$ref": "#/definitions/n",
            "definitions": {"n": _o({"v": {"maximum": limit}, "next": {"$ref": "#/definitions/n"}})},
        }

    assert [change.kind for change in check(tree(2), tree(1)).changes] == ["MAXIMUM_DECREASED"]


def test_the_change_that_the_witness_trips_over_comes_first_and_harmless_ones_last() -> None:
    old = _o({"a": {"type": "string", "title": "A"}, "b": {"maximum": 5}, "c": {"type": "integer"}})
    new = _o({"a": {"type": "string", "title": "B"}, "b": {"maximum": 9}, "c": {"type": "string"}})
    verdict = check(old, new)
    assert verdict.changes[0].new_pointer == "/properties/c/type"
    assert verdict.changes[-1].kind == "TITLE_CHANGED"
    assert verdict.changes[-1].harmless


def test_the_world_decides_what_a_new_optional_property_breaks() -> None:
    old, new = _o({"b": {}}), _o({"b": {}, "a": {"type": "null"}})
    assert check(old, new).changes[0].breaks == ("backward",)
    assert check(old, new, world="declared").changes[0].harmless
    free_form = {"type": "object"}
    assert check(free_form, new, world="declared").changes[0].breaks == ("backward",)


def _events(shared: Any, *kinds: str) -> Any:
    """A union of references, as webhooks are published."""
    made = {
        f"{kind}_event": _o({"kind": {"const": kind}, "user": {"$ref": "#/definitions/user"}})
        for kind in kinds
    }
    return {
        "oneOf": [{"$ref": f"#/definitions/{name}"} for name in made],
        "definitions": {**made, "user": _o(shared)},
    }


def test_branches_that_read_alike_are_compared_by_what_they_refer_to() -> None:
    old = _events({"id": {"type": "integer"}}, "opened", "closed")
    new = _events({"id": {"type": "string"}}, "opened", "closed")
    verdict = check(old, new)
    assert verdict.changes[0].new_pointer == "/definitions/user/properties/id/type"


def test_branches_are_told_apart_by_their_tags_wherever_they_stand() -> None:
    old = _events({}, "opened", "closed")
    new = _events({}, "closed", "merged", "opened")
    new["definitions"]["closed_event"]["required"] = ["user"]
    kinds = {(change.kind, change.new_pointer) for change in check(old, new).changes}
    assert kinds == {
        ("SUM_TYPE_EXTENDED", "/oneOf/1"),
        ("REQUIRED_ATTRIBUTE_ADDED", "/definitions/closed_event/required"),
    }


def test_what_a_witness_shows_to_break_is_said_to_break() -> None:
    """A new branch makes a `oneOf` wider, unless both branches accept the instance."""
    old = {"oneOf": [{"type": "string"}]}
    new = {"oneOf": [{"type": "string"}, {"maxLength": 3}]}
    change = check(old, new).changes[0]
    assert (change.kind, change.breaks) == ("SUM_TYPE_EXTENDED", ("forward", "backward"))
