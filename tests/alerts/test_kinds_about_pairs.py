"""Rules about what follows something, and what does not: live on the real log and on every way to try them."""

import json
from datetime import timedelta
from itertools import pairwise
from urllib.parse import urlencode

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from alerts.backtest import start_backtest
from alerts.evaluate import evaluate_rules
from alerts.models import Episode, Finding, Rule
from alerts.pairing import forget_findings
from alerts.preview import preview
from alerts.rule_spec import RuleSpec
from alerts.rule_tests import run_tests
from alerts.rules import create_rule, delete_rule, edit_rule
from alerts.rules_as_code import export_rules, import_rules
from tests.alerts.log import NOON, Sent, store
from tests.alerts.test_pairs import part, truth

pytestmark = pytest.mark.django_db


def typed(*names):
    return {"field": "event_type", "op": "in", "value": list(names)}


PAIR = {"within_seconds": 30, "pair_by": ["correlation_id"], "window_seconds": 60}
UNFINISHED = {
    "kind": "missing",
    "selector": typed("NODE_START"),
    "then": typed("NODE_SUCCESS", "NODE_FAILURE"),
    "group_by": ["node_id"],
    **PAIR,
}
FAILED_AGAIN = {"kind": "sequence", "selector": typed("NODE_FAILURE"), "then": typed("NODE_FAILURE"), **PAIR}


def at(second):
    return NOON + timedelta(seconds=second)


def sent(kind, run, second, arrive=None, **said):
    received = at(second if arrive is None else arrive)
    return Sent(
        event_type=f"NODE_{kind}", correlation_id=run, occurred_at=at(second), received_at=received, **said
    )


def log(*events):
    store(sent(*one) if isinstance(one, tuple) else one for one in events)


# --- what does not follow -----------------------------------------------------------------------


def test_a_run_that_never_ends_is_told_when_its_time_is_up_and_the_watermark_has_passed(make_rule, evaluate):
    make_rule(**UNFINISHED)
    log(("START", "a", 0), ("START", "b", 1), ("SUCCESS", "b", 20))
    evaluate(at=20)
    evaluate(at=59)
    assert not Episode.objects.exists()
    evaluate(at=60)
    episode = Episode.objects.get()
    assert (episode.state, episode.fired_at, episode.peak, episode.group) == (
        "firing",
        at(30),
        1,
        {"node_id": "n1"},
    )
    [kept] = episode.evidence.all()
    assert (kept.position, kept.occurred_at) == (1, at(0))
    evaluate(at=119)
    assert Episode.objects.get().state == "firing"
    evaluate(at=122)
    episode.refresh_from_db()
    assert (episode.state, episode.resolved_at) == ("resolved", at(90))
    evaluate(at=130)
    assert Rule.objects.get().look_at is None


def test_an_answer_that_arrives_before_it_is_decided_counts_and_a_later_one_takes_nothing_back(
    make_rule, evaluate
):
    make_rule(**UNFINISHED)
    log(("START", "a", 0), ("START", "b", 0), ("START", "c", 0), ("SUCCESS", "c", 31))
    evaluate(at=1)
    log(("SUCCESS", "a", 5, 58))
    evaluate(at=60)
    assert sorted(Finding.objects.values_list("position", flat=True)) == [2, 3]
    log(("FAILURE", "b", 6, 61))
    evaluate(at=70)
    assert (Episode.objects.get().peak, Finding.objects.count()) == (2, 2)


def test_a_node_that_sends_what_it_kept_for_minutes_raises_no_alarm(make_rule, evaluate):
    make_rule(**UNFINISHED)
    log(("START", "x", 3599))
    evaluate(at=3600)
    kept = [one for n in range(50) for one in (("START", f"r{n}", 3100 + n), ("SUCCESS", f"r{n}", 3120 + n))]
    log(*((kind, run, second, 3650) for kind, run, second in kept if kind == "START"))
    evaluate(at=3660)
    assert Finding.objects.filter(open_until__isnull=False).count() == 50
    log(*((kind, run, second, 3670) for kind, run, second in kept if kind == "SUCCESS"))
    evaluate(at=3800)
    assert [row.position for row in Finding.objects.all()] == [1]
    assert Finding.objects.filter(open_until__isnull=False).count() == 0


def test_and_what_never_ended_among_that_is_found_all_the_same(make_rule, evaluate):
    make_rule(**UNFINISHED)
    log(("START", "x", 3599), ("SUCCESS", "x", 3600))
    evaluate(at=3600)
    log(("START", "lost", 3110, 3650), ("START", "fine", 3111, 3650))
    evaluate(at=3660)
    log(("SUCCESS", "fine", 3112, 3661))
    evaluate(at=3661)
    assert not Episode.objects.exists()
    evaluate(at=3681)
    assert Episode.objects.get().fired_at == at(3140)


def test_with_a_threshold_it_counts_by_group_what_is_missing(make_rule, evaluate):
    make_rule(**{**UNFINISHED, "threshold": 3})
    log(*(sent("START", f"r{n}", n, node_id=f"n{n % 2}") for n in range(5)))
    evaluate(at=100)
    episode = Episode.objects.get()
    assert (episode.group, episode.peak, episode.fired_at) == ({"node_id": "n0"}, 3, at(34))


def test_evaluating_again_and_again_changes_nothing(make_rule, evaluate):
    make_rule(**UNFINISHED)
    log(("START", "a", 0))
    for second in range(0, 100, 3):
        evaluate(at=second)
    assert (Episode.objects.get().matches, Finding.objects.count()) == (1, 1)


def test_an_edit_begins_anew(make_rule, evaluate, actor):
    rule = make_rule(**UNFINISHED)
    log(("START", "a", 0))
    evaluate(at=61)
    spec = RuleSpec(name="failures", **{**UNFINISHED, "within_seconds": 10})
    edit_rule(actor=actor, rule_id=rule.pk, spec=spec)
    assert not Finding.objects.exists()
    log(("START", "b", 70), ("SUCCESS", "b", 85))
    evaluate(at=120)
    assert Finding.objects.get().position == 2


def test_what_nothing_can_be_counted_with_any_more_is_forgotten(make_rule, evaluate, actor):
    rule = make_rule(**UNFINISHED)
    log(("START", "a", 0))
    evaluate(at=100)
    assert forget_findings(at(86_400)) == 0
    assert forget_findings(at(90_000)) == 1
    log(("START", "b", 100))
    evaluate(at=200)
    delete_rule(actor=actor, rule_id=rule.pk)
    assert not Finding.objects.exists()


# --- what follows -------------------------------------------------------------------------------


def test_a_second_failure_of_a_run_is_told_at_once(make_rule, evaluate):
    make_rule(**FAILED_AGAIN)
    log(("FAILURE", "a", 0), ("FAILURE", "b", 1), ("FAILURE", "b", 40))
    evaluate(at=40)
    assert not Episode.objects.exists()
    log(("FAILURE", "b", 45))
    evaluate(at=45)
    episode = Episode.objects.get()
    assert (episode.fired_at, episode.peak) == (at(45), 1)
    assert [kept.position for kept in episode.evidence.all()] == [4]


def test_what_begins_may_come_last(make_rule, evaluate):
    make_rule(**{**FAILED_AGAIN, "selector": typed("NODE_START")})
    log(("FAILURE", "a", 20))
    evaluate(at=20)
    log(("START", "a", 0, 300))
    evaluate(at=300)
    episode = Episode.objects.get()
    assert (episode.fired_at, episode.state) == (at(20), "resolved")


def test_pairs_may_be_of_other_fields_and_of_numbers(make_rule, evaluate):
    make_rule(**{**FAILED_AGAIN, "pair_by": ["node_id", "metadata.port"]})
    for second, port in enumerate((1, 2, 1.0)):
        log(sent("FAILURE", "x", second, metadata={"port": port}))
    log(sent("FAILURE", "x", 4), sent("FAILURE", "x", 5))
    evaluate(at=10)
    assert [row.position for row in Finding.objects.all()] == [3]


RUNS = st.lists(
    st.tuples(st.sampled_from(["START", "SUCCESS", "FAILURE"]), st.sampled_from("abc"), st.integers(0, 120)),
    max_size=20,
)


@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    events=RUNS, cuts=st.lists(st.integers(0, 20), max_size=4), kind=st.sampled_from(["missing", "sequence"])
)
def test_live_finds_the_oracles_events_however_the_log_is_cut(actor, events, cuts, kind):
    said = UNFINISHED if kind == "missing" else {**UNFINISHED, "kind": "sequence"}
    parts = [
        part(n, second, run, begins=what == "START", follows=what != "START")
        for n, (what, run, second) in enumerate(events, start=1)
    ]
    with transaction.atomic():
        create_rule(actor=actor, spec=RuleSpec(name="live", **said))
        bounds = [0, *sorted(cut for cut in cuts if cut <= len(events)), len(events)]
        for first, last in pairwise(bounds):
            log(*((*one, 121) for one in events[first:last]))
            evaluate_rules(clock=lambda: at(121))
        evaluate_rules(clock=lambda: at(1000))
        found = list(Finding.objects.order_by("at", "position").values_list("at", "position"))
        tried = start_backtest(actor=actor, spec=RuleSpec(name="x", **said)).result
        assert not Rule.objects.get().problem
        transaction.set_rollback(True)
    assert found == truth(parts, within=30, missing=kind == "missing", until=1000)
    assert sum(one["matches"] for one in tried["shown"]) == len(found)


# --- every way to say and to try them -----------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({**UNFINISHED, "then": None}, "/then"),
        ({**UNFINISHED, "then": {"field": "event_type", "op": "is"}}, "/then/op"),
        ({**UNFINISHED, "then": {"field": "nodeid", "op": "exists"}}, "/then"),
        ({**UNFINISHED, "pair_by": []}, "/pair_by"),
        ({**UNFINISHED, "pair_by": ["corelation_id"]}, "/pair_by/0"),
        ({**UNFINISHED, "within_seconds": 0}, "/within_seconds"),
        ({**UNFINISHED, "within_seconds": 86_401}, "/within_seconds"),
        ({**UNFINISHED, "percent": 3}, "/percent"),
        ({"selector": typed("NODE_START"), "then": typed("NODE_FAILURE")}, "/then"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(owner, said, pointer):
    answer = owner.api.post("/api/v1/alerts/rules", {"name": "x", **said}, format="json")
    assert answer.status_code == 422, answer.json()
    assert f'"{pointer}"' in answer.content.decode(), answer.json()


@pytest.mark.parametrize("said", [UNFINISHED, FAILED_AGAIN])
def test_over_rest_and_as_code_it_comes_back_as_it_was_said(owner, actor, said):
    made = owner.api.post("/api/v1/alerts/rules", {"name": "x", **said}, format="json")
    assert made.status_code == 201, made.json()
    edition = made.json()["rule"]["edition"]
    assert {name: edition[name] for name in said} == said
    assert edition["event_types"] == sorted({*said["selector"]["value"], *said["then"]["value"]})
    [code] = export_rules(actor=actor)["rules"]
    assert {name: code[name] for name in said} == said
    [planned] = import_rules(actor=actor, document=json.loads(json.dumps({"rules": [code]})))
    assert planned.what == "unchanged"


def test_who_may_not_read_what_follows_may_not_make_the_rule(make_person):
    operator = make_person("ann", role="operator", prefix="NODE_START")
    alone = {"name": "x", "selector": typed("NODE_START")}
    assert operator.api.post("/api/v1/alerts/rules", alone, format="json").status_code == 201
    answer = operator.api.post("/api/v1/alerts/rules", {**UNFINISHED, "name": "y"}, format="json")
    assert answer.status_code == 403, answer.json()


def test_a_preview_a_backtest_and_the_explanation_tell_the_same(owner, actor, make_rule, evaluate):
    rule = make_rule(**UNFINISHED)
    log(("START", "a", 0), ("START", "b", 1), ("SUCCESS", "b", 20))
    evaluate(at=100)
    live = Episode.objects.get()
    spec = RuleSpec(name="x", **UNFINISHED)
    [shown] = preview(actor=actor, spec=spec).shown
    assert (shown.episode.fired_at, shown.group) == (live.fired_at, live.group)
    [shown] = start_backtest(actor=actor, spec=spec).result["shown"]
    assert shown["fired_at"] == live.fired_at.isoformat()
    asked = urlencode({"at": at(40).isoformat(), "group": json.dumps({"node_id": "n1"})})
    told = owner.api.get(f"/api/v1/alerts/rules/{rule.pk}/explain?{asked}").json()
    assert told["chosen"]["counted"] == 1
    assert "1 event of this group that nothing followed within 30 s" in " ".join(told["sentences"])


def test_tests_of_rules_run_them():
    def event(kind, run, second):
        said = {"event_id": f"{kind}{run}", "event_type": f"NODE_{kind}", "node_id": "n1", "metadata": {}}
        return {**said, "correlation_id": run, "timestamp": at(second).isoformat()}

    events = [event("START", "a", 0), event("START", "b", 0), event("SUCCESS", "b", 1)]
    expected = {"fired_at": at(30).isoformat(), "peak": 1, "group": {"node_id": "n1"}}
    rule = {"name": "x", **UNFINISHED}
    [outcome] = run_tests({"rule": rule, "tests": [{"events": events, "expect": [expected]}]})
    assert list(outcome.differences) == []
    [outcome] = run_tests({"rule": rule, "tests": [{"events": events[1:], "expect": [expected]}]})
    assert list(outcome.differences)


def test_through_the_form_and_on_its_page(owner):
    form = {
        "name": "unfinished",
        "combine": "all",
        "rows-TOTAL_FORMS": 1,
        "rows-INITIAL_FORMS": 0,
        "rows-0-field": "event_type",
        "rows-0-op": "eq",
        "rows-0-value": "NODE_START",
        "kind": "missing",
        "within_seconds": "30",
        "pair_by": "correlation_id, node_id",
        "hits_combine": "all",
        "hits-TOTAL_FORMS": 1,
        "hits-INITIAL_FORMS": 0,
        "hits-0-field": "event_type",
        "hits-0-op": "in",
        "hits-0-value": "NODE_SUCCESS, NODE_FAILURE",
        "threshold": 1,
        "window_seconds": 300,
        "keep_firing_seconds": 0,
        "severity": "error",
        "action": "save",
    }
    for wrong in (
        {"hits-0-field": ""},
        {"hits-0-field": "nodeid"},
        {"pair_by": "nodeid"},
        {"within_seconds": ""},
    ):
        refused = owner.browser.post("/alerts/rules/new", form | wrong)
        assert refused.status_code == 200
        assert "errorlist" in refused.content.decode(), wrong
    assert not Rule.objects.exists()
    assert owner.browser.post("/alerts/rules/new", form).status_code == 302
    rule = Rule.objects.get()
    assert rule.current.then == {"all": [typed("NODE_SUCCESS", "NODE_FAILURE")]}
    page = owner.browser.get(f"/alerts/rules/{rule.pk}").content.decode()
    assert (
        "not followed within 30 s by one of the same correlation_id and node_id for which event_type" in page
    )
    edit = owner.browser.get(f"/alerts/rules/{rule.pk}/edit").content.decode()
    assert 'value="NODE_SUCCESS, NODE_FAILURE"' in edit
    assert 'value="correlation_id, node_id"' in edit
    again = owner.browser.post(f"/alerts/rules/{rule.pk}/edit", form | {"kind": "sequence", "edition": 1})
    assert again.status_code == 302
    page = owner.browser.get(f"/alerts/rules/{rule.pk}").content.decode()
    assert ", followed within 30 s by one of the same" in page
