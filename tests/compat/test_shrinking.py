"""Counterexamples are made small before they are shown, and stay counterexamples."""

from compat import check, compile_validator
from compat.shrink import shrunk


def test_members_items_and_letters_that_show_nothing_go() -> None:
    value = {"a": [1, 2, {"b": "xyz", "c": None}], "d": "abc"}
    assert shrunk(value, lambda v: "a" in v and any(isinstance(i, dict) for i in v["a"])) == {"a": [{}]}


def test_counted_items_are_as_few_as_can_be() -> None:
    verdict = check(
        {"contains": {"type": "integer"}},
        {"contains": {"type": "integer"}, "maxContains": 2},
        dialect="2020-12",
    )
    assert verdict.witness is not None
    assert verdict.witness.instance == [0, 0, 0]


def test_what_became_required_is_shown_by_leaving_it_out() -> None:
    old = {"type": "object", "properties": {"a": {"type": "string"}}}
    new = {**old, "properties": {**old["properties"], "b": {"type": "integer"}}, "required": ["b"]}  # type: ignore[dict-item]
    verdict = check(old, new)
    assert verdict.witness is not None
    assert verdict.witness.instance == {}
    assert compile_validator(old).is_valid({})
