"""The declared world: declared(S) is S and closed(S)."""

import random
from typing import Any

import pytest

from compat import bump, check, compile_validator
from compat.declared import declared
from compat.inspection import opened
from compat.rewrite import rewritten

from .random_schemas import INSTANCES, Maker

DRAFTS = ["draft-04", "draft-06", "draft-07", "2019-09", "2020-12"]


def _declared(schema: Any, dialect: str = "2020-12") -> Any:
    return compile_validator(
        declared(rewritten(opened(schema, dialect=dialect))).document(), dialect="2020-12"
    )


FIELD = {"type": "object", "properties": {"a": {"type": "string"}}}
TWO_FIELDS = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}


@pytest.mark.parametrize("draft", DRAFTS)
def test_adding_an_optional_field_is_compatible_and_names_its_risk(draft: str) -> None:
    verdict = check(FIELD, TWO_FIELDS, world="declared", dialect=draft)
    assert verdict.status == "compatible"
    assert verdict.open_world_risk is not None
    assert verdict.open_world_risk.property == "b"
    assert "b" in verdict.open_world_risk.witness.instance
    assert verdict.open_world_risk.change is not None
    assert verdict.open_world_risk.change.new_pointer == "/properties/b"


@pytest.mark.parametrize("draft", DRAFTS)
def test_requiring_and_narrowing_still_break(draft: str) -> None:
    assert (
        check(FIELD, {**FIELD, "required": ["a"]}, world="declared", dialect=draft).status == "incompatible"
    )
    narrowed = {"type": "object", "properties": {"a": {"type": "integer"}}}
    witness = check(FIELD, narrowed, world="declared", dialect=draft).witness
    assert witness is not None
    assert witness.instance.keys() <= {"a"}


def test_free_form_maps_stay_open() -> None:
    assert _declared({"type": "object"}).is_valid({"anything": 1})
    assert _declared({"type": "object", "required": ["a"]}).is_valid({"a": 1, "anything": 1})
    assert _declared({"properties": {"a": True}, "additionalProperties": {"type": "string"}}).is_valid(
        {"x": "y"}
    )


def test_closing_goes_through_branches_references_and_items() -> None:
    schema = {
        "allOf": [{"properties": {"a": True}}, {"$ref": "#/$defs/b"}],
        "anyOf": [{"properties": {"c": {"items": {"properties": {"d": True}}}}}],
        "$defs": {"b": {"properties": {"b": True}}},
    }
    world = _declared(schema)
    assert world.is_valid({"a": 1, "b": 1, "c": [{"d": 1}]})
    assert not world.is_valid({"e": 1})
    assert not world.is_valid({"c": [{"e": 1}]})


def test_only_the_fields_of_the_branch_that_holds_are_declared() -> None:
    branch = {tag: {"properties": {"k": {"const": tag}, tag: True}, "required": ["k"]} for tag in "xy"}
    world = _declared({"oneOf": list(branch.values())})
    assert world.is_valid({"k": "x", "x": 1})
    assert not world.is_valid({"k": "x", "y": 1})


def test_names_that_have_to_be_there_count_as_declared() -> None:
    assert _declared({"properties": {"a": True}, "required": ["b"]}).is_valid({"b": 1})


def test_nothing_is_touched_under_not() -> None:
    assert not _declared({"not": {"properties": {"a": {"type": "string"}}}}).is_valid({"a": "text", "b": 1})


def test_the_original_holds_where_closing_would_flip_a_branch() -> None:
    flipping = {
        "properties": {"y": True},
        "oneOf": [
            {"properties": {"x": {"properties": {"p": True}}}},
            {"required": ["y"], "properties": {"x": {"properties": {"q": True}}}},
        ],
    }
    instance = {"x": {"p": 1}, "y": 1}
    assert not compile_validator(flipping, dialect="2020-12").is_valid(instance)
    assert not _declared(flipping).is_valid(instance)


@pytest.mark.parametrize("seed", range(20))
def test_declared_is_inside_open_and_closing_twice_changes_nothing(seed: int) -> None:
    maker = Maker(random.Random(seed))
    for _ in range(20):
        schema = maker.schema(3)
        once = declared(rewritten(opened(schema, dialect="2020-12")))
        twice = _declared(once.document())
        world, plain = (
            compile_validator(once.document(), dialect="2020-12"),
            compile_validator(schema, dialect="2020-12"),
        )
        for instance in INSTANCES:
            assert plain.is_valid(instance) or not world.is_valid(instance)
            assert world.is_valid(instance) == twice.is_valid(instance), (schema, instance)


@pytest.mark.parametrize(
    ("old", "new", "level"),
    [
        (FIELD, {**FIELD, "title": "A"}, "patch"),
        (FIELD, TWO_FIELDS, "minor"),
        (TWO_FIELDS, FIELD, "major"),
        (FIELD, {**FIELD, "required": ["a"]}, "major"),
        ({**FIELD, "required": ["a"]}, FIELD, "minor"),
        ({"type": "integer"}, {"type": "number"}, "minor"),
        ({"enum": [1, 2]}, {"enum": [2, 1]}, "patch"),
    ],
)
def test_the_bump_compares_both_versions_in_the_same_world(old: Any, new: Any, level: str) -> None:
    advice = bump(old, new)
    assert advice.level == level, advice
    assert advice.reason


@pytest.mark.parametrize("world", ["open", "declared"])
def test_a_known_verdict_changes_no_advice(world: Any) -> None:
    """`bump(known=…)` takes a witness over from `check`; the level is what it finds by itself."""
    maker = Maker(random.Random(11))
    for _ in range(60):
        old = maker.schema(2)
        new = maker.neighbour(old, 2)
        verdict = check(old, new, world=world, dialect="2020-12")
        alone = bump(old, new, world=world, dialect="2020-12")
        assert bump(old, new, world=world, dialect="2020-12", known=verdict).level == alone.level


@pytest.mark.parametrize("keyword", ["not", "propertyNames"])
def test_what_is_never_closed_may_refer_to_a_definition(keyword: str) -> None:
    referring = {"$defs": {"name": {"maxLength": 3}}, keyword: {"$ref": "#/$defs/name"}}
    wider = {"$defs": {"name": {"maxLength": 3}}}
    verdict = check(referring, wider, world="declared", dialect="2020-12")
    assert verdict.status == "compatible"
    back = check(wider, referring, world="declared", dialect="2020-12")
    assert (back.status, back.witness is not None) == ("incompatible", True)
