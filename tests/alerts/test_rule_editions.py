"""Rules over REST: editions, checks against the live schemas, and what pausing, resuming and deleting mean."""

import json

import pytest

from access.actor import SYSTEM
from alerts.models import Episode, Rule, RuleVersion
from registry.publish import publish_version
from tests.alerts.conftest import FAILURES
from tests.alerts.log import Sent, store

pytestmark = pytest.mark.django_db

RULES = "/api/v1/alerts/rules"


def rule_of(**changes):
    return {"name": "failures", "selector": FAILURES, "threshold": 2, "window_seconds": 60, **changes}


def schema_of(**properties):
    return {"type": "object", "properties": properties}


@pytest.fixture
def publish(settings):
    settings.UPLOAD_JUDGES = []

    def run(subject, *schemas):
        for schema in schemas:
            publish_version(actor=SYSTEM, subject=subject, schema=json.dumps(schema), semver=None)

    return run


def test_a_rule_is_created_read_and_listed(owner):
    made = owner.api.post(RULES, rule_of(group_by=["node_id"]), format="json")
    assert made.status_code == 201
    rule = made.json()["rule"]
    assert (rule["edition"]["number"], rule["edition"]["event_types"], rule["state"]) == (
        1,
        ["NODE_FAILURE"],
        "ok",
    )
    assert owner.api.get(f"{RULES}/{rule['id']}").json() == rule
    assert [one["name"] for one in owner.api.get(RULES).json()["items"]] == ["failures"]


def test_an_edit_that_changes_what_it_says_makes_an_edition_and_keeps_the_old_one(owner):
    rule_id = owner.api.post(RULES, rule_of(), format="json").json()["rule"]["id"]
    again = owner.api.put(f"{RULES}/{rule_id}", rule_of(name="renamed"), format="json").json()
    assert (again["rule"]["name"], again["rule"]["edition"]["number"]) == ("renamed", 1)
    owner.api.put(f"{RULES}/{rule_id}", rule_of(threshold=5), format="json")
    editions = owner.api.get(f"{RULES}/{rule_id}/editions").json()
    assert [(one["number"], one["threshold"]) for one in editions] == [(2, 5), (1, 2)]


def test_an_edit_of_an_edition_that_is_not_the_newest_is_a_conflict(owner):
    rule_id = owner.api.post(RULES, rule_of(), format="json").json()["rule"]["id"]
    owner.api.put(f"{RULES}/{rule_id}", rule_of(threshold=3, edition=1), format="json")
    late = owner.api.put(f"{RULES}/{rule_id}", rule_of(threshold=4, edition=1), format="json")
    assert (late.status_code, late.json()["details"]["code"]) == (409, "rule_changed_meanwhile")


def test_an_open_episode_goes_on_under_the_next_edition(owner, evaluate, make_rule):
    rule = make_rule(threshold=1, window_seconds=60, group_by=["node_id"])
    store([Sent()])
    evaluate(at=0)
    owner.api.put(
        f"{RULES}/{rule.pk}", rule_of(threshold=1, group_by=["node_id"], severity="critical"), format="json"
    )
    store([Sent()])
    evaluate(at=1)
    episode = Episode.objects.get()
    assert (episode.matches, episode.rule_version.number) == (2, 1)
    evaluate(at=61)
    store([Sent()])
    assert RuleVersion.objects.count() == 2


@pytest.mark.parametrize(
    ("changes", "status", "code", "pointer"),
    [
        ({"name": " "}, 422, None, None),
        ({"threshold": 0}, 422, "invalid_rule", "/threshold"),
        ({"window_seconds": -1}, 422, "invalid_rule", "/window_seconds"),
        ({"keep_firing_seconds": 10**9}, 422, "invalid_rule", "/keep_firing_seconds"),
        ({"selector": {"any": []}}, 422, "invalid_condition", "/selector/any"),
        (
            {"selector": {"field": "a", "op": "matches", "value": "("}},
            422,
            "invalid_condition",
            "/selector/op",
        ),
        ({"group_by": ["a..b"]}, 422, "invalid_condition", "/group_by/0"),
        ({"group_by": ["nodeid"]}, 422, "unknown_field", "/group_by/0"),
        ({"severity": "fatal"}, 422, None, None),
        ({"channels": [77]}, 404, "channel_not_found", "/channels"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_with_its_place(owner, changes, status, code, pointer):
    answer = owner.api.post(RULES, rule_of(**changes), format="json")
    assert answer.status_code == status
    if code:
        details = answer.json()["details"]
        assert (details["code"], details.get("pointer")) == (code, pointer)
    assert not Rule.objects.exists()


def test_two_living_rules_cannot_have_one_name(owner):
    owner.api.post(RULES, rule_of(), format="json")
    again = owner.api.post(RULES, rule_of(), format="json")
    assert (again.status_code, again.json()["details"]["code"]) == (409, "rule_name_taken")


def test_fields_are_checked_against_the_live_versions(owner, publish):
    both = schema_of(error_type={"type": "string"}, tries={"type": "integer"})
    publish("NODE_FAILURE", schema_of(error_type={"type": "string"}), both)

    def ask(field, value, op="eq"):
        selector = {"all": [FAILURES, {"field": field, "op": op, "value": value}]}
        return owner.api.post(f"{RULES}/preview", rule_of(selector=selector), format="json")

    assert ask("metadata.error_type", "x").json()["warnings"] == []
    [warning] = ask("metadata.tries", 3, "gte").json()["warnings"]
    assert "metadata.tries is not declared by NODE_FAILURE 1.0.0" in warning
    unknown = ask("metadata.eror_type", "x").json()
    assert (unknown["details"]["code"], unknown["details"]["nearest"]) == (
        "unknown_field",
        "metadata.error_type",
    )
    mistyped = ask("metadata.tries", "three")
    assert (mistyped.status_code, mistyped.json()["details"]["code"]) == (422, "invalid_rule")


def test_without_a_schema_any_metadata_field_goes(owner):
    selector = {"all": [FAILURES, {"field": "metadata.whatever", "value": 1}]}
    assert owner.api.post(RULES, rule_of(selector=selector), format="json").status_code == 201


def test_fields_behind_references_and_branches_are_found(owner, publish):
    publish(
        "NODE_FAILURE",
        {
            "definitions": {"error": schema_of(code={"type": "string"})},
            "allOf": [schema_of(error={"$ref": "#/definitions/error"})],
            "oneOf": [
                schema_of(a={"type": "string"}),
                schema_of(b={"type": "array", "items": {"$ref": "#"}}),
            ],
        },
    )
    for field in ("metadata.error.code", "metadata.a", "metadata.b.0.error.code"):
        selector = {"all": [FAILURES, {"field": field, "value": "x"}]}
        assert (
            owner.api.post(RULES, rule_of(name=field, selector=selector), format="json").status_code == 201
        ), field


def test_every_edition_says_what_it_changed(owner):
    rule_id = owner.api.post(RULES, rule_of(), format="json").json()["rule"]["id"]
    narrower = {"all": [FAILURES, {"field": "error_code", "op": "prefix", "value": "ONEX_"}]}
    edited = rule_of(threshold=5, window_seconds=90, group_by=["node_id"], selector=narrower)
    owner.api.put(f"{RULES}/{rule_id}", edited, format="json")
    second, first = owner.api.get(f"{RULES}/{rule_id}/editions").json()
    assert first["changed"] is None
    assert second["changed"] == [
        {
            "field": "selector",
            "before": 'event_type is "NODE_FAILURE"',
            "after": 'event_type is "NODE_FAILURE" and error_code begins with "ONEX_"',
        },
        {"field": "threshold", "before": "2", "after": "5"},
        {"field": "window_seconds", "before": "1 min", "after": "1 min 30 s"},
        {"field": "group_by", "before": "nothing", "after": "node_id"},
    ]
    page = owner.browser.get(f"/alerts/rules/{rule_id}").content.decode()
    assert "<del>1 min</del><ins>1 min 30 s</ins>" in page


def test_the_preview_shows_the_episodes_that_would_have_been(owner):
    store([Sent(node_id="a", metadata={"n": n}) for n in range(5)])
    asked = rule_of(group_by=["node_id"])
    del asked["name"]
    answer = owner.api.post(f"{RULES}/preview", asked, format="json").json()
    assert (answer["looked_at"], answer["matched"], answer["episodes"]) == (5, 5, 1)
    assert answer["shown"][0]["group"] == {"node_id": "a"}
    assert owner.api.post(f"{RULES}/preview", [1], format="json").status_code == 422


def test_paused_and_resumed_and_deleted_over_rest(owner):
    rule_id = owner.api.post(RULES, rule_of(), format="json").json()["rule"]["id"]
    assert owner.api.post(f"{RULES}/{rule_id}/pause").json()["state"] == "paused"
    assert owner.api.post(f"{RULES}/{rule_id}/resume").json()["state"] == "ok"
    assert owner.api.delete(f"{RULES}/{rule_id}").status_code == 204
    assert owner.api.get(f"{RULES}/{rule_id}").status_code == 404


def test_episodes_over_rest(owner, make_rule, evaluate):
    rule = make_rule(threshold=1)
    store([Sent(correlation_id="c-1")])
    evaluate(at=0)
    [listed] = owner.api.get(f"/api/v1/alerts/episodes?state=firing&rule={rule.pk}").json()["items"]
    assert (listed["rule_name"], listed["group"]) == ("failures", {})
    answer = owner.api.get(f"/api/v1/alerts/episodes/{listed['id']}").json()
    assert [one["correlation_id"] for one in answer["episode"]["evidence"]] == ["c-1"]
    assert answer["deliveries"] == []
    assert owner.api.get("/api/v1/alerts/episodes?state=on").status_code == 422
    assert owner.api.get("/api/v1/alerts/episodes/999").status_code == 404


def test_what_the_teammate_may_not_read_does_not_exist_for_them(teammate, stranger, make_rule):
    rule = make_rule()
    assert teammate.api.get(RULES).json()["items"] == []
    assert teammate.api.get(f"{RULES}/{rule.pk}").status_code == 404
    assert teammate.api.post(RULES, rule_of(), format="json").status_code == 403
    assert stranger.api.get(RULES).status_code == 403
