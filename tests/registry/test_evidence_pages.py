"""The evidence of a verdict in the browser: every counterexample whole, and each to be copied by itself."""

import re

from django.urls import reverse

from registry.configure import set_rules

LONG = "x" * 400


def test_a_long_reason_is_shown_whole_behind_its_beginning(publish, owner):
    publish("orders", {"type": "object", "properties": {"a": {"enum": ["b", LONG]}}})
    publish(
        "orders",
        {"type": "object", "properties": {"a": {"enum": ["b", LONG], "maxLength": 9}}},
        semver="2.0.0",
    )
    shown = owner.browser.get(reverse("version", args=["orders", 2])).content.decode()
    (details,) = re.findall(r'<details class="more break">.*?</details>', shown, re.DOTALL)
    assert LONG in details.partition("</summary>")[2]


def test_counterexamples_against_several_versions_are_told_apart(publish, owner, actor):
    set_rules(actor=actor, subject="orders", level="BACKWARD_TRANSITIVE")
    one = {"a": {"type": "string"}}
    for properties, semver in (
        (one, "1.0.0"),
        ({**one, "b": {}}, "1.1.0"),
        ({"a": {"type": "null"}}, "2.0.0"),
    ):
        publish("orders", {"type": "object", "properties": properties}, semver=semver)
    shown = owner.browser.get(reverse("version", args=["orders", 3])).content.decode()
    ids = re.findall(r'id="(witness[^"]*)"', shown)
    assert len(ids) == len(set(ids)) == 2
