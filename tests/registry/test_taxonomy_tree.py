"""Reading any spelling of a code, and matching by area and ancestry instead of leading characters."""

import copy
import json
from pathlib import Path

import pytest

import registry
from registry.taxonomy_problems import problems
from registry.taxonomy_tree import Spelling, Tree

ERRORS = json.loads((Path(registry.__file__).parent / "onex/errors-1.0.0.json").read_text(encoding="utf-8"))


@pytest.fixture
def document():
    return copy.deepcopy(ERRORS)


@pytest.fixture
def tree():
    return Tree.of(ERRORS)


@pytest.mark.parametrize(
    "text",
    [
        "ONEX_VALID_102",
        "ONEX_VALIDATE_102",
        "ONEX_VALID_102_VALIDATION_FAILED",
        "ONEX_VALIDATE_102_VALIDATION_FAILED",
        " onex_valid_102 ",
    ],
)
def test_every_spelling_leads_to_the_same_code(tree, text):
    code = tree.find(text)
    assert code is not None
    assert (code.short, code.long) == ("ONEX_VALID_102", "ONEX_VALID_102_VALIDATION_FAILED")
    assert tree.normalise(text) == "ONEX_VALID_102"


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("ONEX_REGISTRY_201", "ONEX_REG_201"),
        ("ONEX_RUNTIME_400", "ONEX_RT_400"),
        ("ONEX_TELEMETRY_503", "ONEX_TELEM_503"),
        ("ONEX_SYSTEM_903_TIMEOUT", "ONEX_SYS_903"),
    ],
)
def test_component_names_are_aliases_of_area_tokens(tree, text, short):
    assert tree.find(text).short == short


@pytest.mark.parametrize(
    "text",
    ["", "ONEX", "ONEX_VALID", "ONEX_VALID_12", "ONEX_VALID_1022", "ACME_VALID_102", "102", "ONEX-VALID-102"],
)
def test_what_is_no_code_of_this_taxonomy_is_none(tree, text):
    assert tree.find(text) is None


def test_a_number_that_is_not_defined_is_unknown_but_keeps_its_normal_form(tree):
    assert tree.find("ONEX_REGISTRY_001_DIRECTORY_NOT_FOUND") is None
    assert tree.normalise("ONEX_REGISTRY_001_DIRECTORY_NOT_FOUND") == "ONEX_REG_001"


def test_a_slug_of_another_meaning_is_not_taken_for_the_code_of_that_number(tree):
    assert tree.find("ONEX_STAMP_006_SOMETHING_ELSE") is None


def test_an_alias_of_a_single_code_is_understood(document):
    document["areas"][0]["codes"][5]["aliases"] = ["ONEX_STAMP_021_METADATA_PARSE_ERROR"]
    tree = Tree.of(document)
    assert problems(tree) == []
    assert tree.find("ONEX_STAMP_021_METADATA_PARSE_ERROR").short == "ONEX_STAMP_006"
    assert tree.find("ONEX_STAMP_021") is None


def test_a_spelling_is_taken_apart_without_knowing_any_taxonomy():
    assert Spelling.read("ACME_PAY_007_NO_FUNDS") == Spelling("ACME", "PAY", 7, "NO_FUNDS")
    assert Spelling.read("ACME_PAY_007").short == "ACME_PAY_007"


@pytest.mark.parametrize("pattern", ["VALID", "ONEX_VALID", "ONEX_VALID_*", "VALIDATE", "ONEX_VALIDATE_*"])
def test_an_area_pattern_matches_its_codes_and_no_other(tree, pattern):
    assert tree.matches(pattern, "ONEX_VALID_100")
    assert tree.matches(pattern, "ONEX_VALIDATE_102_VALIDATION_FAILED")
    assert not tree.matches(pattern, "ONEX_SCHEMA_700")


def test_an_area_is_not_matched_by_its_leading_characters(tree):
    assert not tree.matches("VALID", "ONEX_VALIDITY_102")
    assert not tree.matches("ONEX_S", "ONEX_STAMP_001")


def test_an_area_pattern_matches_a_code_that_only_a_newer_edition_has(tree):
    assert tree.matches("VALID", "ONEX_VALIDATE_150_NOT_YET_KNOWN_HERE")


def test_a_code_pattern_matches_the_codes_below_it_but_not_above(tree):
    assert tree.matches("ONEX_VALID_102", "ONEX_VALID_103")
    assert tree.matches("ONEX_VALIDATE_102", "ONEX_VALID_102")
    assert not tree.matches("ONEX_VALID_103", "ONEX_VALID_102")


def test_ancestry_reaches_over_several_steps(document):
    document["areas"][1]["codes"][4]["parent"] = "ONEX_VALID_103"
    assert Tree.of(document).matches("ONEX_VALID_102", "ONEX_VALID_104")


def _set(document, area, code, **fields):
    document["areas"][area]["codes"][code].update(fields)


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (lambda d: _set(d, 0, 1, number=1), "The code ONEX_STAMP_001 occurs 2 times."),
        (lambda d: _set(d, 0, 1, slug="FILE_NOT_FOUND"), "The slug in STAMP FILE_NOT_FOUND occurs 2 times."),
        (lambda d: _set(d, 0, 1, number=150), "ONEX_STAMP_150 lies outside the range 1–99 of STAMP."),
        (lambda d: _set(d, 0, 1, parent="ONEX_STAMP_999"), "names ONEX_STAMP_999 as parent"),
        (
            lambda d: _set(d, 0, 1, replaced_by="ONEX_STAMP_003"),
            "replaced by ONEX_STAMP_003 but not deprecated",
        ),
        (
            lambda d: _set(d, 0, 1, parent="ONEX_STAMP_002"),
            "Following parent from ONEX_STAMP_002 leads back to it.",
        ),
        (lambda d: d["areas"][1]["aliases"].append("STAMP"), "The area token or alias STAMP occurs 2 times."),
        (lambda d: d["areas"][0].update(first=99, last=1), "The range of STAMP begins at 99 and ends at 1."),
        (
            lambda d: _set(d, 0, 1, aliases=["ONEX_STAMP_001"]),
            "The alias ONEX_STAMP_001 of ONEX_STAMP_002 means ONEX_STAMP_001 already.",
        ),
    ],
)
def test_what_a_schema_cannot_say_is_said_in_a_sentence(document, edit, sentence):
    edit(document)
    found = [problem for problem in problems(Tree.of(document)) if sentence in problem.message]
    assert found
    assert all(problem.pointer.startswith("/areas/") and problem.rule and problem.remedy for problem in found)


def test_a_circle_of_parents_that_a_code_merely_points_into_is_reported_once_per_member(document):
    _set(document, 0, 0, parent="ONEX_STAMP_002")
    _set(document, 0, 1, parent="ONEX_STAMP_003")
    _set(document, 0, 2, parent="ONEX_STAMP_002")
    assert len(problems(Tree.of(document))) == 2


def test_number_zero_is_the_fallback_of_any_area(document):
    _set(document, 1, 0, number=0)
    assert problems(Tree.of(document)) == []
