"""Many instances of one schema: valid, distinct, telling, and always the same."""

import json

import jsonschema
import pytest

from compat import SchemaError
from compat.instances import instances

ORDER = {
    "type": "object",
    "required": ["id", "state"],
    "properties": {
        "id": {"type": "string", "minLength": 1},
        "state": {"enum": ["new", "paid", None]},
        "count": {"type": "integer", "minimum": 1, "maximum": 9},
        "lines": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string"}}}},
        "ship": {"type": "object", "required": ["to"], "properties": {"to": {"type": "string"}}},
    },
    "additionalProperties": False,
}


def test_all_are_valid_distinct_and_as_many_as_asked_for():
    found = instances(ORDER, most=150)
    assert len({json.dumps(one, sort_keys=True) for one in found}) == len(found) == 150
    for one in found:
        jsonschema.Draft7Validator(ORDER).validate(one)


def test_they_leave_out_each_optional_member_and_reach_each_choice_and_edge():
    found = instances(ORDER)
    for name in ("count", "lines", "ship"):
        assert any(name in one for one in found)
        assert any(name not in one for one in found)
    assert {one["state"] for one in found} == {"new", "paid", None}
    assert {1, 9} <= {one["count"] for one in found if "count" in one}
    assert any(one.get("lines") == [] for one in found)
    assert any(len(one.get("lines", [])) > 1 for one in found)


def test_the_same_schema_always_has_the_same_ones():
    assert instances(ORDER) == instances(ORDER)


def test_a_schema_that_nothing_satisfies_has_none():
    assert instances(False) == []
    assert instances({"type": "object", "required": ["a"], "properties": {"a": False}}) == []


def test_a_recursive_schema_has_some():
    tree = {"type": "object", "properties": {"child": {"$ref": "#"}, "name": {"type": "string"}}}
    assert len(instances(tree)) > 10


def test_what_is_no_schema_is_told():
    with pytest.raises(SchemaError):
        instances({"type": 3})
