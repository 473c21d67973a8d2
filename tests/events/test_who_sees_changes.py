"""Who may not read a subject learns of no change of it: not from events, correlations, rules, replays or subscriptions."""

import json

import pytest

from access.actor import SYSTEM
from events.models import QuarantinedEvent
from registry import study
from registry.models import Study, Version
from registry.publish import publish_version
from tests.events.conftest import ORDER

pytestmark = pytest.mark.django_db
KIND = "registry.version.published"
RULE = {"name": "r", "selector": {"field": "event_type", "op": "eq", "value": KIND}, "threshold": 1}


@pytest.fixture
def changed(told):
    """A version of `team.order` and one of `other.order`, both published in the correlation `both`."""
    for subject in ("team.order", "other.order"):
        publish_version(actor=SYSTEM, subject=subject, schema=json.dumps(ORDER))
    return {one["metadata"]["subject"]: one for one in told()}


def seen(person):
    items = person.api.get("/api/v1/events").json()["items"]
    return {item["event"]["metadata"]["subject"] for item in items}


def test_a_reader_of_a_prefix_sees_the_changes_below_it_and_no_other(make_person, changed):
    assert seen(make_person("ann", role="viewer", prefix="team.")) == {"team.order"}
    assert seen(make_person("ben", role="viewer", prefix="")) == {"team.order", "other.order"}


def test_reading_the_subjects_of_the_events_shows_nothing_of_other_subjects(make_person, changed):
    reader = make_person("reg", role="admin", prefix="registry.")
    assert seen(reader) == set()
    for one in changed.values():
        assert reader.api.get(f"/api/v1/events/{one['event_id']}").status_code == 404
        assert reader.api.get(f"/api/v1/correlations/{one['correlation_id']}").status_code == 404
        assert one["event_id"] not in reader.browser.get("/events").content.decode()
        assert reader.browser.get(f"/events/id/{one['event_id']}").status_code == 404


def test_a_single_event_and_its_page_follow_the_same_rule(make_person, changed):
    ann = make_person("ann", role="viewer", prefix="team.")
    assert ann.api.get(f"/api/v1/events/{changed['team.order']['event_id']}").status_code == 200
    assert ann.browser.get(f"/events/id/{changed['team.order']['event_id']}").status_code == 200
    assert ann.api.get(f"/api/v1/events/{changed['other.order']['event_id']}").status_code == 404


def test_a_change_of_the_whole_instance_is_for_those_who_read_everything(make_person, owner, told):
    owner.api.put("/api/v1/config", {"compatibility": "FULL"}, format="json")
    [one] = told()
    ann = make_person("ann", role="viewer", prefix="team.")
    assert ann.api.get(f"/api/v1/events/{one['event_id']}").status_code == 404
    assert owner.api.get(f"/api/v1/events/{one['event_id']}").status_code == 200


def test_rules_over_changes_take_the_scopes_everywhere(make_person, owner, changed):
    operator = make_person("op", role="operator", prefix="registry.")
    assert operator.api.post("/api/v1/alerts/rules", RULE, format="json").status_code == 403
    assert operator.api.post("/api/v1/alerts/rules/preview", RULE, format="json").status_code == 403
    made = owner.api.post("/api/v1/alerts/rules", RULE, format="json")
    assert made.status_code == 201
    rule_id = made.json()["rule"]["id"]
    assert operator.api.get(f"/api/v1/alerts/rules/{rule_id}").status_code == 404
    assert operator.api.get("/api/v1/alerts/rules").json()["items"] == []


def test_replays_of_changes_take_the_scopes_everywhere(make_person, owner, changed):
    body = {
        "correlation_id": changed["team.order"]["correlation_id"],
        "target": "https://example.com/hook",
    }
    for name, prefix in (("reg", "registry."), ("tim", "team.")):
        person = make_person(name, role="admin", prefix=prefix)
        assert person.api.post("/api/v1/replays", body, format="json").status_code == 404
    made = owner.api.post("/api/v1/replays", body, format="json")
    assert made.status_code == 201
    person = make_person("eva", role="admin", prefix="registry.")
    assert person.api.get(f"/api/v1/replays/{made.json()['id']}").status_code == 404


def test_quarantined_changes_are_for_those_who_read_everything(make_person, owner, told):
    QuarantinedEvent.objects.create(
        event_id="q", event_type=KIND, reason="violates_schema", digest=bytes(32), raw=b"{}", producer="x"
    )
    reader = make_person("reg", role="admin", prefix="registry.")
    assert reader.api.get("/api/v1/quarantine").json()["items"] == []
    assert len(owner.api.get("/api/v1/quarantine").json()["items"]) == 1


def test_judging_a_new_schema_of_them_quotes_none_of_them(owner, changed, settings):
    settings.UPLOAD_JUDGES = ["events.judge.stored_events"]
    address = f"/api/v1/subjects/{KIND}/versions"
    body = {"schema": json.dumps({"type": "object", "required": ["because"]}), "semver": "2.0.0"}
    answer = owner.api.post(address, body, format="json", headers={"Accept": "application/json"})
    assert answer.status_code == 200
    told = json.dumps(Version.objects.get(subject__name=KIND, semver="2.0.0").verdict["findings"])
    assert "would refuse 2 of the last 2" in told
    assert "other.order" not in told
    assert all(one["event_id"] not in told for one in changed.values())


def test_a_study_of_them_quotes_none_of_them(owner, changed, settings):
    settings.UPLOAD_JUDGES = ["events.judge.stored_events"]
    text = json.dumps({"properties": {"subject": {"enum": ["nothing"]}}})
    publish_version(actor=owner.actor, subject=KIND, schema=text, semver="2.0.0", dry_run=True, exact=True)
    while study.work_on_next():
        pass
    [found] = Study.objects.filter(subject=KIND)
    answer = owner.api.get(f"/api/v1/studies/{found.pk}").content.decode()
    assert '"refused":2' in answer
    assert "other.order" not in answer
    assert all(one["event_id"] not in answer for one in changed.values())


def test_whether_a_version_of_them_can_go_says_no_more_than_how_many(make_person, owner, changed):
    address = f"/api/v1/subjects/{KIND}/versions/1/usage"
    reader = make_person("reg", role="admin", prefix="registry.")
    told = {person: _retained(person.api.get(address).json()) for person in (reader, owner)}
    assert told[reader] == {"retained": 2}
    assert told[owner].keys() == {"retained", "last_event", "recent"}


def _retained(answer):
    [finding] = [one for one in answer["evidence"] if one["judge"] == "events.usage.stored_events"]
    return finding["facts"]


def test_a_subject_in_a_context_is_seen_by_who_reads_the_context(make_person, told):
    publish_version(actor=SYSTEM, subject=":.berlin:order", schema=json.dumps(ORDER))
    told()
    assert seen(make_person("ber", role="viewer", prefix=":.berlin:")) == {":.berlin:order"}
    assert seen(make_person("ord", role="viewer", prefix="order")) == set()
