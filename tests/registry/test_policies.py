"""One change under four policies."""

import json

import pytest

from compat.policies import LENIENT, STRICT
from registry.check import judge_against
from registry.configure import set_rules
from registry.upload import read_upload

OBJECT = {"type": "object", "properties": {"a": {"type": "string"}}}
CLOSED = {**OBJECT, "additionalProperties": False}
OPTIONAL = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}
REQUIRED = {**OPTIONAL, "required": ["b"]}
NARROWER = {"type": "object", "properties": {"a": {"type": "string", "maxLength": 3}}}
#: old, new, and the answers under DECLARED, OPEN, STRICT, LENIENT.
CASES = {
    "an optional field in an open model": (OBJECT, OPTIONAL, "yes no no yes"),
    "an optional field in a closed model": (
        CLOSED,
        {**OPTIONAL, "additionalProperties": False},
        "yes yes yes yes",
    ),
    "a field removed from a closed model": (
        {**OPTIONAL, "additionalProperties": False},
        CLOSED,
        "no no no yes",
    ),
    "a required field": (OBJECT, REQUIRED, "no no no no"),
    "a narrower type": (OBJECT, NARROWER, "no no no no"),
    "a title": (OBJECT, {**OBJECT, "title": "Order"}, "yes yes yes yes"),
}


@pytest.mark.parametrize(("old", "new", "answers"), CASES.values(), ids=CASES)
def test_what_each_policy_says(publish, actor, old, new, answers):
    publish("s", old)
    upload = read_upload(actor=actor, subject="s", schema=json.dumps(new))
    said = {}
    for policy in ("DECLARED", "OPEN", "STRICT", "LENIENT"):
        set_rules(actor=actor, subject="s", policy=policy)
        judgement = judge_against(actor=actor, upload=upload)
        assert judgement.policy == policy
        said[policy] = "yes" if judgement.status == "compatible" else "no"
    assert " ".join(said.values()) == answers


def test_where_a_policy_differs_from_the_proof_the_answer_says_both(publish, actor):
    publish("s", OBJECT)
    set_rules(actor=actor, subject="s", policy="LENIENT")
    upload = read_upload(actor=actor, subject="s", schema=json.dumps(OPTIONAL))
    [pair] = judge_against(actor=actor, upload=upload).as_dict()["against"]
    assert (pair["status"], pair["proven"]) == ("compatible", "incompatible")
    assert pair["disagreement"].startswith("confluent-lenient allows")


def test_lenient_allows_all_that_strict_allows():
    assert STRICT < LENIENT
