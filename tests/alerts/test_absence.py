"""Silence of groups: when it begins and ends, live behind the watermark and over a stretch at once."""

import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from access.models import Delivery
from alerts.absence import Absence, silences_of
from alerts.backtest import start_backtest
from alerts.models import Episode, KnownGroup, Rule
from alerts.preview import preview
from alerts.rule_spec import RuleSpec
from alerts.rule_tests import run_tests
from alerts.rules import edit_rule, pause_rule, resume_rule
from events.models import Doors, Outage
from tests.alerts.conftest import FAILURES
from tests.alerts.log import NOON, Sent, store

pytestmark = pytest.mark.django_db
QUIET = {"kind": "absence", "remember_days": 1, "window_seconds": 300, "group_by": ["node_id"]}
DAY = 24 * 3600


def at(second):
    return NOON + timedelta(seconds=second)


def hear(node, *seconds, arrive=None):
    store(
        Sent(node_id=node, occurred_at=at(one), received_at=at(one if arrive is None else arrive))
        for one in seconds
    )


def now_at(second, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: at(second))


@pytest.fixture
def rule(make_rule, monkeypatch):
    now_at(0, monkeypatch)
    return make_rule(**QUIET)


def told():
    return [
        (one.group.get("node_id"), one.state, (one.fired_at - NOON).seconds)
        for one in Episode.objects.order_by("fired_at", "group_key")
    ]


# --- what is true -------------------------------------------------------------------------------


def silences(seconds, *, window=300, forget_after=DAY, until=10_000):
    terms = Absence(timedelta(seconds=window), timedelta(seconds=forget_after))
    return [
        ((one.fired_at - NOON).total_seconds(), (one.closes_at - NOON).total_seconds(), one.firing)
        for one in silences_of(terms, map(at, seconds), until=at(until))
    ]


def test_a_window_without_an_event_is_a_silence_that_the_next_event_ends():
    assert silences([0, 299, 600], until=700) == [(599, 600, False)]
    assert silences([0, 300], until=400) == []
    assert silences([0], until=299) == []
    assert silences([0], until=300) == [(300, DAY, True)]


def test_what_was_forgotten_is_not_missed_any_more():
    assert silences([0, 5_000], forget_after=1_000, until=5_100) == [(300, 1_000, False)]


@hypothesis_settings(max_examples=300, deadline=None)
@given(seconds=st.lists(st.integers(0, 3_000), max_size=30), until=st.integers(0, 4_000))
def test_it_is_silent_at_exactly_the_instants_without_an_event_in_the_window_before(seconds, until):
    heard = [one for one in seconds if one <= until]
    found = silences(heard, until=until)
    for instant in range(0, until, 37):
        inside = any(fires <= instant < closes for fires, closes, _ in found)
        known = any(one <= instant for one in heard)
        assert inside == (known and not any(instant - 300 < one <= instant for one in heard)), instant


# --- live ---------------------------------------------------------------------------------------


def test_a_node_that_falls_silent_is_told_behind_the_watermark_and_resolved_with_its_next_event(
    rule, evaluate
):
    hear("n1", 0, 10)
    hear("n2", 5, 200)
    evaluate(at=200)
    evaluate(at=339)
    assert told() == []
    evaluate(at=340)
    assert told() == [("n1", "firing", 310)]
    episode = Episode.objects.get()
    [kept] = episode.evidence.all()
    assert (kept.position, kept.occurred_at, episode.started_at) == (2, at(10), at(10))
    hear("n1", 400)
    evaluate(at=400)
    episode.refresh_from_db()
    assert (episode.state, episode.resolved_at) == ("resolved", at(400))
    evaluate(at=530)
    assert told() == [("n1", "resolved", 310), ("n2", "firing", 500)]


def test_an_event_that_arrives_late_is_no_silence(rule, evaluate):
    hear("n1", 0)
    evaluate(at=0)
    hear("n1", 200, arrive=320)
    evaluate(at=400)
    assert told() == []
    evaluate(at=531)
    assert told() == [("n1", "firing", 500)]


def test_one_that_sends_what_it_kept_is_heard_of_again_at_its_first_event(rule, evaluate):
    hear("n1", 0)
    evaluate(at=331)
    hear("n1", 350, 500, 640, arrive=650)
    evaluate(at=650)
    episode = Episode.objects.get()
    assert (episode.state, episode.resolved_at) == ("resolved", at(350))


def test_what_falls_silent_for_longer_than_it_is_remembered_is_forgotten(rule, evaluate):
    hear("n1", 0)
    evaluate(at=331)
    evaluate(at=DAY + 31)
    episode = Episode.objects.get()
    assert (episode.state, episode.resolved_at) == ("resolved", at(DAY))
    assert not KnownGroup.objects.exists()
    assert Rule.objects.get().look_at is None


def test_without_groups_the_silence_begins_with_the_rule(make_rule, evaluate, monkeypatch):
    now_at(0, monkeypatch)
    make_rule(**{**QUIET, "group_by": ()})
    evaluate(at=329)
    assert told() == []
    evaluate(at=331)
    assert told() == [(None, "firing", 300)]


def test_what_was_stored_before_the_rule_is_known_to_it(make_rule, evaluate, monkeypatch):
    hear("n1", 0)
    hear("n2", 100)
    now_at(150, monkeypatch)
    make_rule(**QUIET)
    evaluate(at=331)
    assert told() == [("n1", "firing", 300)]


def test_evaluating_again_and_again_changes_nothing(rule, evaluate):
    hear("n1", 0)
    for second in range(0, 900, 7):
        evaluate(at=second)
    assert told() == [("n1", "firing", 300)]


def test_a_longer_window_ends_what_is_not_silent_under_it(rule, evaluate, actor, monkeypatch):
    hear("n1", 0)
    evaluate(at=331)
    now_at(340, monkeypatch)
    edit_rule(
        actor=actor,
        rule_id=rule.pk,
        spec=RuleSpec(name="failures", selector=FAILURES, **{**QUIET, "window_seconds": 600}),
    )
    evaluate(at=341)
    assert told() == [("n1", "resolved", 300)]


def test_a_pause_ends_it_and_afterwards_it_is_told_again(rule, evaluate, actor, monkeypatch):
    hear("n1", 0)
    evaluate(at=331)
    now_at(400, monkeypatch)
    pause_rule(actor=actor, rule_id=rule.pk)
    resume_rule(actor=actor, rule_id=rule.pk)
    evaluate(at=401)
    assert told() == [("n1", "resolved", 300), ("n1", "firing", 300)]


# --- while the registry itself was away ---------------------------------------------------------


def test_nobody_is_called_silent_while_the_registry_was_away(rule, evaluate, owner, monkeypatch):
    hear("n1", 0)
    hear("n2", 0)
    evaluate(at=0)
    Doors.objects.create(open_until=at(20))
    evaluate(at=2_000)
    assert told() == []
    now_at(2_000, monkeypatch)
    group = urlencode({"at": at(2_000).isoformat(), "group": json.dumps({"node_id": "n1"})})
    sentences = owner.api.get(f"/api/v1/alerts/rules/{rule.pk}/explain?{group}").json()["sentences"]
    assert any("Events could not come in for a while" in one for one in sentences), sentences
    Outage.objects.create(began_at=at(20), ended_at=at(2_010))
    Doors.objects.update(open_until=at(2_100))
    hear("n1", 100, 700, 1_400, 2_000, 2_050, arrive=2_050)
    evaluate(at=2_060)
    assert told() == []
    Doors.objects.update(open_until=at(2_400))
    evaluate(at=2_400)
    assert told() == [("n2", "firing", 300), ("n1", "firing", 2_350)]


def test_rules_that_judge_by_what_did_come_go_on_meanwhile(make_rule, evaluate):
    make_rule("few", threshold=2)
    Doors.objects.create(open_until=at(-3_600))
    hear("n1", 0, 1)
    evaluate(at=1)
    assert Episode.objects.count() == 1


def test_a_rule_that_is_held_up_does_not_keep_the_worker_busy(rule, evaluate):
    hear("n1", 0)
    Doors.objects.create(open_until=at(0))
    evaluate(at=0)
    assert evaluate(at=5_000).passes == 1


# --- every way to say and to try them -----------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({**QUIET, "remember_days": None}, "/remember_days"),
        ({**QUIET, "window_seconds": DAY}, "/remember_days"),
        ({**QUIET, "remember_days": 366}, "/remember_days"),
        ({**QUIET, "group_by": ["nodeid"]}, "/group_by/0"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(owner, said, pointer):
    answer = owner.api.post(
        "/api/v1/alerts/rules", {"name": "x", "selector": FAILURES, **said}, format="json"
    )
    assert answer.status_code == 422, answer.json()
    assert f'"{pointer}"' in answer.content.decode(), answer.json()


def test_a_preview_and_a_backtest_find_what_was_told_live(rule, evaluate, actor, monkeypatch):
    hear("n1", 0, 10, 400)
    hear("n2", 5, 200)
    now_at(700, monkeypatch)
    evaluate(at=731)
    live = told()
    spec = RuleSpec(name="x", selector=FAILURES, **QUIET)
    shown = preview(actor=actor, spec=spec).shown
    found = start_backtest(actor=actor, spec=spec).result["shown"]
    assert [one.group["node_id"] for one in reversed(shown)] == [node for node, _, _ in live]
    assert [one["group"]["node_id"] for one in reversed(found)] == [node for node, _, _ in live]


def test_it_says_what_it_is_about_and_how_long_it_was_silent(rule, owner, evaluate, make_rule):
    hear("n1", 0)
    evaluate(at=331)
    page = owner.browser.get(f"/alerts/rules/{rule.pk}").content.decode()
    assert "nothing for 5 min, forgotten after 1 d, for each node_id: event_type is" in page
    episode = owner.browser.get(f"/alerts/episodes/{Episode.objects.get().pk}").content.decode()
    assert "nothing for 5 min" in episode
    assert not Delivery.objects.exists()


def test_tests_of_rules_run_it_up_to_an_instant():
    said = {"event_id": "a", "event_type": "NODE_FAILURE", "node_id": "n1", "metadata": {}}
    events = [{**said, "timestamp": at(0).isoformat()}]
    expected = {"group": {"node_id": "n1"}, "fired_at": at(300).isoformat(), "firing": True}
    rule = {"name": "x", "selector": FAILURES, **QUIET}
    for until, expect in ((at(299), []), (at(300), [expected])):
        test = {"events": events, "expect": expect, "until": until.isoformat()}
        [outcome] = run_tests({"rule": rule, "tests": [test]})
        assert list(outcome.differences) == []
