"""Two validators of different make say the same about random schemas of every draft, and about formats' plain cases."""

import random
from typing import Any

import pytest

from compat.dialects import ALL, D4, D6, D7, D2019, Dialect
from compat.inspection import opened
from compat.second_opinion import python_validator
from compat.validation import rust_validator

from .random_schemas import INSTANCES, Maker

SCHEMAS_PER_DRAFT = 150


def _as_of(dialect: Dialect, schema: Any) -> Any:
    """The schema as this draft would write it."""
    if isinstance(schema, bool):
        return ({} if schema else {"not": {}}) if dialect is D4 else schema
    if isinstance(schema, list):
        return [_as_of(dialect, item) for item in schema]
    assert isinstance(schema, dict)
    out: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in {"enum", "const", "required", "type", "dependentRequired", "uniqueItems"}:
            out[keyword] = value
        elif keyword == "prefixItems" and dialect in {D4, D6, D7, D2019}:
            out["items"] = _as_of(dialect, value)
        elif keyword == "items" and "prefixItems" in schema and dialect in {D4, D6, D7, D2019}:
            out["additionalItems"] = _as_of(dialect, value)
        elif keyword in {"properties", "patternProperties", "dependentSchemas"}:
            out[keyword] = {name: _as_of(dialect, child) for name, child in value.items()}
        else:
            out[keyword] = _as_of(dialect, value) if isinstance(value, (dict, list, bool)) else value
    if dialect is D4:
        for gone in ("exclusiveMinimum", "exclusiveMaximum"):
            out.pop(gone, None)
    return out


@pytest.mark.parametrize("dialect", ALL, ids=repr)
def test_random_schemas_mean_the_same_to_both(dialect: Dialect) -> None:
    maker = Maker(random.Random(7))
    for _ in range(SCHEMAS_PER_DRAFT):
        schema = _as_of(dialect, maker.schema(3))
        documents = opened(schema, dialect=dialect)
        one, other = rust_validator(documents), python_validator(documents)
        split = [x for x in INSTANCES if one.is_valid(x) != other.is_valid(x)]
        assert split == [], schema


UNEVALUATED: list[Any] = [
    {"properties": {"a": {}}, "unevaluatedProperties": False},
    {"patternProperties": {"^[ab]$": {}}, "unevaluatedProperties": {"type": "integer"}},
    {"allOf": [{"properties": {"a": {}}}, {"patternProperties": {"^b": {}}}], "unevaluatedProperties": False},
    {
        "anyOf": [{"properties": {"a": {"const": 1}}}, {"properties": {"b": {}}}],
        "unevaluatedProperties": False,
    },
    {"oneOf": [{"properties": {"a": {"const": 1}}}, {"required": ["b"]}], "unevaluatedProperties": False},
    {
        "if": {"properties": {"a": {"const": 1}}},
        "then": {"properties": {"b": {}}},
        "unevaluatedProperties": False,
    },
    {"if": {"required": ["a"]}, "else": {"properties": {"b": {}}}, "unevaluatedProperties": False},
    {"dependentSchemas": {"a": {"properties": {"a": {}, "c": {}}}}, "unevaluatedProperties": False},
    {"$ref": "#/$defs/inner", "unevaluatedProperties": False, "$defs": {"inner": {"properties": {"a": {}}}}},
    {"allOf": [{"additionalProperties": {"type": "integer"}}], "unevaluatedProperties": False},
    {"not": {"properties": {"a": {}}, "unevaluatedProperties": False}},
    {"properties": {"a": {"unevaluatedProperties": False}}, "unevaluatedProperties": {"const": 1}},
]


@pytest.mark.parametrize("draft", ["2019-09", "2020-12"])
@pytest.mark.parametrize("schema", UNEVALUATED, ids=repr)
def test_unevaluated_properties_mean_the_same_to_both(draft: str, schema: Any) -> None:
    documents = opened(schema, dialect=draft)
    one, other = rust_validator(documents), python_validator(documents)
    assert [x for x in INSTANCES if one.is_valid(x) != other.is_valid(x)] == []


@pytest.mark.parametrize("dialect", ALL, ids=repr)
def test_a_subschema_that_names_its_draft_again_keeps_to_our_regular_expressions(dialect: Dialect) -> None:
    """Python's would take the Arabic three for a digit."""
    documents = opened({"properties": {"a": {"$schema": dialect.uri, "pattern": r"^\d$"}}}, dialect=dialect)
    one, other = rust_validator(documents), python_validator(documents)
    for instance, valid in (({"a": "3"}, True), ({"a": "٣"}, False)):
        assert (one.is_valid(instance), other.is_valid(instance)) == (valid, valid)


@pytest.mark.parametrize("dialect", ALL, ids=repr)
def test_one_object_at_two_places_is_judged_at_both(dialect: Dialect) -> None:
    place = "$defs" if dialect not in {D4, D6, D7} else "definitions"
    kinds = {"text": {"properties": {"n": {"type": "string"}}}, "any": {"properties": {"n": {}}}}
    members = {name: {"$ref": f"#/{place}/{name}"} for name in kinds}
    several = {"again": members["text"], **members}
    documents = opened({"properties": several, place: kinds}, dialect=dialect)
    one, other = rust_validator(documents), python_validator(documents)
    for value, valid in (({"n": "x"}, True), ({"n": 1}, False)):
        for names in (("any", "text"), ("text", "any"), ("again", "text", "any")):
            instance = dict.fromkeys(names, value)
            assert (one.is_valid(instance), other.is_valid(instance)) == (valid, valid)


def test_one_object_is_judged_anew_where_a_dynamic_reference_leads_elsewhere() -> None:
    def resource(name: str, item: Any) -> Any:
        return {"$id": name, "$ref": "list", "$defs": {"T": {"$dynamicAnchor": "T", **item}}}

    listed = {"$id": "list", "items": {"$dynamicRef": "#T"}, "$defs": {"T": {"$dynamicAnchor": "T"}}}
    schema = {
        "$id": "https://example.org/root",
        "properties": {"any": {"$ref": "any"}, "text": {"$ref": "text"}},
        "$defs": {"l": listed, "any": resource("any", {}), "text": resource("text", {"type": "string"})},
    }
    documents = opened(schema, dialect="2020-12")
    one, other = rust_validator(documents), python_validator(documents)
    items = [1]
    for instance, valid in (({"any": items}, True), ({"any": items, "text": items}, False)):
        assert (one.is_valid(instance), other.is_valid(instance)) == (valid, valid)
