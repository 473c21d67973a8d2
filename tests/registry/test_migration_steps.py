"""Steps of a migration: what each does, that they compose, that they undo each other, and that none changes its input."""

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import InvalidMigration
from registry.migration_steps import StepFailedError, read_program, steps_as_text

NAMES = st.sampled_from(["a", "b", "c", "a/b", "~", "*", ""])
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=5)


def pointer(*parts: str) -> str:
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


PLACES = (
    st.lists(NAMES, min_size=1, max_size=3).filter(lambda parts: parts[-1] != "*").map(lambda p: pointer(*p))
)
PLAIN_PLACES = st.lists(NAMES.filter(lambda name: name != "*"), min_size=1, max_size=3).map(
    lambda parts: pointer(*parts)
)
STEPS = st.one_of(
    st.builds(lambda at, to: {"op": "rename", "at": at, "to": to}, PLACES, st.sampled_from(["x", "a", "y"])),
    st.builds(lambda at, value: {"op": "default", "at": at, "value": value}, PLACES, VALUES),
    st.builds(lambda at: {"op": "remove", "at": at}, PLACES),
    st.builds(lambda at, to: {"op": "move", "at": at, "to": to}, PLAIN_PLACES, PLAIN_PLACES).filter(
        lambda step: not (step["to"] + "/").startswith(step["at"] + "/")
    ),
)


def run(instance: Any, *steps: dict[str, Any]) -> Any:
    return read_program(list(steps), member="up")(instance)


def test_rename_keeps_value_and_place_among_the_members():
    after = run({"x": 1, "amount": 2, "y": 3}, {"op": "rename", "at": "/amount", "to": "total"})
    assert list(after.items()) == [("x", 1), ("total", 2), ("y", 3)]


def test_rename_reaches_into_every_item_of_an_array():
    step = {"op": "rename", "at": "/items/*/sku", "to": "code"}
    before = {"items": [{"sku": 1}, {"other": 2}, 3, {"sku": 4}]}
    assert run(before, step) == {"items": [{"code": 1}, {"other": 2}, 3, {"code": 4}]}


def test_a_star_is_a_name_where_the_value_is_an_object():
    assert run({"*": {"a": 1}, "b": {"a": 2}}, {"op": "remove", "at": "/*/a"}) == {"*": {}, "b": {"a": 2}}


def test_default_fills_only_what_is_absent_and_makes_no_parents():
    step = {"op": "default", "at": "/address/country", "value": "DE"}
    assert run({"address": {}}, step) == {"address": {"country": "DE"}}
    assert run({"address": {"country": None}}, step) == {"address": {"country": None}}
    assert run({}, step) == {}


def test_move_makes_the_objects_on_its_way_only_when_there_is_something_to_move():
    step = {"op": "move", "at": "/street", "to": "/address/home/street"}
    assert run({"street": "S"}, step) == {"address": {"home": {"street": "S"}}}
    assert run({"city": "C"}, step) == {"city": "C"}


def test_move_out_of_a_nested_object():
    assert run({"a": {"b": 1, "c": 2}}, {"op": "move", "at": "/a/b", "to": "/b"}) == {"a": {"c": 2}, "b": 1}


def test_move_within_each_item():
    step = {"op": "move", "at": "/items/*/price", "to": "/items/*/cost/amount"}
    assert run({"items": [{"price": 1}, {"price": 2}]}, step) == {
        "items": [{"cost": {"amount": 1}}, {"cost": {"amount": 2}}]
    }


def test_an_expression_at_a_place_sees_and_replaces_what_is_there():
    step = {"op": "expression", "at": "/items/*", "jsonata": '{"total": price * count}'}
    assert run({"items": [{"price": 2, "count": 3}]}, step) == {"items": [{"total": 6}]}


@pytest.mark.parametrize(
    ("instance", "step", "place"),
    [
        ({"a": 1, "b": 2}, {"op": "rename", "at": "/a", "to": "b"}, "/b"),
        ({"l": [{"a": 1, "b": 2}]}, {"op": "rename", "at": "/l/*/a", "to": "b"}, "/l/0/b"),
        ({"a": 1, "b": 2}, {"op": "move", "at": "/a", "to": "/b"}, "/b"),
        ({"a": 1, "b": 2}, {"op": "move", "at": "/a", "to": "/b/c"}, "/b"),
        ({"a": "x"}, {"op": "expression", "at": "/a", "jsonata": "$number($)"}, "/a"),
        ({"a": 1}, {"op": "expression", "jsonata": "missing"}, ""),
    ],
)
def test_what_would_be_overwritten_or_has_no_result_is_told_with_its_place(instance, step, place):
    with pytest.raises(StepFailedError) as failed:
        run(instance, step)
    assert failed.value.pointer == place


@pytest.mark.parametrize(
    ("steps", "place"),
    [
        ({}, "/up"),
        ([1], "/up/0"),
        ([{"op": "delete", "at": "/a"}], "/up/0/op"),
        ([{"op": ["x"], "at": "/a"}], "/up/0/op"),
        ([{"op": "remove"}], "/up/0/at"),
        ([{"op": "remove", "at": "a"}], "/up/0/at"),
        ([{"op": "remove", "at": ""}], "/up/0/at"),
        ([{"op": "remove", "at": "/a/*"}], "/up/0/at"),
        ([{"op": "remove", "at": "/a~2"}], "/up/0/at"),
        ([{"op": "remove", "at": "/a", "a/b": 1}], "/up/0/a~1b"),
        ([{"op": "rename", "at": "/a", "to": "/b"}], "/up/0/to"),
        ([{"op": "rename", "at": "/a", "to": 3}], "/up/0/to"),
        ([{"op": "default", "at": "/a"}], "/up/0/value"),
        ([{"op": "move", "at": "/a/*/b", "to": "/b"}], "/up/0/to"),
        ([{"op": "move", "at": "/a", "to": "/a/b"}], "/up/0/to"),
        ([{"op": "expression", "jsonata": "("}], "/up/0/jsonata"),
        ([{"op": "expression", "jsonata": 1}], "/up/0/jsonata"),
        ([{"op": "remove", "at": "/a"}] * 201, "/up"),
    ],
)
def test_what_is_no_step_is_refused_with_its_place(steps, place):
    with pytest.raises(InvalidMigration) as refused:
        read_program(steps, member="up")
    assert refused.value.facts["pointer"] == place


def test_one_and_true_are_not_the_same_steps():
    assert steps_as_text([{"value": 1}]) != steps_as_text([{"value": True}])
    assert steps_as_text([{"a": 1, "b": 2}]) == steps_as_text([{"b": 2, "a": 1}])


def outcome(instance: Any, steps: list[dict[str, Any]]) -> Any:
    try:
        return run(instance, *steps)
    except StepFailedError as failed:
        return failed.pointer


@given(OBJECTS, st.lists(STEPS, max_size=5))
def test_steps_never_change_what_they_are_given(instance, steps):
    before, told = deepcopy(instance), deepcopy(steps)
    outcome(instance, steps)
    assert json.dumps(instance) == json.dumps(before)
    assert steps == told


@given(OBJECTS, st.lists(STEPS, max_size=4), st.lists(STEPS, max_size=4))
def test_two_programs_one_after_the_other_are_their_steps_together(instance, first, second):
    between = outcome(instance, first)
    apart = between if isinstance(between, str) else outcome(between, second)
    assert outcome(instance, [*first, *second]) == apart


@given(OBJECTS, PLACES)
def test_a_rename_back_undoes_a_rename(instance, at):
    parents = at.rpartition("/")[0]
    name = at.rpartition("/")[2].replace("~1", "/").replace("~0", "~")
    there = run(instance, {"op": "rename", "at": at, "to": "never used"})
    assert run(there, {"op": "rename", "at": f"{parents}/never used", "to": name}) == instance


@given(OBJECTS, NAMES.filter(lambda name: name != "*"))
def test_a_move_back_undoes_a_move_but_for_the_object_it_made(instance, name):
    at = pointer(name)
    there = run(instance, {"op": "move", "at": at, "to": "/never used/inside"})
    back = run(
        there, {"op": "move", "at": "/never used/inside", "to": at}, {"op": "remove", "at": "/never used"}
    )
    assert back == instance


@given(OBJECTS, PLACES, VALUES)
def test_default_and_remove_twice_are_once(instance, at, value):
    for step in ({"op": "default", "at": at, "value": value}, {"op": "remove", "at": at}):
        once = run(instance, step)
        assert run(once, step) == once


@given(OBJECTS, PLACES, VALUES)
def test_what_is_removed_is_gone_whatever_was_filled_in_before(instance, at, value):
    removed = run(instance, {"op": "remove", "at": at})
    assert run(instance, {"op": "default", "at": at, "value": value}, {"op": "remove", "at": at}) == removed
