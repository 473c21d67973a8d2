"""Schemas made to hurt: each ends in an answer, undecided or an error, within a second of this thread's time."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from compat import MAX_DEPTH, SchemaError, check, compile_validator, inspect_schema

STRING, INTEGER = {"type": "string"}, {"type": "integer"}


def _unions(count: int, left: str, right: str) -> Any:
    return {
        "allOf": [
            {"anyOf": [{"required": [f"{left}{i}"]}, {"required": [f"{right}{i}"]}]} for i in range(count)
        ]
    }


def _wide(count: int, value: Any) -> Any:
    return {
        "type": "object",
        "properties": {f"p{i}": value for i in range(count)},
        "additionalProperties": False,
    }


def _deep(levels: int, leaf: Any) -> Any:
    for _ in range(levels):
        leaf = {"properties": {"a": leaf}}
    return leaf


def _bomb(keyword: str, levels: int, leaf: Any) -> Any:
    steps = {f"d{i}": {keyword: [{"$ref": f"#/definitions/d{i + 1}"}] * 2} for i in range(levels)}
    return {"$ref": "#/definitions/d0", "definitions": {**steps, f"d{levels}": leaf}}


def _tree_bomb(levels: int, leaf: Any) -> Any:
    steps = {
        f"d{i}": {
            "properties": {"a": {"$ref": f"#/definitions/d{i + 1}"}, "b": {"$ref": f"#/definitions/d{i + 1}"}}
        }
        for i in range(levels)
    }
    return {"$ref": "#/definitions/d0", "definitions": {**steps, f"d{levels}": leaf}}


def _chain(length: int) -> Any:
    steps = {f"d{i}": {"$ref": f"#/definitions/d{i + 1}"} for i in range(length)}
    return {"$ref": "#/definitions/d0", "definitions": {**steps, f"d{length}": STRING}}


HOSTILE: dict[str, Callable[[], tuple[Any, Any]]] = {
    "unions, permuted": lambda: (_unions(8, "a", "b"), _unions(8, "b", "a")),
    "2^14 unions": lambda: (_unions(14, "a", "b"), _unions(14, "a", "c")),
    "2^20 unions": lambda: (_unions(20, "a", "b"), {**_unions(20, "a", "b"), "minProperties": 21}),
    "exponential automaton": lambda: ({"pattern": "(a|b)*a(a|b){30}"}, {"pattern": "(a|b)*b(a|b){30}"}),
    "nested counted repetition": lambda: ({"pattern": "^((a{1,50}){1,50}){1,50}$"}, {"pattern": "^a*$"}),
    "5,000 properties": lambda: (_wide(5_000, STRING), _wide(5_000, {"type": "string", "maxLength": 9})),
    "5,000 wider properties": lambda: (
        _wide(5_000, {"type": "string", "maxLength": 8}),
        _wide(5_000, STRING),
    ),
    "5,000 enumerated": lambda: ({"enum": list(range(5_000))}, {"enum": list(range(4_999))}),
    "5,000 enumerated objects": lambda: ({"enum": [{"a": i} for i in range(5_000)]}, {"required": ["a"]}),
    "1,000 levels": lambda: (_deep(1_000, STRING), _deep(1_000, INTEGER)),
    "80 levels": lambda: (_deep(80, STRING), _deep(80, INTEGER)),
    "branches that multiply": lambda: (_bomb("allOf", 40, STRING), INTEGER),
    "oneOf that multiplies": lambda: (_bomb("oneOf", 22, STRING), INTEGER),
    "a tree of references": lambda: (_tree_bomb(40, STRING), _tree_bomb(40, INTEGER)),
    "a chain of references": lambda: (_chain(3_000), STRING),
    "a reference to itself": lambda: ({"allOf": [{"$ref": "#"}]}, STRING),
    "100 tagged branches": lambda: (
        {"oneOf": [{"properties": {"k": {"const": i}}, "required": ["k"]} for i in range(100)]},
        {"oneOf": [{"properties": {"k": {"const": i}}, "required": ["k"]} for i in range(99)]},
    ),
    "12 patterns": lambda: (
        {"patternProperties": {f"^{c}": STRING for c in "abcdefghijkl"}},
        {"patternProperties": {f"{c}$": STRING for c in "abcdefghijkl"}},
    ),
    "an array of 100,000": lambda: ({"type": "array", "minItems": 100_000}, {"minItems": 100_001}),
    "a text of 10^9": lambda: ({"type": "string", "minLength": 10**9}, {"minLength": 10**9 + 1}),
    "divisors far apart": lambda: ({"multipleOf": 1e-300}, {"multipleOf": 1e300}),
    "coprime divisors": lambda: ({"type": "integer", "multipleOf": 1_000_003}, {"multipleOf": 999_983}),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("world", ["open", "declared"])
def test_hostile_pairs_end_in_time(name: str, world: Any) -> None:
    old, new = HOSTILE[name]()
    begun = time.thread_time()
    assert _ending(old, new, world) in {"compatible", "incompatible", "undecided", "depth", "size", "endless"}
    assert time.thread_time() - begun < 3  # generous: the machine that runs this may be slow and busy


def _ending(old: Any, new: Any, world: Any) -> str:
    try:
        return check(old, new, world=world).status
    except SchemaError as error:
        return error.reason


def test_nesting_has_a_limit_that_is_said() -> None:
    with pytest.raises(SchemaError, match=str(MAX_DEPTH)) as caught:
        inspect_schema(_deep(MAX_DEPTH, True))
    assert caught.value.reason == "depth"
    with pytest.raises(SchemaError):
        compile_validator(_deep(10 * MAX_DEPTH, True))


def test_the_budget_is_counted_in_steps_and_named_when_it_runs_out() -> None:
    old, new = _unions(14, "a", "b"), _unions(14, "a", "c")
    verdict = check(old, new, budget=500)
    assert verdict.status == "undecided"
    assert verdict.proof is not None
    assert "500 steps" in verdict.proof
    assert check(old, new, budget=500).budget_spent == verdict.budget_spent
