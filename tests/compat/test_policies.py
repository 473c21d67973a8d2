"""Confluent's two policies over the same changes, and where they say otherwise than the proof."""

from typing import Any

import pytest

from compat import rule
from compat.policies import LENIENT, STRICT

FIELD = {"type": "object", "properties": {"a": {"type": "string"}}}
OPTIONAL = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}
DEFAULTED = {
    "type": "object",
    "properties": {"a": {"type": "string", "default": ""}},
    "required": ["a"],
}
#: Old, new, strict, lenient, and whether the instances agree.
CASES: dict[str, tuple[Any, Any, bool, bool, str]] = {
    "an optional field in an open model": (FIELD, OPTIONAL, False, True, "incompatible"),
    "a required field with a default": (FIELD, DEFAULTED, True, True, "incompatible"),
    "a wider type": ({"type": "integer"}, {"type": "number"}, True, True, "compatible"),
    "a narrower type": ({"type": "number"}, {"type": "integer"}, False, False, "incompatible"),
    "a pattern written otherwise": ({"pattern": "^a+$"}, {"pattern": "^aa*$"}, False, False, "compatible"),
    "an item rule in an open tuple": (
        {"items": [{"type": "string"}]},
        {"items": [{"type": "string"}, {}]},
        True,
        True,
        "compatible",
    ),
    "an item rule in a closed tuple": (
        {"items": [{"type": "string"}], "additionalItems": False},
        {"items": [{"type": "string"}, {"type": "null"}], "additionalItems": False},
        True,
        True,
        "compatible",
    ),
}


@pytest.mark.parametrize(("old", "new", "strict", "lenient", "proven"), CASES.values(), ids=CASES)
def test_what_the_policies_say(old: Any, new: Any, strict: bool, lenient: bool, proven: str) -> None:
    by_strict, by_lenient = (
        rule(old, new, policy="confluent-strict"),
        rule(old, new, policy="confluent-lenient"),
    )
    assert (by_strict.compatible, by_lenient.compatible) == (strict, lenient)
    assert by_strict.verdict.status == proven
    assert (by_strict.disagreement is None) == (by_strict.compatible == (proven == "compatible"))


def test_forward_judges_what_the_old_version_reads() -> None:
    ruling = rule({"type": "integer"}, {"type": "number"}, policy="confluent-strict", mode="forward")
    assert [change.kind for change in ruling.refused] == ["TYPE_NARROWED"]
    assert not rule(
        {"type": "integer"}, {"type": "number"}, policy="confluent-lenient", mode="full"
    ).compatible


def test_lenient_allows_all_that_strict_allows() -> None:
    assert STRICT < LENIENT


def test_an_unknown_policy_is_wrong_usage() -> None:
    with pytest.raises(ValueError, match="confluent-strict"):
        rule({}, {}, policy="avro")  # type: ignore[arg-type]
