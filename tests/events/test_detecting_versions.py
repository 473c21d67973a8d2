"""Which version an event is of that does not say: every live version, the likeliest first, each with its reason."""

import json

import pytest

from events.models import Event
from registry.change_state import change_state
from tests.events.conftest import event
from tests.events.test_migrations import V1, V2

pytestmark = pytest.mark.django_db

ADDRESS = "/api/v1/events/detect-version"
ANYTHING = {"type": "object", "properties": {"memo": {"type": "string"}}}


@pytest.fixture
def versions(publish):
    publish("order.placed", V1, "1.0.0")
    publish("order.placed", V2, "2.0.0")
    publish("order.placed", ANYTHING, "3.0.0")


def detect(person, one):
    return person.api.post(ADDRESS, one, format="json")


def test_the_version_that_declares_what_the_event_holds_comes_first(versions, owner):
    found = detect(owner, event(metadata={"amount": 1, "note": "x"})).json()
    assert found["likeliest"] == "1.0.0"
    assert (found["schema_version"], found["judged_by"]) == (None, "3.0.0")
    told = [(one["semver"], one["accepts"]) for one in found["candidates"]]
    assert told == [("1.0.0", True), ("3.0.0", True), ("2.0.0", False)]
    reasons = [one["reason"] for one in found["candidates"]]
    assert reasons[0] == "Accepted; all 2 members are declared"
    assert reasons[1].endswith("not declared are amount, note")
    assert reasons[2].startswith("Refused at /metadata")
    assert not Event.objects.exists()


def test_a_newer_shape_is_found_as_one(versions, owner):
    assert detect(owner, event(metadata={"total": 1, "currency": "EUR"})).json()["likeliest"] == "2.0.0"


def test_of_two_that_fit_as_well_the_one_that_would_judge_it_comes_first(publish, owner):
    publish("order.placed", V1, "1.0.0")
    publish("order.placed", {**V1, "title": "again"}, "1.0.1", version_when_absent="1.0.1")
    assert detect(owner, event(metadata={"amount": 1})).json()["likeliest"] == "1.0.1"


def test_what_the_event_names_comes_first_if_it_accepts(versions, owner):
    named = detect(owner, event(schema_version="3.0.0", metadata={"amount": 1})).json()
    assert named["likeliest"] == "3.0.0"
    wrong = detect(owner, event(schema_version="2.0.0", metadata={"amount": 1})).json()
    assert wrong["likeliest"] == "1.0.0"


def test_none_may_fit_and_archived_ones_are_not_asked(versions, owner, actor):
    for version in ("1.0.0", "3.0.0"):
        change_state(actor=actor, subject="order.placed", version=version, state="deprecated")
        change_state(actor=actor, subject="order.placed", version=version, state="archived")
    found = detect(owner, event(metadata={"amount": 1})).json()
    assert (found["likeliest"], len(found["candidates"])) == (None, 1)


def test_members_of_what_a_schema_is_put_together_from_count_as_declared(publish, owner):
    put_together = {
        "allOf": [{"$ref": "#/definitions/money"}, {"properties": {"note": {}}}],
        "definitions": {"money": {"properties": {"amount": {"type": "integer"}}}},
    }
    publish("order.placed", put_together, "1.0.0")
    [found] = detect(owner, event(metadata={"amount": 1, "note": 2, "other": 3})).json()["candidates"]
    assert (found["declared"], found["undeclared"]) == (2, ["other"])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"[1", 42200),
        (b"[]", 42200),
        (b'{"event_type": "a", "event_type": "b"}', 42200),
        (b"{}", 40401),
        (b'{"event_type": "never.registered"}', 40401),
        (b"", 42200),
    ],
)
def test_what_is_no_event_of_a_subject_is_told(versions, owner, body, code):
    refused = owner.api.post(ADDRESS, data=body, content_type="application/json")
    assert refused.json()["error_code"] == code


def test_who_may_not_read_the_type_learns_nothing(versions, make_person):
    other = make_person("other", role="developer", prefix="shop.")
    assert detect(other, event()).status_code == 403
    assert "order" not in json.dumps(detect(other, event("other.type")).json())
