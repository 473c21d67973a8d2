"""Patterns as browsers read them: the same language for validators, verdicts and witnesses."""

from typing import Any

import pytest

from compat import SchemaError, check, compile_validator, inspect_schema
from compat.dialects import ALL

# Pattern, what it matches, what it does not: by ECMA-262 and its annex B.
READ = [
    (r"^[\w-.]+$", ["a-b.c", "-"], ["a b", ""]),
    (r"^[a-\d]$", ["a", "-", "5"], ["b", "ad"]),
    (r"^[.-\w]$", [".", "-", "x"], ["+"]),
    (r"^{a}$", ["{a}"], ["a"]),
    (r"^{{name}}$", ["{{name}}"], ["name"]),
    (r"^a{,5}$", ["a{,5}"], ["aaa"]),
    (r"^a{2}b{1,}$", ["aab", "aabbb"], ["ab"]),
    (r"^a]$", ["a]"], ["a"]),
    (r"^[[a]$", ["[", "a"], ["]"]),
    (r"^[a&&b]$", ["a", "&", "b"], ["c"]),
    (r"^[+--]$", ["+", ",", "-"], ["."]),
    (r"^[^]$", ["a", "\n"], [""]),
    (r"^(a|[])$", ["a"], ["b", ""]),
    (r"^\0$", ["\x00"], ["0"]),
    (r"^[\b]$", ["\x08"], ["b"]),
    (r"^\uD83D\uDE00$", ["\U0001f600"], ["a"]),
    (r"^[\uD83D\uDE00-\uD83D\uDE02]$", ["\U0001f601"], ["\U0001f603"]),
    (r"^[\]\\]$", ["]", "\\"], ["["]),
]


@pytest.mark.parametrize(("pattern", "matched", "refused"), READ, ids=[row[0] for row in READ])
def test_a_pattern_means_what_browsers_take_it_for(
    pattern: str, matched: list[str], refused: list[str]
) -> None:
    for dialect in ALL:
        validator = compile_validator({"pattern": pattern}, dialect=dialect.name)
        assert [text for text in [*matched, *refused] if validator.is_valid(text)] == matched


@pytest.mark.parametrize("pattern", [row[0] for row in READ])
def test_both_validators_confirm_a_witness_about_it(pattern: str) -> None:
    verdict = check({"type": "string"}, {"type": "string", "pattern": pattern})
    assert verdict.status == "incompatible"
    verdict = check({"patternProperties": {pattern: True}}, {"patternProperties": {pattern: False}})
    assert verdict.status == "incompatible"
    assert check({"pattern": pattern}, {"pattern": pattern, "description": "same"}).status == "compatible"


def test_two_spellings_of_one_name_pattern_both_count() -> None:
    new = {"patternProperties": {"^{a}$": {"type": "string"}, r"^\{a\}$": {"minLength": 3}}}
    validator = compile_validator(new)
    assert validator.is_valid({"{a}": "abc"})
    assert not validator.is_valid({"{a}": 5})
    assert not validator.is_valid({"{a}": "a"})
    assert check({"properties": {"{a}": {"type": "string", "minLength": 4}}}, new).status == "compatible"
    assert check({"properties": {"{a}": {"type": "string"}}}, new).status == "incompatible"


# What other languages write and ECMA-262 reads as something else, or not at all.
@pytest.mark.parametrize(
    "pattern", [r"\Aa\Z", "(?i)a", "(?P<n>a)", "a++", "[b-a]", "[", "(", "*", r"\p{Nope}"]
)
def test_other_languages_are_refused_with_the_place(pattern: str) -> None:
    for schema, place in (
        ({"pattern": pattern}, "/pattern"),
        ({"properties": {"x": {"patternProperties": {pattern: {}}}}}, None),
    ):
        with pytest.raises(SchemaError) as caught:
            inspect_schema(schema)
        assert caught.value.reason == "pattern"
        assert place is None or caught.value.pointer == place


def test_a_pattern_over_names_beside_unevaluated_properties_runs_on_the_linear_engine() -> None:
    """Python's own engine neither reads the first nor comes to an end with the second."""
    for pattern, name in ((r"^\p{L}+$", "äöü"), ("^(a+)+$", "a" * 40 + "!")):
        old: Any = {"$schema": "https://json-schema.org/draft/2020-12/schema", "required": [name]}
        new = {
            **old,
            "patternProperties": {pattern: {"type": "string"}},
            "unevaluatedProperties": {"type": "integer"},
        }
        verdict = check(old, new)
        assert verdict.status == "incompatible"
        assert verdict.witness is not None
        assert name in verdict.witness.instance
