"""Changes buried under unions and references: a dozen branches each, as configuration schemas have them."""

from typing import Any

import pytest

from compat import check

NAMES = [f"step_{number}" for number in range(12)]


def pipeline(leaf: Any, *, keyword: str = "anyOf", more: dict[str, Any] | None = None) -> dict[str, Any]:
    """Steps of a dozen kinds, told apart by nothing but which properties they take; the leaf is in the last one."""
    kinds = {
        name: {
            "type": "object",
            "properties": {
                name: {"type": "string"},
                "label": {"type": "string", "pattern": "^[a-z]+$"},
                "fields": {"type": "array", "items": {"oneOf": [{"type": "string"}, {"type": "number"}]}},
                **(
                    {"retry": {"type": "object", "properties": {"limit": leaf, **(more or {})}}}
                    if name == NAMES[-1]
                    else {}
                ),
            },
            "additionalProperties": False,
        }
        for name in NAMES
    }
    branches = [{"$ref": f"#/definitions/{name}"} for name in NAMES]
    return {
        "type": "object",
        "properties": {"steps": {"type": "array", "items": {keyword: branches}}},
        "definitions": kinds,
    }


@pytest.mark.parametrize("world", ["open", "declared"])
@pytest.mark.parametrize("keyword", ["anyOf", "oneOf"])
def test_a_change_of_one_leaf_is_found_with_a_witness(keyword: str, world: Any) -> None:
    wide, narrow = pipeline({"minimum": 0}, keyword=keyword), pipeline({"minimum": 1}, keyword=keyword)
    verdict = check(wide, narrow, world=world)
    assert verdict.witness is not None
    assert verdict.witness.instance["steps"][0]["retry"]["limit"] < 1


@pytest.mark.parametrize("world", ["open", "declared"])
def test_the_way_back_is_proven(world: Any) -> None:
    assert check(pipeline({"minimum": 1}), pipeline({"minimum": 0}), world=world).status == "compatible"


def test_places_that_case_analysis_settles_help_the_structural_proof() -> None:
    """Only what a place admits is the same, not how it is written."""
    one = pipeline({"type": ["string", "integer"]}, more={"kind": {"enum": ["a", "b"]}})
    other = pipeline(
        {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        more={"kind": {"oneOf": [{"const": "a"}, {"const": "b"}]}},
    )
    assert check(one, other).status == "compatible"
    assert check(other, one).status == "compatible"


def test_of_two_equal_branches_of_one_of_none_can_hold() -> None:
    never = {"type": "object", "properties": {"target": {"oneOf": [{"title": "a"}, {"title": "b"}]}}}
    without = {"type": "object", "properties": {"target": False}}
    assert check(never, without).status == "compatible"


def test_objects_are_apart_when_one_insists_on_what_the_other_refuses() -> None:
    def fields(pattern: str) -> dict[str, Any]:
        key = {"type": "string", "pattern": pattern}
        text = {"properties": {"key": key, "text": True}, "required": ["key"], "additionalProperties": False}
        choice = {
            "properties": {"key": key, "options": True},
            "required": ["key", "options"],
            "additionalProperties": False,
        }
        return {"type": "object", "oneOf": [text, choice]}

    assert check(fields("^[a-z]+$"), fields("^[a-z_]+$")).status == "compatible"
    assert check(fields("^[a-z_]+$"), fields("^[a-z]+$")).status == "incompatible"


def test_a_list_of_unlike_objects_may_have_grown() -> None:
    def tags(most: int) -> dict[str, Any]:
        tag = {"type": "object", "properties": {"key": {"type": "string"}}, "required": ["key"]}
        return {"type": "array", "uniqueItems": True, "items": tag, "maxItems": most}

    verdict = check(tags(9), tags(5))
    assert verdict.witness is not None
    assert len(verdict.witness.instance) == 6
