"""One document in place of many: valid under both validators, and accepting exactly what the many accept."""

import random
from typing import Any

import pytest

from compat import SchemaError, bundle, inspect_schema
from compat.documents import Documents
from compat.inspection import opened
from compat.rewrite import occurrences
from compat.second_opinion import python_validator
from compat.validation import rust_validator
from tests.compat.random_schemas import INSTANCES, Maker

DRAFTS = ["draft-04", "draft-06", "draft-07", "2019-09", "2020-12"]
ADDRESS = {"type": "object", "required": ["zip"], "properties": {"zip": {"$ref": "#/definitions/zip"}}}
STORE = {"address.json": {**ADDRESS, "definitions": {"zip": {"type": "string", "maxLength": 5}}}}


def answers(documents: Documents) -> list[tuple[bool, bool]]:
    """What two validators say about every instance."""
    fast, second = rust_validator(documents), python_validator(documents)
    return [(fast.is_valid(instance), second.is_valid(instance)) for instance in INSTANCES]


def assert_same(schema: Any, dialect: str | None, store: dict[str, Any]) -> Any:
    bundled = bundle(schema, dialect=dialect, store=store)
    # No store: it has to stand alone, as a schema of the draft it names.
    inspect_schema(bundled)
    assert answers(opened(bundled)) == answers(opened(schema, dialect=dialect, store=store))
    return bundled


@pytest.mark.parametrize("dialect", DRAFTS)
def test_a_reference_and_what_it_refers_to_stand_in_one_document(dialect: str) -> None:
    schema = {"title": "Order", "properties": {"to": {"$ref": "address.json"}, "a": {"$ref": "address.json"}}}
    bundled = bundle(schema, dialect=dialect, store=STORE)
    place = "$defs" if dialect in {"2019-09", "2020-12"} else "definitions"
    assert list(bundled[place]) == ["address.json", "zip"]
    assert bundled["properties"]["to"] == {"$ref": f"#/{place}/address.json"}
    assert bundled["title"] == "Order"
    whole = opened(bundled)
    for instance, valid in [
        ({"to": {"zip": "1"}}, True),
        ({"to": {"zip": "123456"}}, False),
        ({"a": {}}, False),
    ]:
        assert (rust_validator(whole).is_valid(instance), python_validator(whole).is_valid(instance)) == (
            valid,
            valid,
        )


@pytest.mark.parametrize("dialect", DRAFTS)
@pytest.mark.parametrize("seed", range(40))
def test_random_schemas_mean_the_same_bundled(dialect: str, seed: int) -> None:
    """Random schemas that refer to each other by name, by pointer and to themselves."""
    source = random.Random(seed)
    maker = Maker(source)
    names = ["https://example.com/a", "https://example.com/b", "c.json"]
    store = {name: within(maker.schema(2), source, [names[0], "#"]) for name in names}
    schema = within(maker.schema(3), source, [*names, "#/definitions/own", "#"])
    if isinstance(schema, dict):
        schema["definitions"] = {"own": maker.schema(1)}
    if dialect == "draft-04":
        schema, store = spelt_out(schema), {name: spelt_out(document) for name, document in store.items()}
    try:
        for document in (schema, *store.values()):
            inspect_schema(document, dialect=dialect, store=store)
    except SchemaError:
        # Not a schema in this draft, or one that no validator comes to an end with.
        return
    assert_same(schema, dialect, store)


def spelt_out(schema: Any) -> Any:
    """Without boolean schemas, on which the reference resolver of draft-04 falls over."""
    if isinstance(schema, bool):
        return {} if schema else {"not": {}}
    if isinstance(schema, list):
        return [spelt_out(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: item if key in {"const", "enum", "uniqueItems"} else spelt_out(item)
        for key, item in schema.items()
    }


def within(schema: Any, source: random.Random, names: list[str]) -> Any:
    """The schema with some of its properties and items replaced by references."""
    if not isinstance(schema, dict):
        return schema
    for keyword in ("properties", "patternProperties"):
        for name in schema.get(keyword, {}):
            if source.random() < 0.5:
                schema[keyword][name] = {"$ref": source.choice(names), "description": "kept or not"}
    if isinstance(schema.get("items"), dict) and source.random() < 0.5:
        schema["items"] = {"$ref": source.choice(names)}
    schema.setdefault("properties", {})["x"] = {"$ref": source.choice(names)}
    return schema


@pytest.mark.parametrize(
    ("schema", "store"),
    [
        ({"$ref": "a"}, {"a": {"const": 1}}),
        ({"$ref": "a#/definitions/b"}, {"a": {"definitions": {"b": {"const": "a"}}}}),
        ({"$id": "https://x.test/root", "$ref": "a"}, {"a": {"const": 1}}),
        ({"$id": "https://x.test/root", "items": {"$ref": "a"}}, {"a": {"$id": "https://y.test/a", "$ref": "#/definitions/n"} | {"definitions": {"n": {"type": "null"}}}}),
        ({"properties": {"$ref": {"$ref": "a"}, "id": {"$ref": "a"}, "definitions": {"const": 1}}}, {"a": {"type": "null"}}),
        ({"properties": {"a": {"$ref": "#"}}, "type": "object", "additionalProperties": False}, {}),
        ({"properties": {"a": {"$ref": "#/properties/b"}, "b": {"type": "integer"}}}, {}),
        ({"properties": {"a": {"$ref": "t"}}}, {"t": True}),
        ({"properties": {"a": {"$ref": "t"}}}, {"t": False}),
        ({"enum": [{"$ref": "a"}, 1]}, {"a": {"const": 1}}),
        ({"properties": {"a": {"$ref": "l"}}}, {"l": {"type": ["object", "null"], "properties": {"a": {"$ref": "l"}}}}),
        ({"properties": {"a": {"$ref": "x%20y"}, "b": {"$ref": "%C3%BC"}}}, {"x%20y": {"const": 1}, "%C3%BC": {"const": 0}}),
        ({"properties": {"a": {"$ref": "p/n"}, "b": {"$ref": "q/n"}}}, {"p/n": {"const": 1}, "q/n": {"const": 0}}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("dialect", ["draft-06", "draft-07", "2019-09", "2020-12"])
def test_odd_references_mean_the_same_bundled(schema: Any, store: dict[str, Any], dialect: str) -> None:
    assert_same(schema, dialect, store)


def test_documents_of_several_drafts_become_one_of_the_newest() -> None:
    schema = {"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"a": {"$ref": "b"}}}
    store = {
        "b": {"$schema": "http://json-schema.org/draft-04/schema#", "maximum": 3, "exclusiveMaximum": True}
    }
    bundled = assert_same(schema, None, store)
    assert bundled["$schema"].endswith("2020-12/schema")


def test_a_bundle_of_a_bundle_is_itself() -> None:
    schema = {"properties": {"to": {"$ref": "address.json"}}}
    bundled = bundle(schema, store=STORE)
    assert bundle(bundled) == bundled


def test_nothing_that_is_not_judged_refers_anywhere() -> None:
    schema = {
        "x-more": {"$ref": "nowhere"},
        "x-note": {"a": 1},
        "properties": {"to": {"$ref": "address.json"}},
    }
    bundled = bundle(schema, store=STORE)
    assert "x-more" not in bundled
    assert bundled["x-note"] == {"a": 1}
    assert occurrences(bundled, "$id") == 0


def test_a_dynamic_reference_with_one_target_is_a_plain_one_and_with_several_is_refused() -> None:
    tree = {"$dynamicAnchor": "n", "type": "object", "properties": {"a": {"$dynamicRef": "#n"}}}
    bundled = assert_same(tree, "2020-12", {})
    assert bundled["properties"]["a"] == {"$ref": "#"}
    with pytest.raises(SchemaError, match="cannot be bundled"):
        bundle({"$ref": "t", "$defs": {"n": {"$dynamicAnchor": "n"}}}, dialect="2020-12", store={"t": tree})


@pytest.mark.parametrize("schema", [True, False])
def test_booleans_stay_what_they_are(schema: bool) -> None:
    assert bundle(schema) is schema
