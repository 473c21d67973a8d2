"""Definitions that say the same are told before schemas are compared, however their references run."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from compat import check
from compat.solver.alike import alike, spelling


def _groups(definitions: dict[str, Any]) -> dict[str, str]:
    return alike({name: spelling(schema) for name, schema in definitions.items()})


def _to(name: str) -> dict[str, Any]:
    return {"properties": {"next": {"$ref": f"#/$defs/{name}"}}}


def test_definitions_that_refer_to_each_other_in_a_circle_are_alike() -> None:
    assert _groups({"a": _to("b"), "b": _to("a"), "c": _to("c")}) == {"a": "a", "b": "a", "c": "a"}


def test_a_difference_at_the_end_of_a_chain_parts_all_that_lead_to_it() -> None:
    groups = _groups({
        "a1": _to("a2"), "a2": _to("a3"), "a3": {"type": "string"},
        "b1": _to("b2"), "b2": _to("b3"), "b3": {"type": "integer"},
    })  # fmt: skip
    assert len(set(groups.values())) == 6


def test_a_constant_that_reads_like_a_reference_is_no_reference() -> None:
    constants = {name: {"const": {"$ref": f"#/$defs/{name}"}} for name in ("a", "b")}
    assert _groups(constants) == {"a": "a", "b": "b"}
    listed = {name: {"enum": ["[", {"$ref": f"#/$defs/{name}"}]} for name in ("a", "b")}
    assert _groups(listed) == {"a": "a", "b": "b"}


def test_the_order_in_which_members_are_written_does_not_matter() -> None:
    assert _groups({"a": {"type": "string", "minLength": 1}, "b": {"minLength": 1, "type": "string"}}) == {
        "a": "a",
        "b": "a",
    }


def _bundle(size: int) -> dict[str, Any]:
    """Definitions that all lead to each other, behind a choice that no case analysis gets through."""
    definitions = {
        f"d{i}": {
            "type": "object",
            "properties": {"kind": {"enum": [f"k{i}"]}, **{f"p{j}": _some(i, j, size) for j in range(3)}},
            "required": ["kind"],
        }
        for i in range(size)
    }
    choice = {"oneOf": [{"$ref": f"#/definitions/d{i}"} for i in range(size)]}
    return {"type": "array", "items": choice, "definitions": definitions}


def _some(i: int, j: int, size: int) -> dict[str, Any]:
    return {"oneOf": [{"$ref": f"#/definitions/d{(7 * i + j) % size}"}, {"type": "string"}]}


def test_a_bundle_of_which_only_words_changed_is_compatible() -> None:
    old = _bundle(60)
    new = deepcopy(old)
    new["definitions"]["d7"]["description"] = "new words"
    verdict = check(old, new, mode="full")
    assert verdict.status == "compatible"
    assert verdict.proof == (
        "backward: the reader's schema is the writer's; forward: the reader's schema is the writer's"
    )
