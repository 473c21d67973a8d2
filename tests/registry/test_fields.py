"""Fields of a schema as a flat list: references, alternatives, lists, maps, and recursion as a link."""

import json
from pathlib import Path

import pytest

from registry.comparison import Document
from registry.constraints import constraints_of
from registry.fields import MOST_FIELDS, fields_of
from tests.require import require


def rows(schema, store=None):
    return {field.path: field for field in fields_of(Document(schema, store or {})).fields}


def test_each_field_has_what_its_schema_says():
    schema = {
        "type": "object",
        "required": ["id"],
        "properties": {
            "id": {
                "type": "string",
                "minLength": 3,
                "maxLength": 9,
                "pattern": "^o",
                "description": " An id. ",
            },
            "n": {
                "type": ["integer", "null"],
                "minimum": 0,
                "default": None,
                "deprecated": True,
                "examples": [1, 2],
            },
            "kind": {"enum": ["a", 1]},
            "code": {"type": "string", "x-taxonomy": "onex-errors@^1", "x-tags": ["ops"]},
        },
    }
    found = rows(schema)
    assert list(found) == ["id", "n", "kind", "code"]
    assert found["id"].required
    assert found["id"].constraints == ("3 to 9 characters", "matches ^o")
    assert found["id"].description == "An id."
    assert found["n"].types == ("integer", "null")
    assert (found["n"].default, found["n"].deprecated, found["n"].examples) == ((None,), True, (1, 2))
    assert found["kind"].types == ("string", "integer")
    assert found["kind"].constraints == ('one of "a", 1',)
    assert (found["code"].taxonomy, found["code"].tags) == ("onex-errors@^1", ("ops",))


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"minLength": 1}, "at least 1 character"),
        ({"minItems": 2, "maxItems": 2}, "exactly 2 items"),
        ({"maxProperties": 3}, "at most 3 members"),
        ({"exclusiveMinimum": 0}, "more than 0"),
        ({"maximum": 5, "exclusiveMaximum": True}, "at most 5"),
        ({"multipleOf": 0.5}, "a multiple of 0.5"),
        ({"uniqueItems": True}, "no item twice"),
        ({"additionalProperties": False}, "no other members"),
        ({"const": {"a": 1}}, 'always {"a": 1}'),
        ({"enum": list(range(20))}, "one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 8 more"),
        ({"dependencies": {"a": ["b", "c"]}}, "a needs b, c"),
        ({"x-taxonomy": "onex-errors@^1"}, "a code of onex-errors@^1"),
    ],
)
def test_constraints_are_words(schema, words):
    assert words in constraints_of([schema])


def test_lists_maps_and_patterns_are_steps_of_the_path():
    schema = {
        "properties": {
            "lines": {
                "type": "array",
                "items": {"type": "object", "properties": {"sku": {"type": "string"}}},
            },
            "pair": {"items": [{"type": "string"}, {"type": "integer"}]},
            "labels": {
                "additionalProperties": {"type": "string"},
                "patternProperties": {"^x-": {"type": "number"}},
            },
        }
    }
    assert {path: field.types for path, field in rows(schema).items()} == {
        "lines": ("array",),
        "lines[]": ("object",),
        "lines[].sku": ("string",),
        "pair": ("array",),
        "pair[0]": ("string",),
        "pair[1]": ("integer",),
        "labels": ("object",),
        "labels.{^x-}": ("number",),
        "labels.*": ("string",),
    }


def test_what_several_schemas_say_of_one_field_is_merged():
    schema = {
        "allOf": [
            {"properties": {"n": {"type": "number", "minimum": 0}}},
            {"properties": {"n": {"type": "integer", "maximum": 9}}, "required": ["n"]},
        ]
    }
    field = rows(schema)["n"]
    assert (field.types, field.required, field.constraints) == (
        ("integer",),
        True,
        ("at least 0", "at most 9"),
    )


def test_alternatives_are_named_by_what_tells_them_apart():
    schema = {
        "oneOf": [
            {"properties": {"type": {"const": "card"}, "number": {"type": "string"}}},
            {"title": "Bank transfer", "properties": {"iban": {"type": "string"}}},
            {"$ref": "#/definitions/cash"},
            {"properties": {"other": {}}},
            {"type": "null"},
        ],
        "definitions": {"cash": {"properties": {"change": {"type": "number"}}}},
    }
    assert {path: field.when for path, field in rows(schema).items()} == {
        "type": ("type = card",),
        "number": ("type = card",),
        "iban": ("Bank transfer",),
        "change": ("cash",),
        "other": ("alternative 4",),
    }


def test_conditions_and_dependencies_are_alternatives_too():
    schema = {
        "if": {"properties": {"kind": {"const": "a"}}},
        "then": {"properties": {"then": {}}},
        "else": {"properties": {"else": {}}},
        "dependencies": {"x": {"properties": {"with": {}}}, "y": ["x"]},
    }
    assert {path: field.when for path, field in rows(schema).items()} == {
        "then": ("if kind = a",),
        "else": ("otherwise",),
        "with": ("with x",),
    }


def test_a_definition_is_listed_once_and_linked_from_then_on():
    schema = {
        "properties": {"ship": {"$ref": "#/definitions/addr"}, "bill": {"$ref": "#/definitions/addr"}},
        "definitions": {"addr": {"properties": {"street": {"type": "string"}}}},
    }
    found = rows(schema)
    assert list(found) == ["ship", "ship.street", "bill"]
    assert (found["ship"].same_as, found["bill"].same_as) == (None, "ship")


def test_recursion_is_a_link():
    found = rows(
        {"properties": {"name": {"type": "string"}, "kids": {"type": "array", "items": {"$ref": "#"}}}}
    )
    assert list(found) == ["name", "kids", "kids[]"]
    assert found["kids[]"].same_as == ""


def test_registered_schemas_are_followed():
    found = rows(
        {"properties": {"to": {"$ref": "address#/definitions/a"}}},
        {"address": {"definitions": {"a": {"properties": {"zip": {}}}}}},
    )
    assert list(found) == ["to", "to.zip"]


@pytest.mark.parametrize("schema", [True, False, {}, {"type": "string"}, {"properties": {}}])
def test_a_schema_without_fields_has_none(schema):
    assert rows(schema) == {}


def test_what_cannot_be_read_any_more_has_none_and_says_so():
    found = fields_of(Document({"$ref": "gone"}))
    assert found.fields == ()
    assert fields_of(Document({"type": 3})).cut


def test_endless_lists_are_cut_and_it_is_said():
    found = fields_of(Document({"properties": {f"f{n}": {} for n in range(MOST_FIELDS + 5)}}))
    assert (len(found.fields), found.cut) == (MOST_FIELDS, True)


def test_branches_of_branches_end():
    definitions = {"d0": {"properties": {"leaf": {"type": "string"}}}}
    for number in range(60):
        inner = {"$ref": f"#/definitions/d{number}"}
        definitions[f"d{number + 1}"] = {"oneOf": [inner, {"anyOf": [inner, inner, {"type": "null"}]}]}
    schema = {"properties": {"a": {"$ref": "#/definitions/d60"}}, "definitions": definitions}
    found = fields_of(Document(schema))
    assert {field.path for field in found.fields} <= {"a", "a.leaf"}
    assert found.cut


def test_a_github_event_has_its_fields_in_order():
    file = Path(require("data")) / "github-webhooks/schemas/7.6.1/schema.json"
    whole = json.loads(file.read_text(encoding="utf-8"))
    found = rows(
        {
            "$ref": "#/definitions/branch_protection_configuration$disabled",
            "definitions": whole["definitions"],
        }
    )
    assert list(found)[:3] == ["action", "installation", "installation.id"]
    assert found["repository.owner.login"].types == ("string",)
