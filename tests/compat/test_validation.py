"""The one way to compile a schema for validation."""

import pytest

from compat import compile_validator, inspect_schema
from compat.patterns import matches, needs_backtracking


def test_errors_name_pointer_keyword_and_place_in_the_schema() -> None:
    schema = {
        "properties": {"a/b": {"$ref": "#/definitions/x"}},
        "definitions": {"x": {"type": "string"}},
        "required": ["c"],
    }
    errors = {error.keyword: error for error in compile_validator(schema).errors({"a/b": 1})}
    assert errors["type"].pointer == "/a~1b"
    assert errors["type"].schema_pointer == "/definitions/x/type"
    assert errors["required"].pointer == ""
    assert errors["type"].as_dict().keys() == {"pointer", "keyword", "message", "schema_pointer"}


def test_false_schemas_are_named_after_the_keyword_that_holds_them() -> None:
    validator = compile_validator({"properties": {"a": False}})
    assert [error.keyword for error in validator.errors({"a": 1})] == ["properties"]


def test_format_is_an_annotation_unless_asked_for() -> None:
    schema = {"format": "date-time"}
    assert compile_validator(schema).is_valid("yesterday")
    assert not compile_validator(schema, formats=True).is_valid("yesterday")


def test_content_keywords_are_annotations() -> None:
    assert compile_validator({"contentEncoding": "base64", "contentMediaType": "application/json"}).is_valid(
        "{{"
    )


def test_patterns_are_ecma_and_linear() -> None:
    assert not compile_validator({"pattern": "^a$"}).is_valid("a\n")
    assert not compile_validator({"pattern": "^(a+)+$"}).is_valid("a" * 5_000 + "!")
    assert not matches(r"^\d$", "٣")


def test_a_pattern_that_backtracks_too_far_is_a_violation_that_says_so() -> None:
    schema = {"pattern": r"^(?=(a+)+$)(a|aa)+$b"}
    assert [note.code for note in inspect_schema(schema).notes] == ["no-dialect", "backtracking-pattern"]
    errors = compile_validator({"pattern": r"(a|aa)+(?=b)\1c"}).errors("a" * 60)
    assert [error.keyword for error in errors] == ["pattern"]


@pytest.mark.parametrize(
    ("pattern", "backtracks"),
    [("a(?=b)", True), ("a(?!b)", True), ("(?<=a)b", True), (r"(a)\1", True), (r"(?<n>a)\k<n>", True),
     ("(?:a)", False), ("(?<n>a)", False), (r"\(?=a", False), ("[(?=]", False), (r"\\d", False)],
)  # fmt: skip
def test_lookaround_and_backreferences_are_recognised(pattern: str, backtracks: bool) -> None:
    assert needs_backtracking(pattern) is backtracks


def test_big_integers_keep_their_value() -> None:
    validator = compile_validator({"enum": [2**70]})
    assert validator.is_valid(2**70)
    assert not validator.is_valid(2**70 + 1)


class Even:
    """A keyword of the caller's own."""

    def __init__(self, schema, value, path):
        self.wanted = value

    def validate(self, instance):
        if isinstance(instance, int) and (instance % 2 == 0) is not self.wanted:
            raise ValueError(f"{instance} is not what was wanted")


def test_a_keyword_of_the_callers_own_is_asserted_wherever_a_validator_comes():
    schema = {"properties": {"a": {"$ref": "#/definitions/n"}}, "definitions": {"n": {"x-even": True}}}
    validator = compile_validator(schema, keywords={"x-even": Even})
    (error,) = validator.errors({"a": 3})
    assert (error.keyword, error.pointer, error.message) == ("x-even", "/a", "3 is not what was wanted")
    assert validator.is_valid({"a": 4})
    assert compile_validator(schema).is_valid({"a": 3})


def test_the_violations_of_one_keyword_are_found_in_branches_as_well():
    schema = {"items": {"anyOf": [{"type": "null"}, {"x-even": True}]}}
    validator = compile_validator(schema, keywords={"x-even": Even})
    assert [error.keyword for error in validator.errors([2, None, 3])] == ["anyOf"]
    assert [error.pointer for error in validator.errors_of("x-even", [2, None, 3])] == ["/2"]
