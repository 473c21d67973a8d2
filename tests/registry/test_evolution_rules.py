"""ONEX's rules of evolution on top of a policy: what was declared stays, or a major says that it does not."""

import json

import pytest
from django.urls import reverse

from compat.policies import LENIENT, ONEX_MAJOR
from registry.configure import set_rules
from registry.errors import Incompatible, VersionTooLow
from registry.models import Subject


def o(properties, **more):
    return {"type": "object", "properties": properties, **more}


FIELD, OTHER = {"type": "string"}, {"type": "integer"}
ENUM = {"enum": ["a", "b"]}
#: old, new, whether DECLARED accepts it, and whether ONEX leaves it to a major.
CASES = {
    "a declared field removed from an open model": (o({"a": FIELD, "b": OTHER}), o({"a": FIELD}), True, True),
    "a declared field covered by a pattern": (
        o({"a": FIELD}, additionalProperties=False),
        o({}, patternProperties={"^a$": FIELD}, additionalProperties=False),
        True,
        True,
    ),
    "a nested field removed": (o({"in": o({"a": FIELD})}), o({"in": o({})}), True, True),
    "an enum value removed": (o({"a": ENUM}), o({"a": {"enum": ["a"]}}), False, True),
    "another default": (o({"a": FIELD | {"default": "x"}}), o({"a": FIELD | {"default": "y"}}), True, True),
    "a field that becomes required": (o({"a": FIELD}), o({"a": FIELD}, required=["a"]), False, True),
    "a wider enum": (o({"a": ENUM}), o({"a": {"enum": ["a", "b", "c"]}}), True, False),
    "a relaxed bound": (o({"a": {"maxLength": 3}}), o({"a": {"maxLength": 4}}), True, False),
    "a new optional field": (o({"a": FIELD}), o({"a": FIELD, "b": OTHER}), True, False),
    "other words": (o({"a": FIELD}), o({"a": FIELD}, title="T"), True, False),
}


@pytest.fixture
def with_rules(publish):
    """`with_rules("s", schema)`: a subject whose first version is this and that asks for the ONEX rules."""

    def with_rules(subject, schema):
        publish(subject, schema)
        Subject.objects.filter(name=subject).update(evolution_rules="ONEX")

    return with_rules


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_is_left_to_a_major(publish, with_rules, case):
    old, new, declared, major = case
    publish("plain", old)
    if declared:
        assert publish("plain", new).judgement.as_dict()["spoke"] == "DECLARED"
    with_rules("s", old)
    if not major:
        assert publish("s", new).semver.startswith("1.")
        return
    with pytest.raises(Incompatible) as refused:
        publish("s", new)
    facts = refused.value.facts
    assert facts["spoke"] == ("ONEX" if declared else "DECLARED")
    assert facts["against"][0]["proven"] == ("compatible" if declared else "incompatible")
    assert facts["semver"]["required"] == "major"
    with pytest.raises(VersionTooLow):
        publish("s", new, semver="1.9.0")
    assert publish("s", new, semver="2.0.0").semver == "2.0.0"


def test_the_answer_says_who_spoke_and_why(publish, with_rules, owner):
    with_rules("s", o({"a": FIELD | {"default": "x"}}))
    body = {"schema": json.dumps(o({"a": FIELD | {"default": "y"}}))}
    address = "/api/v1/compatibility/subjects/s/versions/latest?verbose=true"
    told = owner.api.post(address, body).json()
    assert told["is_compatible"] is False
    assert any(
        "the ONEX rules of evolution leave it to a new major" in message for message in told["messages"]
    )
    assert "evolutionRules: 'ONEX'" in told["messages"][-1]
    assert (told["details"]["policy"], told["details"]["spoke"]) == ("DECLARED", "ONEX")
    assert told["details"]["semver"]["reason"].startswith("ONEX rules leave this to a major: the default of")


def test_where_the_level_compares_nothing_the_label_is_a_major(publish, with_rules, actor):
    with_rules("s", o({"a": FIELD | {"default": "x"}}))
    set_rules(actor=actor, subject="s", level="NONE")
    assert publish("s", o({"a": FIELD | {"default": "y"}})).semver == "2.0.0"


@pytest.mark.parametrize("policy", ["OPEN", "STRICT", "LENIENT"])
def test_they_lie_on_top_of_every_policy(publish, with_rules, actor, policy):
    with_rules("s", o({"a": FIELD, "b": OTHER}))
    set_rules(actor=actor, subject="s", policy=policy)
    with pytest.raises(Incompatible) as refused:
        publish("s", o({"a": FIELD}))
    assert refused.value.facts["spoke"] == "ONEX"
    assert "STRICT" not in str(refused.value.facts["against"][0]["disagreement"])


def test_they_are_a_setting_over_rest_and_on_the_page(publish, owner):
    publish("s", o({"a": FIELD}))
    assert (
        owner.api.patch("/api/v1/settings/s", {"evolution_rules": "ONEX"}).json()["evolution_rules"] == "ONEX"
    )
    assert "ONEX rules of evolution" in owner.browser.get(reverse("subject", args=["s"])).content.decode()
    assert owner.api.patch("/api/v1/settings/s", {"evolution_rules": "SNOWPLOW"}).status_code == 422
    owner.browser.post(reverse("subject-settings", args=["s"]), {"version_when_absent": "latest"})
    assert Subject.objects.get().evolution_rules == ""


def test_the_page_of_a_version_says_who_spoke(publish, with_rules, owner):
    with_rules("s", o({"a": FIELD, "b": OTHER}))
    publish("s", o({"a": FIELD}), semver="2.0.0")
    shown = owner.browser.get(reverse("version", args=["s", 2])).content.decode()
    for part in ("ONEX on top", "says ONEX", "leave it to a new major version"):
        assert part in shown


def test_the_rules_name_kinds_that_a_wider_policy_knows_as_narrowing():
    """None of them is a widening; removing a field from an open model is what the other policies let pass."""
    assert not {kind for kind in ONEX_MAJOR if kind.endswith(("EXTENDED", "INCREASED"))}
    assert {kind for kind in ONEX_MAJOR & LENIENT if not kind.startswith("PROPERTY_REMOVED")} == {
        "DEFAULT_CHANGED",
        "REQUIRED_ATTRIBUTE_WITH_DEFAULT_ADDED",
    }
