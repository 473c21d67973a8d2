"""Schemas as events are judged by them: a field marked as sensitive also takes an encrypted value, and nothing else changes."""

import json

import pytest

from compat import compile_validator
from registry.sensitive import marks, on_the_wire

SEALED = "eyJhbGciOiJkaXIifQ..AAAAAAAAAAAAAAAA.BBBB.CCCCCCCCCCCCCCCCCCCCCC"
MARK = {"x-sensitive": True}
DIALECT = "http://json-schema.org/draft-07/schema#"


def wire(schema, store=None, dialect=DIALECT):
    found = on_the_wire(schema, store or {}, dialect=dialect)
    return compile_validator(found.schema, dialect=dialect, store=dict(found.store))


def test_a_schema_without_marks_is_left_as_it_is():
    schema = {"properties": {"x-sensitive": {"type": "string"}, "a": {"const": {"x-sensitive": True}}}}
    assert not marks(schema)
    assert on_the_wire(schema, {}, dialect=DIALECT).schema is schema


@pytest.mark.parametrize("said", [None, "draft-04", "draft-06", "draft-07", "2019-09", "2020-12"])
def test_a_marked_field_takes_its_type_or_an_encrypted_value_in_every_draft(said):
    uris = {
        "draft-04": "http://json-schema.org/draft-04/schema#",
        "draft-06": "http://json-schema.org/draft-06/schema#",
        "draft-07": DIALECT,
        "2019-09": "https://json-schema.org/draft/2019-09/schema",
        "2020-12": "https://json-schema.org/draft/2020-12/schema",
    }
    schema = {"type": "object", "properties": {"n": {"type": "integer", **MARK}, "m": {"type": "integer"}}}
    validator = wire({"$schema": uris[said], **schema} if said else schema)
    assert validator.is_valid({"n": 3})
    assert validator.is_valid({"n": SEALED})
    assert not validator.is_valid({"n": "x"})
    assert not validator.is_valid({"n": SEALED + "x"})
    assert not validator.is_valid({"m": SEALED})


def test_a_wrong_value_in_the_clear_is_told_as_the_schema_tells_it():
    (violation,) = wire({"properties": {"n": {"type": "integer", **MARK}}}).errors({"n": "x"})
    assert (violation.pointer, violation.keyword) == ("/n", "type")


def test_required_still_holds():
    assert not wire({"required": ["n"], "properties": {"n": MARK}}).is_valid({})


def test_a_marked_definition_is_marked_wherever_it_is_used():
    schema = {
        "properties": {"a": {"$ref": "#/definitions/s"}, "b": {"items": {"$ref": "#/definitions/s"}}},
        "definitions": {"s": {"type": "integer", **MARK}},
    }
    validator = wire(schema)
    assert validator.is_valid({"a": SEALED, "b": [1, SEALED]})
    assert not validator.is_valid({"a": "x"})


def test_a_mark_beside_a_reference_counts():
    schema = {
        "properties": {"a": {"$ref": "#/definitions/s", **MARK}},
        "definitions": {"s": {"type": "integer"}},
    }
    assert wire(schema).is_valid({"a": SEALED})
    assert not wire(schema).is_valid({"a": "x"})


def test_a_reference_into_a_marked_schema_still_finds_what_it_named():
    schema = {
        "properties": {
            "a": {
                "type": "object",
                "properties": {"n": {"type": "integer"}},
                "definitions": {"d": {"const": 1}},
                **MARK,
            },
            "b": {"$ref": "#/properties/a/properties/n"},
            "c": {"$ref": "#/properties/a/definitions/d"},
        }
    }
    validator = wire(schema)
    assert validator.is_valid({"a": SEALED, "b": 3, "c": 1})
    assert not validator.is_valid({"b": "x"})
    assert not validator.is_valid({"c": 2})
    old = {
        "$schema": "http://json-schema.org/draft-04/schema#",
        **json.loads(json.dumps(schema).replace('"const": 1', '"enum": [1]')),
    }
    assert not wire(old).is_valid({"b": "x"})


def test_marks_of_what_it_refers_to_count():
    store = {"card.json": {"definitions": {"n": {"type": "string", "maxLength": 3, **MARK}}}}
    validator = wire({"properties": {"a": {"$ref": "card.json#/definitions/n"}}}, store)
    assert validator.is_valid({"a": SEALED})
    assert not validator.is_valid({"a": "four"})


def test_a_mark_on_all_of_it_is_one_on_each_member():
    schema = {
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "additionalProperties": False,
        **MARK,
    }
    assert wire(schema).is_valid({"n": SEALED})
    assert not wire(schema).is_valid({"n": "x"})
    assert not wire(schema).is_valid({"o": SEALED})
    assert not wire(schema).is_valid(SEALED)


def test_recursion_ends():
    schema = {"properties": {"s": {"type": "integer", **MARK}, "kids": {"items": {"$ref": "#"}}}}
    assert wire(schema).is_valid({"kids": [{"s": SEALED, "kids": [{"s": 1}]}]})
    assert not wire(schema).is_valid({"kids": [{"kids": [{"s": "x"}]}]})
