"""Hand-made pairs whose answer anybody can check."""

import json
from typing import Any

import pytest

from compat import UnverifiedWitness, Verdict, Witness, check
from compat.inspection import opened
from compat.witness import Contest

STRING = {"type": "string"}


def _object(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, **more}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"type": "integer"}, {"type": "number"}),
        ({"type": "integer"}, {"multipleOf": 1}),
        ({"enum": [1, 2]}, {"enum": [1, 2, 3]}),
        ({"pattern": "^a+$"}, {"pattern": "^[a-z]+$"}),
        ({"type": "string", "pattern": "^[0-9]{4}$"}, {"maxLength": 4, "minLength": 4}),
        (_object({"a": STRING}, required=["a"]), {"type": "object", "minProperties": 1}),
        (_object({"a": STRING}, additionalProperties=False), {"propertyNames": {"enum": ["a", "b"]}}),
        (
            {"oneOf": [{"type": "string"}, {"type": "integer"}]},
            {"anyOf": [{"type": "integer"}, {"type": "string"}]},
        ),
        ({"type": "array", "items": {"enum": [1, 2]}, "uniqueItems": True}, {"type": "array", "maxItems": 2}),
        ({"multipleOf": 6}, {"allOf": [{"multipleOf": 2}, {"multipleOf": 3}]}),
        (False, STRING),
        ({"$ref": "#/definitions/x", "definitions": {"x": {"type": "null"}}}, {"const": None}),
        ({"patternProperties": {"^a": {"type": "integer"}}}, {"properties": {"abc": {"type": "number"}}}),
        ({"contains": {"const": 1}, "type": "array"}, {"minItems": 1}),
    ],
)
def test_widening_is_proven(old: Any, new: Any) -> None:
    verdict = check(old, new)
    assert verdict.status == "compatible", verdict
    assert verdict.proof
    assert verdict.witness is None


@pytest.mark.parametrize(
    ("old", "new", "witness"),
    [
        ({"type": "number"}, {"type": "integer"}, 0.5),
        ({"type": ["null", "string"]}, STRING, None),
        (STRING, False, ""),
        (_object({"a": STRING}), _object({"a": STRING}, required=["a"]), {}),
        ({"enum": ["a", "b"]}, {"enum": ["a"]}, "b"),
        ({"maxLength": 3, "type": "string"}, {"maxLength": 2}, "aaa"),
        ({"type": "array"}, {"uniqueItems": True}, [None, None]),
        ({"type": "integer", "multipleOf": 2}, {"multipleOf": 4}, 2),
        (_object({}), _object({"b": {"type": "integer"}}), {"b": None}),
        ({"const": 1}, {"const": True}, 1),
    ],
)
def test_narrowing_is_shown_by_a_small_witness(old: Any, new: Any, witness: Any) -> None:
    verdict = check(old, new)
    assert verdict.status == "incompatible", verdict
    assert verdict.witness is not None
    assert verdict.witness.instance == witness
    assert verdict.witness.errors


def test_forward_and_full_ask_the_other_way_round() -> None:
    assert check({"type": "integer"}, {"type": "number"}, mode="forward").status == "incompatible"
    full = check({"type": "integer"}, {"type": "number"}, mode="full")
    assert (full.status, full.direction) == ("incompatible", "forward")


def test_null_is_a_witness() -> None:
    witness = check({"type": "null"}, STRING).witness
    assert witness is not None
    assert witness.instance is None


def test_an_unverified_witness_cannot_exist() -> None:
    contest = Contest(opened(STRING), opened({"type": "integer"}))
    with pytest.raises(UnverifiedWitness):
        Witness(5, contest)
    assert Witness("", contest).errors[0].keyword == "type"


def test_an_incompatible_verdict_without_witness_cannot_exist() -> None:
    with pytest.raises(ValueError, match="witness"):
        Verdict("incompatible", "backward", "open")


def test_verdicts_render_to_json_and_are_deterministic() -> None:
    old, new = _object({"a": STRING}), _object({"a": {"type": "integer"}, "b": STRING}, required=["b"])
    first, second = (json.dumps(check(old, new, world="declared").as_dict()) for _ in range(2))
    assert first == second


def test_lookaround_within_a_pattern_is_undecided_unless_the_schemas_say_the_same() -> None:
    pattern = {"type": "string", "pattern": "a(?!x)b"}
    assert check(pattern, pattern).status == "compatible"
    assert check(pattern, {"pattern": "ab"}).status == "undecided"


def test_unknown_modes_and_worlds_are_refused() -> None:
    with pytest.raises(ValueError, match="sideways"):
        check(True, True, mode="sideways")


def _tree(value: Any, **more: Any) -> dict[str, Any]:
    node = {"type": "object", "properties": {"value": value, "next": {"$ref": "#/definitions/node"}}, **more}
    return {"$ref": "#/definitions/node", "definitions": {"node": node}}


WIDER = [
    ({"type": "integer"}, {"type": "number"}),
    ({"const": 1}, {"enum": [1, 2]}),
    ({"maxLength": 2}, {"maxLength": 3}),
    ({"minimum": 2}, {"minimum": 1}),
    (STRING, True),
    ({"pattern": "^ab$"}, {"pattern": "^a"}),
    ({"items": {"type": "integer"}}, {"items": {"type": "number"}}),
    ({"multipleOf": 4}, {"multipleOf": 2}),
    ({"type": "null"}, {"type": ["null", "string"]}),
    ({"oneOf": [STRING, {"type": "null"}]}, {"type": ["string", "null"]}),
]
SHAPES: list[dict[str, Any]] = [
    {},
    {"required": ["value"]},
    {"additionalProperties": False},
    {"required": ["value"], "additionalProperties": False},
    {"maxProperties": 2},
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("narrow", "wide"), WIDER)
def test_recursive_schemas_are_decided_both_ways(narrow: Any, wide: Any, shape: dict[str, Any]) -> None:
    assert check(_tree(narrow, **shape), _tree(wide, **shape)).status == "compatible"
    back = check(_tree(wide, **shape), _tree(narrow, **shape))
    assert back.status == ("compatible" if narrow == WIDER[9][0] else "incompatible")


@pytest.mark.parametrize("count", [2, 5, 20, 50])
def test_tagged_unions_are_decided_both_ways(count: int) -> None:
    def union(value: Any) -> dict[str, Any]:
        branches = [
            _object({"kind": {"const": f"t{i}"}, "value": value}, required=["kind"]) for i in range(count)
        ]
        return {"oneOf": branches}

    assert check(union({"type": "integer"}), union({"type": "number"})).status == "compatible"
    assert check(union({"type": "number"}), union({"type": "integer"})).status == "incompatible"


def test_a_counterexample_that_the_validators_do_not_confirm_is_passed_over_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Exact arithmetic finds a multiple of one that is none of the other; validators that compute in floats do not."""
    verdict = check({"multipleOf": 1e-300}, {"multipleOf": 1e300})
    assert verdict.status != "compatible"
    assert any(record.name == "compat.judge" and "defect" in record.message for record in caplog.records)
