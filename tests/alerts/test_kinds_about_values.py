"""Rules about different values and about what a field amounts to, live on the real log and on every way to try them."""

import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from alerts.backtest import start_backtest
from alerts.models import Episode, Pane, Rule
from alerts.preview import preview
from alerts.rule_spec import RuleSpec
from alerts.rule_tests import run_tests
from alerts.rules import edit_rule
from alerts.rules_as_code import export_rules, import_rules
from tests.alerts.conftest import FAILURES
from tests.alerts.log import NOON, Sent, store

pytestmark = pytest.mark.django_db
NODES = {"kind": "distinct", "field": "node_id", "threshold": 3, "window_seconds": 60}
DONE = {"field": "event_type", "op": "eq", "value": "NODE_SUCCESS"}
SLOW = {
    "selector": DONE,
    "kind": "value",
    "field": "metadata.execution_time_ms",
    "function": "avg",
    "compare": "above",
    "limit": 500,
    "threshold": 2,
    "window_seconds": 60,
}


def at(seconds):
    return NOON + timedelta(seconds=seconds)


def fail(*nodes, second=0, arrive=None, **event):
    received = at(second if arrive is None else arrive)
    store(Sent(node_id=node, occurred_at=at(second), received_at=received, **event) for node in nodes)


def done(*times_ms, second=0, arrive=None, **event):
    received = at(second if arrive is None else arrive)
    store(
        Sent(
            event_type="NODE_SUCCESS",
            occurred_at=at(second),
            received_at=received,
            metadata={"execution_time_ms": ms},
            **event,
        )
        for ms in times_ms
    )


# --- different values ---------------------------------------------------------------------------


def test_it_fires_with_the_value_that_is_one_too_many(make_rule, evaluate):
    make_rule(**NODES)
    fail("n1", "n1", "n2", "n1")
    evaluate()
    assert not Episode.objects.exists()
    fail("n3", second=10)
    evaluate(at=10)
    episode = Episode.objects.get()
    assert (episode.state, episode.fired_at, episode.peak, episode.matches) == ("firing", at(10), 3, 5)
    evaluate(at=61)
    episode.refresh_from_db()
    assert (episode.state, episode.resolved_at) == ("resolved", at(60))


def test_a_value_that_comes_late_is_counted_where_it_belongs(make_rule, evaluate):
    make_rule(**NODES)
    fail("n1")
    fail("n2", second=50)
    evaluate(at=50)
    fail("n1", second=55)
    evaluate(at=100)
    fail("n3", second=40, arrive=101)
    evaluate(at=101)
    episode = Episode.objects.get()
    assert (episode.fired_at, episode.peak, episode.matches) == (at(50), 3, 4)


def test_values_are_counted_apart_by_group_and_whatever_their_type(make_rule, evaluate):
    make_rule(**{**NODES, "field": "metadata.port", "group_by": ("node_id",)})
    for port in (1, 1.0, "1", {"a": [1]}, {"a": [1.0]}):
        fail("n1", metadata={"port": port})
    fail("n2", metadata={"port": 1})
    fail("n2")
    evaluate()
    episode = Episode.objects.get()
    assert (episode.group, episode.peak) == ({"node_id": "n1"}, 3)


def test_ten_thousand_events_of_a_few_values_cost_a_few_rows(
    make_rule, evaluate, django_assert_max_num_queries
):
    make_rule(**{**NODES, "threshold": 4, "window_seconds": 86_400})
    store(Sent(node_id=f"n{n % 3}", occurred_at=at(n / 10)) for n in range(3_000))
    evaluate(at=300)
    fail("n9", second=301)
    evaluate(at=301)
    assert Episode.objects.get().peak == 4


# --- what a field amounts to --------------------------------------------------------------------


def test_an_average_fires_behind_the_watermark_and_resolves_when_it_falls(make_rule, evaluate):
    make_rule(**SLOW)
    done(400, 700, second=1)
    store([Sent(event_type="NODE_SUCCESS", occurred_at=at(2)), Sent(occurred_at=at(2))])
    evaluate(at=34)
    assert not Episode.objects.exists()
    evaluate(at=35)
    episode = Episode.objects.get()
    assert (episode.state, episode.fired_at, episode.value, episode.peak) == ("firing", at(5), 550.0, 2)
    assert list(episode.evidence.values_list("position", flat=True)) == [1, 2]
    done(100, second=12)
    evaluate(at=60)
    episode.refresh_from_db()
    assert (episode.state, episode.resolved_at, episode.value) == ("resolved", at(15), 550.0)


def test_the_numbers_of_several_batches_are_joined(make_rule, evaluate):
    make_rule(**{**SLOW, "function": "p95", "limit": 899, "threshold": 20})
    for second in range(4):
        done(*range(10, 110, 20), second=second, arrive=second)
        evaluate(at=second)
    assert Pane.objects.count() == 1
    done(900, 910, second=4, arrive=4)
    evaluate(at=36)
    assert Episode.objects.get().value == pytest.approx(900, rel=0.01)


def test_a_number_that_comes_after_its_instant_counts_for_those_to_come(make_rule, evaluate):
    make_rule(**{**SLOW, "threshold": 1})
    done(100, second=1)
    evaluate(at=40)
    done(2_000, second=2, arrive=41)
    evaluate(at=46)
    episode = Episode.objects.get()
    assert (episode.fired_at, episode.value) == (at(15), 1050.0)


def test_below_tells_the_lowest_it_came_to(make_rule, evaluate):
    make_rule(**{**SLOW, "function": "min", "compare": "below", "limit": 10.5, "threshold": 1})
    done(10.4, second=1)
    done(3, second=11)
    evaluate(at=60)
    assert Episode.objects.get().value == 3.0


def test_an_edited_limit_begins_anew(make_rule, evaluate, actor):
    rule = make_rule(**SLOW)
    done(400, 700, second=1)
    evaluate(at=35)
    edit_rule(actor=actor, rule_id=rule.pk, spec=RuleSpec(name="failures", **{**SLOW, "limit": 600}))
    done(610, second=40, arrive=40)
    done(620, second=41, arrive=41)
    evaluate(at=80)
    assert [(one.value, one.state) for one in Episode.objects.order_by("id")] == [
        (550.0, "resolved"),
        (615.0, "firing"),
    ]


# --- every way to say and to try them -----------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({**NODES, "field": None}, "/field"),
        ({**NODES, "field": "nodeid"}, "/field"),
        ({**NODES, "limit": 3}, "/limit"),
        ({**SLOW, "function": None}, "/function"),
        ({**SLOW, "function": "p42"}, "/function"),
        ({**SLOW, "compare": "beside"}, "/compare"),
        ({**SLOW, "limit": "much"}, "/limit"),
        ({**SLOW, "limit": 1e25}, "/limit"),
        ({**SLOW, "window_seconds": 86_401}, "/window_seconds"),
        ({**SLOW, "window_seconds": 301}, "/window_seconds"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(owner, said, pointer):
    said = {"name": "x", "selector": FAILURES, **said}
    answer = owner.api.post("/api/v1/alerts/rules", said, format="json")
    assert answer.status_code == 422, answer.json()
    assert pointer in answer.content.decode()


@pytest.mark.parametrize("said", [{"selector": FAILURES, **NODES}, SLOW])
def test_over_rest_and_as_code_it_comes_back_as_it_was_said(owner, actor, said):
    made = owner.api.post("/api/v1/alerts/rules", {"name": "x", **said}, format="json")
    assert made.status_code == 201, made.json()
    edition = made.json()["rule"]["edition"]
    assert {name: edition[name] for name in said} == said
    [code] = export_rules(actor=actor)["rules"]
    assert {name: code[name] for name in said if name != "threshold"} == {
        name: value for name, value in said.items() if name != "threshold"
    }
    [planned] = import_rules(actor=actor, document=json.loads(json.dumps({"rules": [code]})))
    assert planned.what == "unchanged"


def test_a_preview_and_the_explanation_say_what_it_amounts_to(owner, actor, make_rule, evaluate):
    rule, nodes = make_rule(**SLOW), make_rule("nodes", **NODES)
    done(400, 700, second=1)
    fail("n1", "n2", "n3", second=2)
    evaluate(at=40)
    [shown] = preview(actor=actor, spec=RuleSpec(name="slow", **SLOW)).shown
    assert shown.episode.value == 550.0
    [shown] = preview(actor=actor, spec=RuleSpec(name="nodes", selector=FAILURES, **NODES)).shown
    assert shown.episode.peak == 3
    told = explain(owner, rule)
    assert "which amount to 550" in " ".join(told["sentences"])
    assert told["chosen"]["value"] == 550.0
    told = explain(owner, nodes)
    assert "with 3 different values of node_id; it fires at 3" in " ".join(told["sentences"])
    assert told["chosen"]["values"] == 3


def explain(person, rule):
    asked = urlencode({"at": at(30).isoformat(), "group": "{}"})
    answer = person.api.get(f"/api/v1/alerts/rules/{rule.pk}/explain?{asked}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_a_backtest_finds_what_they_find_live(actor, make_rule, evaluate):
    make_rule(**SLOW)
    make_rule("nodes", **NODES)
    done(400, 700, second=1)
    fail("n1", "n2", "n3", second=2)
    evaluate(at=200)
    for spec in (RuleSpec(name="slow", **SLOW), RuleSpec(name="nodes", selector=FAILURES, **NODES)):
        [shown] = start_backtest(actor=actor, spec=spec).result["shown"]
        live = Episode.objects.get(rule__name="nodes" if spec.name == "nodes" else "failures")
        assert (shown["fired_at"], shown["peak"], shown["value"]) == (
            live.fired_at.isoformat(),
            live.peak,
            live.value,
        )


def test_tests_of_rules_run_them():
    def event(name, event_type, **metadata):
        said = {"event_id": name, "event_type": event_type, "node_id": name, "metadata": metadata}
        return {**said, "timestamp": at(1).isoformat()}

    slow = [event(str(ms), "NODE_SUCCESS", execution_time_ms=ms) for ms in (400, 700)]
    failed = [event(name, "NODE_FAILURE") for name in "abc"]
    for rule, events, expect in (
        ({"name": "slow", **SLOW}, slow, {"value": 550.0}),
        ({"name": "nodes", "selector": FAILURES, **NODES}, failed, {"peak": 3}),
    ):
        [outcome] = run_tests({"rule": rule, "tests": [{"events": events, "expect": [expect]}]})
        assert list(outcome.differences) == []
        [outcome] = run_tests({"rule": rule, "tests": [{"events": events[:-1], "expect": [expect]}]})
        assert list(outcome.differences)


def test_through_the_form_and_on_its_page(owner):
    form = {
        "name": "slow",
        "combine": "all",
        "rows-TOTAL_FORMS": 1,
        "rows-INITIAL_FORMS": 0,
        "rows-0-field": "event_type",
        "rows-0-op": "eq",
        "rows-0-value": "NODE_SUCCESS",
        "kind": "value",
        "field": "metadata.execution_time_ms",
        "function": "p95",
        "compare": "above",
        "limit": "500",
        "hits_combine": "all",
        "hits-TOTAL_FORMS": 0,
        "hits-INITIAL_FORMS": 0,
        "threshold": 20,
        "window_seconds": 300,
        "keep_firing_seconds": 0,
        "severity": "error",
        "action": "save",
    }
    without = owner.browser.post("/alerts/rules/new", form | {"limit": ""})
    assert without.status_code == 200
    assert not Rule.objects.exists()
    assert owner.browser.post("/alerts/rules/new", form).status_code == 302
    rule = Rule.objects.get()
    page = owner.browser.get(f"/alerts/rules/{rule.pk}").content.decode()
    assert (
        "the 95th percentile of metadata.execution_time_ms is above 500 within 5 min (of 20 at least)" in page
    )
    edit = owner.browser.get(f"/alerts/rules/{rule.pk}/edit").content.decode()
    assert 'value="metadata.execution_time_ms"' in edit
    nodes = form | {"kind": "distinct", "field": "node_id", "name": "nodes", "threshold": 3}
    assert owner.browser.post("/alerts/rules/new", nodes).status_code == 302
    page = owner.browser.get(f"/alerts/rules/{Rule.objects.get(name='nodes').pk}").content.decode()
    assert "3 different values of node_id within 5 min" in page
