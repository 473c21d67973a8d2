"""An example is drafted from what the author said, and given out only when two validators accept it."""

import json
import random
from typing import Any

import jsonschema
import pytest

from compat import SchemaError, compile_validator
from compat.example import example

from .random_schemas import INSTANCES, Maker

ADDRESS = {
    "type": "object",
    "required": ["street"],
    "properties": {"street": {"type": "string", "examples": ["Main Street 1"]}, "zip": {"type": "string"}},
}


def value_of(schema: Any, **more: Any) -> Any:
    found = example(schema, **more)
    assert found is not None
    return found.value


def test_what_the_author_wrote_comes_first() -> None:
    schema = {
        "properties": {"a": {"examples": ["x", "y"]}, "b": {"default": 7}, "c": {"enum": [None, "low"]}}
    }
    assert value_of({"type": "object", **schema}) == {"a": "x", "b": 7, "c": "low"}
    assert value_of({"type": "object", "examples": [{"whole": True}], **schema}) == {"whole": True}


def test_what_the_author_wrote_is_left_out_where_it_is_wrong() -> None:
    schema = {"type": "object", "examples": [3], "properties": {"a": {"type": "string", "default": 7}}}
    assert value_of(schema) == {"a": "string"}
    assert (
        value_of({"type": "object", "properties": {"a": {"type": "integer", "default": 7, "minimum": 8}}})
        == {}
    )


def test_optional_members_references_lists_and_maps_are_filled_in() -> None:
    schema = {
        "type": "object",
        "properties": {
            "to": {"$ref": "#/definitions/address"},
            "lines": {"type": "array", "minItems": 2, "items": {"type": "integer", "minimum": 5}},
            "labels": {"type": "object", "additionalProperties": {"type": "boolean"}},
        },
        "definitions": {"address": ADDRESS},
    }
    assert value_of(schema) == {
        "to": {"street": "Main Street 1", "zip": "string"},
        "lines": [5, 5],
        "labels": {"key": True},
    }


def test_registered_schemas_are_followed() -> None:
    found = value_of(
        {"type": "object", "properties": {"to": {"$ref": "address"}}}, store={"address": ADDRESS}
    )
    assert found == {"to": {"street": "Main Street 1", "zip": "string"}}


def test_patterns_and_formats_are_kept() -> None:
    schema = {
        "type": "object",
        "properties": {
            "code": {"type": "string", "pattern": "^[A-Z]{3}-[0-9]{2}$"},
            "at": {"type": "string", "format": "date-time"},
        },
    }
    found = example(schema)
    assert found is not None
    assert found.formats
    assert compile_validator(schema, formats=True).is_valid(found.value)


def test_recursion_ends() -> None:
    tree = {
        "type": "object",
        "properties": {"kids": {"type": "array", "items": {"$ref": "#"}}, "n": {"const": 1}},
    }
    assert value_of({**tree, "required": ["n"]})["n"] == 1


def test_the_first_branch_that_says_something_is_shown() -> None:
    card = {"type": "object", "required": ["card"], "properties": {"card": {"type": "string"}}}
    assert value_of({"oneOf": [{"type": "null"}, card]}) == {"card": "string"}


def test_what_no_instance_satisfies_has_no_example() -> None:
    assert example({"type": "integer", "minimum": 1, "maximum": 0}) is None
    assert example(False) is None
    assert example({"type": "object", "required": ["self"], "properties": {"self": {"$ref": "#"}}}) is None


def test_null_is_an_example() -> None:
    assert value_of({"type": "null"}) is None


def test_a_schema_that_is_none_is_refused() -> None:
    with pytest.raises(SchemaError):
        example({"type": "nothing"})


@pytest.mark.parametrize("seed", range(12))
def test_whatever_is_shown_validates_is_the_same_again_and_is_there_when_an_instance_is_known(
    seed: int,
) -> None:
    maker = Maker(random.Random(seed))
    for _ in range(40):
        schema = maker.schema(3)
        try:
            found = example(schema, dialect="2020-12")
        except SchemaError:
            continue
        ours = compile_validator(schema, dialect="2020-12")
        if found is None:
            assert not any(ours.is_valid(instance) for instance in INSTANCES), schema
        else:
            assert ours.is_valid(found.value)
            assert jsonschema.Draft202012Validator(schema).is_valid(found.value)
            assert example(json.loads(json.dumps(schema)), dialect="2020-12") == found
