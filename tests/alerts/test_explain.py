"""Why a rule did or did not fire: for a group at a moment, with what counted, what did not, and who kept it quiet."""

import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.utils import timezone

from alerts.models import Episode
from alerts.rule_spec import RuleSpec
from alerts.rules import edit_rule, pause_rule
from alerts.silences import create_silence
from tests.alerts.log import Sent, head, store

pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def rule(make_rule):
    return make_rule(threshold=3, window_seconds=60, group_by=("node_id",))


def fail(now, *ago, node="n1", **said):
    store(Sent(node_id=node, occurred_at=now - timedelta(seconds=n), **said) for n in ago)


def explain(person, rule, at=None, **group):
    asked = {"at": at.isoformat()} if at else {}
    if group:
        asked["group"] = json.dumps(group)
    answer = person.api.get(f"/api/v1/alerts/rules/{rule.pk}/explain?{urlencode(asked)}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def says(found, words):
    return any(words in sentence for sentence in found["sentences"])


def test_one_that_did_not_fire_says_how_many_there_were_and_how_many_it_takes(owner, rule, evaluate, now):
    fail(now, 5, 10)
    evaluate(at=now)
    found = explain(owner, rule, node_id="n1")
    chosen = found["chosen"]
    assert (chosen["group"], chosen["counted"], chosen["hits"]) == ({"node_id": "n1"}, 2, 0)
    assert says(found, "held 2 matching events of this group; it fires at 3")
    assert says(found, "had not fired for this group before")
    assert found["episode"] is None


def test_one_that_fired_names_its_episode_and_who_silenced_it(owner, actor, rule, evaluate, now):
    matchers = [{"label": "node_id", "op": "eq", "value": "n1"}]
    silence = create_silence(
        actor=actor, matchers=matchers, reason="disk", ends_at=timezone.now() + timedelta(hours=1)
    )
    fail(now, 5, 10, 15)
    evaluate(at=now)
    found = explain(owner, rule, node_id="n1")
    assert found["episode"]["id"] == Episode.objects.get().pk
    assert says(found, "was firing")
    assert says(found, f"Silence {silence.pk} by")


def test_at_an_earlier_moment_the_window_of_then_counts(owner, rule, evaluate, now):
    fail(now, 300, 301, 302)
    fail(now, 5)
    evaluate(at=now)
    assert explain(owner, rule, node_id="n1")["chosen"]["counted"] == 1
    then = explain(owner, rule, at=now - timedelta(seconds=290), node_id="n1")
    assert then["chosen"]["counted"] == 3
    after = explain(owner, rule, node_id="n1")
    assert says(after, "The episode before")


def test_what_came_too_late_and_what_was_there_before_the_rule_is_told(
    owner, make_rule, evaluate, now, settings
):
    settings.ALERT_LATENESS = timedelta(seconds=60)
    fail(now, 20)
    late = make_rule("later", threshold=3, window_seconds=300, group_by=("node_id",))
    store([Sent(occurred_at=now - timedelta(seconds=200), received_at=now)])
    fail(now, 5)
    evaluate(at=now)
    found = explain(owner, late, node_id="n1")
    assert (found["chosen"]["counted"], found["late"], found["before_the_rule"]) == (1, 1, 1)
    assert says(found, "1 more matching events arrived over 1 min late")
    assert says(found, f"before the rule began to count, at position {late.starts_after}")


def test_without_a_group_those_that_the_window_held_are_offered(owner, rule, now):
    fail(now, 1, 2)
    fail(now, 3, node="n2")
    found = explain(owner, rule)
    assert found["chosen"] is None
    assert [(one["group"]["node_id"], one["counted"]) for one in found["groups"]] == [("n1", 2), ("n2", 1)]
    assert says(found, f"has not judged the newest {head() - rule.cursor} events yet")


def test_the_edition_that_applied_then_is_asked(owner, actor, rule, now):
    edit_rule(actor=actor, rule_id=rule.pk, spec=RuleSpec(**{**vars_of(rule), "threshold": 9}))
    rule.versions.filter(number=2).update(created_at=now)
    then = explain(owner, rule, at=now - timedelta(seconds=1), node_id="n1")
    assert (then["edition"], then["fires_at"]) == (1, "3 within 1 min")
    assert says(then, "has been changed since")
    assert explain(owner, rule, node_id="n1")["edition"] == 2


def vars_of(rule):
    spec = RuleSpec.of(rule)
    return {name: getattr(spec, name) for name in spec.__dataclass_fields__}


def test_a_paused_rule_and_a_share_say_what_keeps_them(owner, actor, make_rule, now):
    share = make_rule(
        "share",
        selector={"field": "event_type", "op": "in", "value": ["NODE_FAILURE", "NODE_SUCCESS"]},
        kind="share",
        hits={"field": "event_type", "op": "eq", "value": "NODE_FAILURE"},
        percent=5,
        threshold=1,
        window_seconds=60,
    )
    fail(now, 1)
    store([Sent(event_type="NODE_SUCCESS", occurred_at=now - timedelta(seconds=2))])
    found = explain(owner, share)
    assert (found["chosen"]["counted"], found["chosen"]["hits"]) == (2, 1)
    assert says(found, "1 of them hits (50 %)")
    assert says(found, "It is decided 30 s after the end of its window")
    pause_rule(actor=actor, rule_id=share.pk)
    assert says(explain(owner, share), "The rule is paused")


@pytest.mark.parametrize("asked", ['group={"error_code":"x"}', "group=[]", "group={", "at=soon"])
def test_what_cannot_be_asked_is_refused(owner, rule, asked):
    answer = owner.api.get(f"/api/v1/alerts/rules/{rule.pk}/explain?{asked}")
    assert answer.status_code == 422, answer.content


def test_the_page_offers_groups_and_tells_the_answer(owner, rule, evaluate, now):
    fail(now, 1, 2)
    evaluate(at=now)
    address = f"/alerts/rules/{rule.pk}/explain"
    assert 'name="group.node_id" value="n1"' in owner.browser.get(address).content.decode()
    told = owner.browser.get(f"{address}?group.node_id=n1").content.decode()
    assert "held 2 matching events of this group; it fires at 3" in told
    assert "is no moment" in owner.browser.get(f"{address}?at=soon").content.decode()
    assert address in owner.browser.get(f"/alerts/rules/{rule.pk}").content.decode()
