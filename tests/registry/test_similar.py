"""Schemas with the same fields, and which those are."""

import pytest
from django.urls import reverse

from registry.similar import similar_schemas


def schema(*names):
    return {"type": "object", "properties": {name: {"type": "string"} for name in names}}


@pytest.fixture
def addresses(publish):
    publish("team.address", schema("street", "zip", "city"))
    publish("shop.address", schema("Street", "zip", "city", "country"))
    publish("shop.other", schema("zip", "city", "a", "b", "c"))
    publish("shop.one", schema("zip"))
    publish("shop.none", schema("x", "y"))


def test_the_most_alike_come_first_with_what_they_share(addresses, owner):
    answer = owner.api.get("/api/v1/subjects/team.address/versions/latest/similar").json()["results"]
    assert [(one["subject"], one["share"]) for one in answer] == [
        ("shop.address", 0.75),
        ("shop.other", 0.3333),
    ]
    assert answer[0]["shared"] == ["city", "street", "zip"]
    assert (answer[0]["only_here"], answer[0]["only_there"]) == ([], ["country"])
    assert answer[0]["because"] == "has 3 of these 3 fields and 1 other"


def test_only_the_latest_versions_of_other_subjects_are_compared(publish, actor):
    publish("a", schema("one", "two"))
    publish("a", schema("one", "two", "three"))
    publish("b", schema("one", "two"))
    publish("b", {"type": "object"}, semver="2.0.0")
    assert similar_schemas(actor=actor, subject="a", version="2") == ()


def test_nothing_of_other_peoples_subjects_is_told(addresses, teammate):
    assert similar_schemas(actor=teammate.actor, subject="team.address", version="1") == ()
    shown = teammate.browser.get(reverse("similar", args=["team.address", 1])).content.decode()
    assert "Nothing resembles it" in shown
    assert "shop." not in shown


def test_the_page_lists_them(addresses, owner):
    shown = owner.browser.get(reverse("similar", args=["team.address", 1])).content.decode()
    assert "75 %" in shown
    assert "<code>country</code>" in shown


def test_a_limit_holds(addresses, owner):
    answer = owner.api.get("/api/v1/subjects/team.address/versions/latest/similar?limit=1").json()
    assert len(answer["results"]) == 1
