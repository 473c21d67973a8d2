"""What must hold of verdicts whatever the schemas are: laws of order, and edits whose effect is known by construction."""

import copy
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compat import bump, check

from .random_schemas import Maker

DRAFT = "2020-12"
PLAIN = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])

makers = st.integers(0, 2**32 - 1).map(lambda seed: Maker(random.Random(seed)))
schemas = makers.map(lambda maker: maker.schema(3))
chains = st.deferred(lambda: makers.map(_chain))


def _chain(maker: Maker) -> list[Any]:
    """Three schemas, each a near relative of the one before."""
    first = maker.schema(3)
    second = maker.neighbour(first, 2)
    return [first, second, maker.neighbour(second, 2)]


@PLAIN
@given(schemas)
def test_every_schema_is_fully_compatible_with_itself_and_a_patch(schema: Any) -> None:
    again = copy.deepcopy(schema)
    assert check(schema, again, mode="full", dialect=DRAFT).status == "compatible"
    assert bump(schema, again, dialect=DRAFT).level == "patch"


@PLAIN
@given(chains)
def test_compatibility_is_transitive(chain: list[Any]) -> None:
    one, two, three = chain
    steps = [check(one, two, dialect=DRAFT).status, check(two, three, dialect=DRAFT).status]
    if steps == ["compatible", "compatible"]:
        assert check(one, three, dialect=DRAFT).status != "incompatible"


@PLAIN
@given(chains)
def test_forward_is_backward_the_other_way_round_and_full_is_both(chain: list[Any]) -> None:
    old, new = chain[:2]
    there, back = check(old, new, dialect=DRAFT).status, check(new, old, dialect=DRAFT).status
    assert check(old, new, mode="forward", dialect=DRAFT).status == back
    worst = {"incompatible", "undecided", "compatible"}
    expected = next(s for s in ("incompatible", "undecided", "compatible") if s in {there, back} & worst)
    assert check(old, new, mode="full", dialect=DRAFT).status == expected


@PLAIN
@given(chains)
def test_demanding_both_is_inside_each_and_allowing_either_is_around_each(chain: list[Any]) -> None:
    one, two, _ = chain
    for each in (one, two):
        assert check({"allOf": [one, two]}, each, dialect=DRAFT).status == "compatible"
        assert check(each, {"anyOf": [one, two]}, dialect=DRAFT).status == "compatible"


@PLAIN
@given(schemas, st.sampled_from(["a", "b", "new"]))
def test_a_definition_says_the_same_as_what_it_is_a_name_for(schema: Any, name: str) -> None:
    named = {"$ref": f"#/$defs/{name}", "$defs": {name: schema}}
    assert check(schema, named, mode="full", dialect=DRAFT).status == "compatible"


# A schema that admits every kind of value the edits speak about, and edits that take something from it.
FULL: dict[str, Any] = {
    "type": "object",
    "required": ["id"],
    "properties": {
        "id": {"type": ["string", "null"], "minLength": 1, "maxLength": 9},
        "amount": {"type": "number", "minimum": 0, "maximum": 100},
        "kind": {"enum": ["a", "b", 3, None]},
        "tags": {"type": "array", "items": {"type": "string"}, "minItems": 0, "maxItems": 5},
        "inner": {"type": "object", "properties": {"x": {"type": "integer"}}, "maxProperties": 4},
        "either": {"anyOf": [{"type": "string"}, {"type": "integer", "multipleOf": 2}]},
    },
    "additionalProperties": {"type": ["boolean", "string"]},
    "maxProperties": 12,
}
NARROWING: dict[str, tuple[str, Any]] = {
    "a name becomes required": ("/required", ["id", "kind"]),
    "a type goes": ("/properties/id/type", "string"),
    "a text has to be longer": ("/properties/id/minLength", 2),
    "a text has to be shorter": ("/properties/id/maxLength", 8),
    "a text has to match": ("/properties/id/pattern", "^[a-z]"),
    "a number has to be larger": ("/properties/amount/minimum", 1),
    "a number has to be smaller": ("/properties/amount/exclusiveMaximum", 100),
    "a number has to be whole": ("/properties/amount/type", "integer"),
    "a number has to be even": ("/properties/amount/multipleOf", 2),
    "a value goes": ("/properties/kind/enum", ["a", "b", None]),
    "an item has to be short": ("/properties/tags/items/maxLength", 3),
    "items have to be there": ("/properties/tags/minItems", 1),
    "fewer items": ("/properties/tags/maxItems", 4),
    "items have to differ": ("/properties/tags/uniqueItems", True),
    "an item has to be among them": ("/properties/tags/contains", {"const": "x"}),
    "a name is closed out": ("/properties/inner/additionalProperties", False),
    "names have to be short": ("/properties/inner/propertyNames", {"maxLength": 3}),
    "fewer members": ("/properties/inner/maxProperties", 3),
    "a member needs another": ("/properties/inner/dependentRequired", {"x": ["y"]}),
    "a branch goes": ("/properties/either/anyOf", [{"type": "string"}]),
    "a branch narrows": ("/properties/either/anyOf/1/multipleOf", 4),
    "something is excluded": ("/properties/either/not", {"const": 4}),
    "what else there is narrows": ("/additionalProperties", {"type": "boolean"}),
    "nothing else": ("/additionalProperties", False),
    "a condition": ("/if", {"required": ["kind"]}),
}
#: These take away only what a writer that declares its fields never sent.
HARMLESS_WHEN_DECLARED = {"a name is closed out", "names have to be short", "fewer members"}


def _edited(place: str, value: Any) -> Any:
    schema = copy.deepcopy(FULL)
    if place == "/if":
        return {**schema, "if": value, "then": {"required": ["amount"]}}
    *path, last = place.split("/")[1:]
    target: Any = schema
    for part in path:
        target = target[int(part)] if isinstance(target, list) else target[part]
    target[last] = value
    return schema


@pytest.mark.parametrize("edit", sorted(HARMLESS_WHEN_DECLARED))
def test_an_edit_about_undeclared_names_is_a_risk_in_the_declared_world(edit: str) -> None:
    verdict = check(FULL, _edited(*NARROWING[edit]), dialect=DRAFT, world="declared")
    assert verdict.status == "compatible"
    assert verdict.open_world_risk is not None


CASES = [
    (edit, world)
    for edit in NARROWING
    for world in ("open", "declared")
    if world == "open" or edit not in HARMLESS_WHEN_DECLARED
]


@pytest.mark.parametrize(("edit", "world"), CASES)
def test_an_edit_that_takes_something_away_breaks_backward_and_only_backward(edit: str, world: Any) -> None:
    narrowed = _edited(*NARROWING[edit])
    broken = check(FULL, narrowed, dialect=DRAFT, world=world)
    assert broken.status == "incompatible"
    assert broken.direction == "backward"
    assert check(narrowed, FULL, dialect=DRAFT, world=world).status == "compatible"
    assert check(FULL, narrowed, dialect=DRAFT, world=world, mode="forward").status == "compatible"


@PLAIN
@given(st.lists(st.sampled_from(sorted(NARROWING)), min_size=2, max_size=4, unique=True))
def test_edits_add_up(edits: list[str]) -> None:
    both = {"allOf": [_edited(*NARROWING[edit]) for edit in edits]}
    assert check(FULL, both, dialect=DRAFT).status == "incompatible"
    for edit in edits:
        assert check(both, _edited(*NARROWING[edit]), dialect=DRAFT).status == "compatible"
