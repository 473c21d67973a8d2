"""The pages of rules and episodes, as somebody without JavaScript uses them."""

import json
from dataclasses import replace
from html import unescape

import pytest

from access.actor import SYSTEM
from access.models import AuditEntry
from alerts.models import Episode, Rule
from alerts.rule_spec import RuleSpec
from alerts.rules import edit_rule
from registry.publish import publish_version
from tests.alerts.conftest import FAILURES
from tests.alerts.log import NOON, Sent, store

pytestmark = pytest.mark.django_db


def form(rows=(("event_type", "eq", "NODE_FAILURE"),), **fields):
    said = {
        "action": "save",
        "name": "node failures",
        "description": "Look at the node.",
        "combine": "all",
        "selector": "",
        "kind": "count",
        "hits_combine": "all",
        "threshold": "3",
        "window_seconds": "60",
        "group_by": "node_id",
        "keep_firing_seconds": "0",
        "severity": "error",
        "rows-TOTAL_FORMS": str(len(rows)),
        "rows-INITIAL_FORMS": "0",
        "hits-TOTAL_FORMS": "0",
        "hits-INITIAL_FORMS": "0",
    }
    for index, row in enumerate(rows):
        said |= {
            f"rows-{index}-{name}": text for name, text in zip(("field", "op", "value"), row, strict=True)
        }
    return said | fields


def text_of(answer):
    return unescape(answer.content.decode())


def test_a_rule_is_made_in_the_form_and_counts_from_now_on(owner):
    store([Sent()])
    rows = (
        ("event_type", "eq", "NODE_FAILURE"),
        ("error_code", "prefix", "ONEX_"),
        ("metadata.n", "gt", "3"),
        ("", "eq", ""),
    )
    browser = owner.browser
    answer = browser.post("/alerts/rules/new", form(rows))
    rule = Rule.objects.get()
    assert answer["Location"] == f"/alerts/rules/{rule.pk}"
    assert rule.current.selector == {
        "all": [
            {"field": "event_type", "op": "eq", "value": "NODE_FAILURE"},
            {"field": "error_code", "op": "prefix", "value": "ONEX_"},
            {"field": "metadata.n", "op": "gt", "value": 3},
        ]
    }
    assert (rule.current.threshold, rule.current.group_by, rule.cursor) == (3, ["node_id"], 1)
    page = text_of(browser.get(answer["Location"]))
    assert (
        'event_type is "NODE_FAILURE" and error_code begins with "ONEX_" and metadata.n is greater than 3'
        in page
    )
    assert "the events that are stored from now on" in page


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": ""}, "This field is required"),
        ({"threshold": "0"}, "greater than or equal to 1"),
        ({"window_seconds": "-5"}, "greater than or equal to 1"),
        ({"selector": "{"}, "This is not JSON"),
        ({"selector": '{"any": []}'}, "would never match"),
        ({"group_by": "node_id, node_id"}, "different fields"),
        ({"group_by": "nodeid"}, "No live schema declares the field 'nodeid'. Did you mean 'node_id'?"),
        ({"rows-0-field": "error_cod"}, "Did you mean 'error_code'?"),
        ({"rows-0-field": "sample_rate", "rows-0-value": "many"}, "sample_rate is a number"),
        ({"rows-0-value": ""}, "Say at least in one row which events count"),
    ],
)
def test_a_form_that_cannot_be_saved_says_why(owner, changes, sentence):
    answer = owner.browser.post("/alerts/rules/new", form() | changes)
    assert answer.status_code == 200
    assert sentence in text_of(answer)
    assert not Rule.objects.exists()


def test_another_row_keeps_what_was_written(owner):
    answer = owner.browser.post("/alerts/rules/new", form(action="row", name=""))
    page = text_of(answer)
    assert 'name="rows-1-field"' in page
    assert 'value="NODE_FAILURE"' in page
    assert "This field is required" not in page


@pytest.mark.parametrize("address", ["/alerts/rules/new", "/alerts/rules/preview"])
def test_the_preview_counts_on_stored_events_and_saves_nothing(owner, address):
    store([*(Sent(node_id=node) for node in "aabbab"), Sent(event_type="NODE_SUCCESS")])
    page = text_of(owner.browser.post(address, form(action="preview")))
    assert "Would have matched 6 of the last 7 events, and opened 2 episodes." in page
    assert not Rule.objects.exists()
    assert not Episode.objects.exists()


def test_the_preview_tells_no_data_from_not_enough(owner):
    store([Sent(node_id="a")])
    assert "never enough of them" in text_of(owner.browser.post("/alerts/rules/preview", form()))
    nothing = form((("event_type", "eq", "X"),))
    assert "None of the newest events match" in text_of(owner.browser.post("/alerts/rules/preview", nothing))


def test_an_edit_shows_what_is_stored_and_refuses_to_overwrite_a_newer_edition(owner, make_rule):
    rule = make_rule(selector={"all": [FAILURES, {"field": "metadata.code", "value": "7"}]}, threshold=2)
    address = f"/alerts/rules/{rule.pk}/edit"
    page = text_of(owner.browser.get(address))
    assert 'value="metadata.code"' in page
    assert 'value=""7""' in page  # unescaped: digits that are text keep their quotes
    assert owner.browser.post(address, form(edition="1")).status_code == 302
    late = text_of(owner.browser.post(address, form(edition="1", threshold="9")))
    assert "has saved edition 2 of this rule meanwhile" in late
    rule.refresh_from_db()
    assert (rule.current.number, rule.current.threshold) == (2, 3)


def test_a_condition_that_rows_cannot_say_is_edited_as_json(owner, make_rule):
    rule = make_rule(selector={"all": [FAILURES, {"not": {"field": "node_id", "value": "n9"}}]})
    page = text_of(owner.browser.get(f"/alerts/rules/{rule.pk}/edit"))
    assert '"not": {' in page
    tree = {"any": [FAILURES, {"all": [{"field": "trace_id", "op": "exists", "value": False}]}]}
    owner.browser.post(f"/alerts/rules/{rule.pk}/edit", form(selector=json.dumps(tree)))
    rule.refresh_from_db()
    assert rule.current.selector == tree


def test_pausing_ends_open_episodes_and_resuming_starts_at_the_head(owner, make_rule, evaluate):
    rule = make_rule(threshold=1)
    store([Sent()])
    evaluate(at=0)
    owner.browser.post(f"/alerts/rules/{rule.pk}/pause")
    episode = Episode.objects.get()
    assert (episode.state, episode.ended_by) == ("resolved", "The rule was paused by owner.")
    store([Sent()])
    evaluate(at=1)
    owner.browser.post(f"/alerts/rules/{rule.pk}/resume")
    store([Sent(node_id="n2")])
    evaluate(at=2)
    assert Episode.objects.latest("id").matches == 1
    assert "paused" in text_of(owner.browser.get(f"/alerts/episodes/{episode.pk}"))


def test_a_deleted_rule_leaves_its_episodes_and_frees_its_name(owner, make_rule, evaluate):
    rule = make_rule(threshold=1)
    store([Sent()])
    evaluate(at=0)
    owner.browser.post(f"/alerts/rules/{rule.pk}/delete")
    assert owner.browser.get(f"/alerts/rules/{rule.pk}").status_code == 404
    assert owner.browser.get(f"/alerts/episodes/{Episode.objects.get().pk}").status_code == 200
    make_rule()
    actions = AuditEntry.objects.order_by("id").values_list("action", flat=True)
    assert list(actions) == ["rule.create", "rule.delete", "rule.create"]


def test_lists_show_state_and_episodes_show_evidence(owner, make_rule, evaluate):
    rule = make_rule("noisy", threshold=2, group_by=["node_id"])
    store([Sent(correlation_id="c-1", error_code="ONEX_CORE_001"), Sent(correlation_id="c-1")])
    evaluate(at=0)
    assert "firing" in text_of(owner.browser.get("/alerts/rules"))
    assert "noisy" in text_of(owner.browser.get(f"/alerts/episodes?state=firing&rule={rule.pk}"))
    assert "noisy" not in text_of(owner.browser.get("/alerts/episodes?state=resolved&fragment=1"))
    page = text_of(owner.browser.get(f"/alerts/episodes/{Episode.objects.get().pk}"))
    assert "node_id=n1" in page
    assert "/replays/new?correlation_id=c-1" in page
    assert page.count("/events/correlation/c-1") == 2
    assert "Nobody was told" in page


def test_who_may_not_read_the_event_type_sees_neither_rule_nor_episode(owner, teammate, make_rule, evaluate):
    rule = make_rule("secret", threshold=1)
    shared = make_rule("shared", selector={"field": "event_type", "value": "team.job"})
    store([Sent()])
    evaluate(at=0)
    assert teammate.browser.get(f"/alerts/rules/{rule.pk}").status_code == 404
    assert teammate.browser.get(f"/alerts/episodes/{Episode.objects.get().pk}").status_code == 404
    page = text_of(teammate.browser.get("/alerts/rules"))
    assert "shared" in page
    assert "secret" not in page
    assert teammate.browser.post(f"/alerts/rules/{shared.pk}/pause").status_code == 403


@pytest.mark.parametrize("types", [("NODE_FAILURE", "team.job"), ("team.job", "NODE_FAILURE", "team.job")])
def test_what_a_rule_said_before_stays_hidden_from_who_may_not_read_that(
    owner, teammate, make_rule, evaluate, types
):
    rule = make_rule("edited", threshold=1, window_seconds=600, selector=_about(types[0]))
    for index, event_type in enumerate(types):
        if index:
            edit_rule(
                actor=SYSTEM, rule_id=rule.pk, spec=replace(RuleSpec.of(rule), selector=_about(event_type))
            )
        store([Sent(event_type=event_type)])
        evaluate(at=index)
    episode = Episode.objects.get()
    assert owner.browser.get(f"/alerts/episodes/{episode.pk}").status_code == 200
    for found in ("/alerts/episodes/", "/api/v1/alerts/episodes/"):
        person = teammate.api if "api" in found else teammate.browser
        assert person.get(f"{found}{episode.pk}").status_code == 404
    assert teammate.api.get("/api/v1/alerts/episodes").json()["items"] == []
    editions = teammate.api.get(f"/api/v1/alerts/rules/{rule.pk}/editions")
    assert "NODE_FAILURE" not in editions.content.decode()
    assert len(editions.json()) == types.count("team.job")
    assert "NODE_FAILURE" not in text_of(teammate.browser.get(f"/alerts/rules/{rule.pk}"))


def _about(event_type):
    return {"field": "event_type", "value": event_type}


def test_an_operator_of_a_prefix_makes_rules_only_there(make_person):
    operator = make_person("op", role="operator", prefix="team.")
    inside = form((("event_type", "eq", "team.job"),))
    assert operator.browser.post("/alerts/rules/new", inside).status_code == 302
    outside = operator.browser.post("/alerts/rules/new", form(name="other"))
    assert "needs the scope 'alert' on subject 'NODE_FAILURE'" in text_of(outside)
    everything = operator.browser.post("/alerts/rules/new", form((("node_id", "eq", "x"),), name="all"))
    assert "needs the scope 'alert'" in text_of(everything)


def test_the_form_suggests_only_what_one_may_read(make_person, settings, django_assert_max_num_queries):
    settings.UPLOAD_JUDGES = []
    for subject in ("team.job", "secret.base"):
        schema = {"type": "object", "properties": {subject.replace(".", "_"): {"type": "string"}}}
        publish_version(actor=SYSTEM, subject=subject, schema=json.dumps(schema))
    browser = make_person("op", role="operator", prefix="team.").browser
    page = text_of(browser.get("/alerts/rules/new"))
    assert "team.job" in page
    assert "metadata.team_job" in page
    assert "secret" not in page
    # Schemas are read once, not at every look at the form.
    with django_assert_max_num_queries(20) as asked:
        browser.get("/alerts/rules/new")
    assert not [one for one in asked.captured_queries if '"registry_content"."text"' in one["sql"]]


def test_the_home_page_shows_what_fires(owner, make_rule, evaluate, settings):
    settings.HOME_PANELS = ["alerts.pages.home_panel"]
    assert "No alert rules yet" in text_of(owner.browser.get("/"))
    make_rule("noisy", threshold=1)
    store([Sent(occurred_at=NOON)])
    evaluate(at=0)
    assert "noisy" in text_of(owner.browser.get("/"))
