"""Each draft in its own words, and drafts against each other."""

from typing import Any

import pytest

from compat import SchemaError, bundle, check, compile_validator, inspect_schema

D4 = "http://json-schema.org/draft-04/schema#"
D7 = "http://json-schema.org/draft-07/schema#"
D2020 = "https://json-schema.org/draft/2020-12/schema"
SNOWPLOW = "http://iglucentral.com/schemas/com.snowplowanalytics.self-desc/schema/jsonschema/1-0-0#"


def test_without_a_dialect_a_schema_is_draft_07() -> None:
    inspection = inspect_schema({"type": "string"})
    assert inspection.dialect == "draft-07"
    assert [note.code for note in inspection.notes] == ["no-dialect"]


def test_the_argument_decides_only_for_schemas_that_name_none() -> None:
    assert inspect_schema({"type": "string"}, dialect="2019-09").dialect == "2019-09"
    assert inspect_schema({"$schema": D4}, dialect="2019-09").dialect == "draft-04"


def test_a_custom_dialect_is_read_as_its_family_and_noted() -> None:
    inspection = inspect_schema(
        {"$schema": SNOWPLOW, "self": {"vendor": "x"}, "minimum": 1, "exclusiveMinimum": True}
    )
    assert inspection.dialect == "draft-04"
    assert inspection.notes[0].code == "custom-dialect"


def test_an_unknown_draft_is_refused() -> None:
    with pytest.raises(SchemaError, match="draft-99") as caught:
        inspect_schema({"$schema": "http://json-schema.org/draft-99/schema#"})
    assert caught.value.pointer == "/$schema"


def test_boolean_exclusive_bounds_without_a_dialect_are_draft_04() -> None:
    schema = {"minimum": 1, "exclusiveMinimum": True}
    assert inspect_schema(schema).dialect == "draft-04"
    assert not compile_validator(schema).is_valid(1)
    with pytest.raises(SchemaError):
        inspect_schema({**schema, "$schema": D7})


SAME: list[tuple[Any, Any]] = [
    ({"$schema": D4, "minimum": 1, "exclusiveMinimum": True}, {"$schema": D2020, "exclusiveMinimum": 1}),
    (
        {"$schema": D7, "items": [{"type": "string"}], "additionalItems": False},
        {"$schema": D2020, "prefixItems": [{"type": "string"}], "items": False},
    ),
    (
        {"$schema": D7, "dependencies": {"a": ["b"], "c": {"required": ["d"]}}},
        {"$schema": D2020, "dependentRequired": {"a": ["b"]}, "dependentSchemas": {"c": {"required": ["d"]}}},
    ),
    (
        {"$schema": D7, "$ref": "#/definitions/a", "type": "null", "definitions": {"a": {"type": "string"}}},
        {"$schema": D2020, "type": "string"},
    ),
    (
        {"$schema": D2020, "$ref": "#a", "maxLength": 3, "$defs": {"a": {"$anchor": "a", "type": "string"}}},
        {"$schema": D7, "type": "string", "maxLength": 3},
    ),
    (
        {
            "$schema": D2020,
            "$id": "http://x/root",
            "$ref": "sub",
            "$defs": {"s": {"$id": "sub", "type": "null"}},
        },
        {"$schema": D4, "type": "null"},
    ),
    ({"$schema": D4, "const": 1, "if": False, "contains": False}, {"$schema": D7}),
    (
        {"$schema": D2020, "$dynamicRef": "#n", "$defs": {"n": {"$dynamicAnchor": "n", "type": "null"}}},
        {"const": None},
    ),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_said_in_two_drafts_is_equal(one: Any, other: Any) -> None:
    assert check(one, other, mode="full").status == "compatible"


def test_references_lead_into_the_store_and_nowhere_else() -> None:
    schema = {"properties": {"a": {"$ref": "common.json#/definitions/name"}}}
    store: dict[str, Any] = {"common.json": {"definitions": {"name": {"type": "string"}}}}
    assert not compile_validator(schema, store=store).is_valid({"a": 1})
    assert (
        check(schema, {"properties": {"a": {"type": "string"}}}, store=store, mode="full").status
        == "compatible"
    )
    for reference in ("http://example.com/a.json", "common.json", "#/definitions/none"):
        with pytest.raises(SchemaError) as caught:
            inspect_schema({"items": {"$ref": reference}})
        assert reference in caught.value.message
        assert caught.value.pointer == "/items/$ref"
        assert caught.value.reason == "reference"


@pytest.mark.parametrize(
    "uri",
    [
        "http://json-schema.org/draft-04/schema#",
        "http://json-schema.org/draft-06/schema#",
        "http://json-schema.org/draft-07/schema",
        "https://json-schema.org/draft/2019-09/schema",
        "https://json-schema.org/draft/2020-12/schema",
    ],
)
def test_the_metaschema_of_a_draft_may_be_referred_to_without_registering_it(uri: str) -> None:
    """A field that holds a schema is described by it."""
    schema = {"$schema": uri, "type": "object", "properties": {"schema": {"$ref": uri}}}
    validator = compile_validator(schema)
    assert validator.is_valid({"schema": {"type": "string"}})
    assert not validator.is_valid({"schema": {"type": "strng"}})
    assert check(schema, schema).status == "compatible"
    anything = {"$schema": uri, "type": "object"}
    narrowed = check(anything, schema)
    assert narrowed.witness is not None
    assert not validator.is_valid(narrowed.witness.instance)
    whole = bundle(schema)
    assert compile_validator(whole).is_valid({"schema": {"type": "string"}})
    assert not compile_validator(whole).is_valid({"schema": {"type": "strng"}})


def test_relative_references_find_the_store_whatever_the_root_is_called() -> None:
    schema = {"$id": "http://example.com/schemas/root.json", "$ref": "common.json"}
    assert not compile_validator(schema, store={"common.json": {"type": "string"}}).is_valid(1)


NESTED: dict[str, Any] = {
    "common/address.json": {"properties": {"zip": {"$ref": "types/zip.json"}}},
    "types/zip.json": {"type": "string"},
}


def test_a_stored_document_names_others_as_it_did_by_itself() -> None:
    """Its own upload named `types/zip.json`; seen from a schema that refers to it that would be below `common/`."""
    schema = {"properties": {"to": {"$ref": "common/address.json"}}}
    whole = {"properties": {"to": {"properties": {"zip": {"type": "string"}}}}}
    validator = compile_validator(schema, store=NESTED)
    assert validator.is_valid({"to": {"zip": "1010"}})
    assert not validator.is_valid({"to": {"zip": 1010}})
    assert check(schema, whole, store=NESTED, mode="full").status == "compatible"
    assert check(bundle(schema, store=NESTED), whole, mode="full").status == "compatible"


def test_what_a_relative_reference_means_by_the_standard_comes_first() -> None:
    store = {**NESTED, "common/types/zip.json": {"type": "integer"}}
    validator = compile_validator({"$ref": "common/address.json"}, store=store)
    assert validator.is_valid({"zip": 1010})
    assert not validator.is_valid({"zip": "1010"})


@pytest.mark.parametrize(
    ("schema", "pointer"),
    [
        ({"type": "strin"}, "/type"),
        ({"properties": {"a": {"minLength": -1}}}, "/properties/a/minLength"),
        ({"properties": {"a": {"pattern": "("}}}, "/properties/a/pattern"),
        ({"required": "a"}, "/required"),
    ],
)
def test_what_is_no_schema_is_an_error_with_its_place(schema: Any, pointer: str) -> None:
    for question in (inspect_schema, compile_validator, lambda s: check(s, True)):
        with pytest.raises(SchemaError) as caught:
            question(schema)
        assert caught.value.pointer == pointer


@pytest.mark.parametrize("schema", [None, 1, "x", []])
def test_only_objects_and_booleans_are_schemas(schema: Any) -> None:
    with pytest.raises(SchemaError, match="object or a boolean"):
        inspect_schema(schema)
