"""The verdict is the server's: drafts, patterns, annotations and hostile schemas."""

import pytest

from onex_sdk import SchemaUnusable, Violation

D4, D7, D2019, D2020 = (
    "http://json-schema.org/draft-04/schema#",
    "http://json-schema.org/draft-07/schema#",
    "https://json-schema.org/draft/2019-09/schema",
    "https://json-schema.org/draft/2020-12/schema",
)


@pytest.fixture
def violations(registry, client):
    def check(schema, instance):
        registry.publish("s", schema)
        return client.validate("s", instance)

    return check


def test_a_violation_names_place_keyword_and_sentence(violations):
    schema = {"properties": {"a/b": {"items": {"type": "string"}}}, "required": ["id"]}
    found = violations(schema, {"a/b": ["x", 2]})
    assert Violation("/a~1b/1", "type", '2 is not of type "string"') in found
    assert ("", "required") in {(violation.pointer, violation.keyword) for violation in found}


@pytest.mark.parametrize(
    ("schema", "valid", "invalid"),
    [
        ({"type": "string", "format": "date"}, "not a date", 1),
        ({"contentMediaType": "application/json", "type": "string"}, "not json", 1),
        ({"$schema": D7, "dependencies": {"a": ["b"]}}, {"b": 1}, {"a": 1}),
        ({"$schema": D4, "minimum": 1, "exclusiveMinimum": True}, 2, 1),
        ({"minimum": 1, "exclusiveMinimum": True}, 2, 1),
        ({"$schema": D2020, "prefixItems": [{"type": "string"}]}, ["a"], [1]),
        ({"items": [{"type": "string"}]}, ["a"], [1]),
        ({"pattern": "^a$"}, "a", "a\n"),
        ({"pattern": "^(?=a)\\w+$"}, "abc", "bc"),
        ({"properties": {"pattern": {"type": "string"}}}, {"pattern": "("}, {"pattern": 1}),
        ({"properties": {"schema": {"$ref": D7}}}, {"schema": {"type": "string"}}, {"schema": {"type": 1}}),
        (True, 1, None),
    ],
)
def test_keywords_mean_what_they_mean_on_the_server(violations, schema, valid, invalid):
    assert violations(schema, valid) == []
    if invalid is not None:
        assert violations(schema, invalid) != []


def test_dependencies_left_the_language_with_2019_09(violations):
    assert violations({"$schema": D2019, "dependencies": {"a": ["b"]}}, {"a": 1}) == []


def test_a_custom_dialect_of_snowplow_is_read_as_draft_04(violations):
    uri = "http://iglucentral.com/schemas/com.snowplowanalytics.self-desc/schema/jsonschema/1-0-0#"
    assert violations({"$schema": uri, "maximum": 1, "exclusiveMaximum": True}, 1) != []


def test_a_pattern_that_would_take_for_ever_elsewhere_is_linear(violations):
    assert violations({"pattern": "^(a+)+$"}, "a" * 50_000 + "!") != []


def test_a_pattern_that_looks_around_is_cut_off_and_says_so(violations):
    (violation,) = violations({"pattern": r"(a*)*b\1"}, "a" * 500)
    assert violation.keyword == "pattern"
    assert "backtracking steps" in violation.message


def test_a_closed_object_names_the_keyword_that_closed_it(violations):
    schema = {"properties": {"a": False}}
    assert [v.keyword for v in violations(schema, {"a": 1})] == ["properties"]


@pytest.mark.parametrize(
    "text",
    ["not json", '{"type": "nonsense"}', '{"pattern": "("}', '{"$ref": "http://127.0.0.1:9/remote.json"}'],
)
def test_a_schema_that_cannot_be_used_here_is_an_error_and_never_valid(violations, text):
    with pytest.raises(SchemaUnusable):
        violations(text, 1)


def test_formats_are_asserted_where_the_server_asserts_them(registry, client, clock):
    version = registry.publish("s", {"type": "string", "format": "date"})
    assert client.validate("s", "not a date") == []
    version["assertFormats"] = True
    clock.now += 60
    assert [violation.keyword for violation in client.validate("s", "not a date")] == ["format"]
    assert client.validate("s", "2026-11-23") == []
    assert client.validate("s", "not a date", 1) != []


def test_a_schema_without_a_draft_is_read_in_the_one_the_server_reads_it_in(registry, client):
    schema = {"prefixItems": [{"type": "string"}]}
    registry.publish("old", schema)
    registry.publish("new", schema, dialect="2020-12")
    assert client.validate("old", [1]) == []
    assert client.validate("new", [1]) != []


def test_a_dialect_that_this_package_does_not_know_is_an_error(registry, client):
    registry.publish("s", {}, dialect="2031-01")
    with pytest.raises(SchemaUnusable, match="2031-01"):
        client.validate("s", 1)
