"""Taxonomy documents as text: JSON and YAML, both ways, within limits."""

import json
from pathlib import Path

import pytest

import registry
from registry.taxonomy_errors import TaxonomyTooLarge, UnreadableTaxonomy
from registry.taxonomy_text import read_document, write_document

ERRORS = json.loads((Path(registry.__file__).parent / "onex/errors-1.0.0.json").read_text(encoding="utf-8"))


def yaml(text):
    return read_document(text.encode(), form="yaml")


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_what_is_written_is_read_back_as_it_was(form):
    document = {**ERRORS, "description": "naïve: 'yes', \"no\"\n# not a comment 😀"}
    assert read_document(write_document(document, form=form).encode(), form=form) == document


def test_a_yaml_text_of_other_tools_is_understood_when_they_read_1_1():
    """`no` is false to readers of YAML 1.1, so it is written in quotes."""
    assert "recoverable: 'no'" in write_document(ERRORS, form="yaml")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: no", {"a": "no"}),
        ("a: yes", {"a": "yes"}),
        ("a: true", {"a": True}),
        ("a: ~", {"a": None}),
        ("a:", {"a": None}),
        ("a: 7", {"a": 7}),
        ("a: 7.5", {"a": 7.5}),
        ("a: '7'", {"a": "7"}),
        ("a: 1.0.0", {"a": "1.0.0"}),
        ("a: 2026-01-01", {"a": "2026-01-01"}),
        ("a: 0x10", {"a": "0x10"}),
        ("a: 1_000", {"a": "1_000"}),
        ("a: .inf", {"a": ".inf"}),
        ("a: |\n  two\n  lines\n", {"a": "two\nlines\n"}),
        ("a: &x [1, 2]\nb: *x\n", {"a": [1, 2], "b": [1, 2]}),
        ('{"a": [1, {"b": null}]}', {"a": [1, {"b": None}]}),
    ],
)
def test_yaml_is_read_as_1_2_has_it(text, value):
    assert yaml(text) == value


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1\nb: 2\na: 3", "The key 'a' occurs twice in one mapping (line 3, column 1)."),
        ("!!python/object/apply:os.system [ls]", "makes nothing here"),
        ("a: !!python/name:os.system x", "makes nothing here"),
        ("a: !!int '3'", "makes nothing here"),
        ("a: &x [*x]", "The alias *x stands for nothing"),
        ("base: &b {x: 1}\n<<: *b", "Merge keys"),
        ("? [a]\n: 1", "A key is a text"),
        ("7: a", "The key 7 is no text"),
        ("- 1\n---\n- 2", "holds 2 YAML documents"),
        ("", "holds 0 YAML documents"),
        ("a: [", "at line 2, column 1"),
        ('a: "\\0"', "U+0000"),
        ("[" * 400_000, "nested more than 32 levels"),
        ("a: " * 40_000, "not YAML"),
    ],
)
def test_yaml_that_is_refused_says_why(text, sentence):
    with pytest.raises(UnreadableTaxonomy) as refused:
        yaml(text)
    assert sentence in refused.value.message


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b'{"a": 1, "a": 2}', 'Detected duplicate key "a"'),
        (b'{"a": NaN}', "not JSON"),
        (b'{"a": "\\u0000"}', "U+0000"),
        (b'{"a": ' + b"9" * 9_000 + b"}", "number out of range"),
        (b"[" * 400_000, "nested more than 32 levels"),
        (b"\xff", "not UTF-8"),
        (b"{", "not JSON"),
    ],
)
def test_json_that_is_refused_says_why(text, sentence):
    with pytest.raises(UnreadableTaxonomy) as refused:
        read_document(text, form="json")
    assert sentence in refused.value.message


def test_aliases_of_aliases_are_counted_written_out_before_anything_is_made_of_them():
    """Nine levels of ten would be a billion values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    with pytest.raises(TaxonomyTooLarge, match="aliases written out"):
        yaml("\n".join(lines))


def test_a_text_over_the_limit_is_not_read(settings):
    settings.TAXONOMY_MAX_BYTES = 10
    with pytest.raises(TaxonomyTooLarge, match="TAXONOMY_MAX_BYTES"):
        yaml("a: 12345678")
