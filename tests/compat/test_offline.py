"""The questions and answers that another program finds under the entry point group `onex.verdict`."""

import json

from compat import offline

STRING, NUMBER = {"type": "string"}, {"type": "number"}
REFERRING = {"type": "object", "properties": {"a": {"$ref": "part.json"}}}


def test_a_verdict_is_a_json_value_with_its_witness():
    answer = offline.judge({"type": "object"}, {"type": "object", "required": ["currency"]})
    assert json.loads(json.dumps(answer)) == answer
    assert (answer["status"], answer["direction"], answer["witness"]["instance"]) == (
        "incompatible",
        "backward",
        {},
    )


def test_each_side_refers_to_what_the_name_meant_at_its_time():
    same = offline.judge(
        REFERRING, REFERRING, old_store={"part.json": STRING}, new_store={"part.json": STRING}
    )
    assert same["status"] == "compatible"
    changed = offline.judge(
        REFERRING, REFERRING, old_store={"part.json": STRING}, new_store={"part.json": NUMBER}
    )
    assert changed["status"] == "incompatible"
    assert isinstance(changed["witness"]["instance"]["a"], str)


def test_what_is_no_schema_is_an_answer_that_says_which_and_where():
    answer = offline.judge({"type": "object"}, {"properties": {"a": {"type": "sting"}}})
    assert (answer["status"], answer["which"], answer["pointer"]) == ("invalid", "new", "/properties/a/type")
    assert offline.judge({"type": 7}, {})["which"] == "old"
    assert offline.advise({"type": 7}, {})["which"] == "old"
    assert offline.inspect(REFERRING)["status"] == "invalid"


def test_a_schema_is_read_in_its_draft_with_notes():
    answer = offline.inspect(REFERRING, store={"part.json": {"pattern": "(?=a)"}}, dialect="2020-12")
    assert (answer["status"], answer["dialect"]) == ("valid", "2020-12")
    assert "notes" in answer


def test_advice_names_the_least_step():
    wider = {"type": ["string", "number"]}
    assert offline.advise(STRING, wider)["level"] == "minor"
    assert offline.advise(wider, STRING)["level"] == "major"
    assert (
        offline.advise(REFERRING, REFERRING, old_store={"part.json": NUMBER}, new_store={"part.json": wider})[
            "level"
        ]
        == "minor"
    )
