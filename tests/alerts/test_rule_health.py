"""A rule that cannot be evaluated, or leaves groups out, says so where its alerts go; and a rule that nobody evaluates is stale."""

from datetime import time, timedelta

import orjson
import pytest
from django.utils import timezone

from access.models import Delivery
from alerts import evaluate as evaluation
from alerts.channels import ChannelSpec, create_channel
from alerts.models import Channel, Episode, Rule
from alerts.rule_health import tell_of_rules
from tests.alerts.log import NOON, Sent, store

pytestmark = pytest.mark.django_db


@pytest.fixture
def channel(actor, settings):
    settings.OUTBOUND_ALLOW = ["127.0.0.1:9999"]
    spec = ChannelSpec("team", "http://127.0.0.1:9999/hook")
    return create_channel(actor=actor, spec=spec)


@pytest.fixture
def rule(make_rule, channel):
    return make_rule(group_by=["node_id"], window_seconds=60, channels=[channel.pk])


def told():
    return [
        orjson.loads(bytes(row.body)) for row in Delivery.objects.filter(about="alerts.rule").order_by("id")
    ]


def at(minutes):
    return NOON + timedelta(minutes=minutes)


def overflow(evaluate, settings, minute):
    settings.ALERT_MAX_GROUPS = 2
    store(Sent(node_id=f"n{n}", occurred_at=at(minute)) for n in range(4))
    evaluate(at=at(minute))


def test_groups_that_are_left_out_are_told_of_once_and_the_oldest_stay(rule, evaluate, settings):
    overflow(evaluate, settings, 0)
    assert Episode.objects.firing().count() == 2
    assert tell_of_rules(at(0)) == 1
    [said] = told()
    assert said["type"] == "alert.rule_troubled"
    assert said["data"]["rule"]["name"] == rule.name
    assert "2 groups were left out" in said["data"]["problem"]
    assert tell_of_rules(at(1)) == 0
    overflow(evaluate, settings, 0.5)
    assert tell_of_rules(at(1)) == 0


def test_a_late_match_in_what_is_over_makes_no_room(rule, evaluate, settings):
    settings.ALERT_MAX_GROUPS = 2
    store([Sent(node_id="old", occurred_at=at(0))])
    evaluate(at=at(0))
    evaluate(at=at(2))
    store(Sent(node_id=node, occurred_at=at(3)) for node in ("a", "b"))
    evaluate(at=at(3))
    late = Sent(node_id="old", occurred_at=at(0.5), received_at=at(3.2))
    store([late, Sent(node_id="c", occurred_at=at(3.2))])
    evaluate(at=at(3.2))
    assert {one.group["node_id"] for one in Episode.objects.firing()} == {"a", "b"}


def test_trouble_that_stays_is_told_again_after_an_hour(rule, evaluate, settings):
    overflow(evaluate, settings, 0)
    tell_of_rules(at(0))
    overflow(evaluate, settings, 61)
    overflow(evaluate, settings, 61.5)
    assert tell_of_rules(at(62)) == 1
    assert len({row.message_id for row in Delivery.objects.filter(about="alerts.rule")}) == 2


def test_when_it_was_well_for_ten_minutes_that_is_told_once(rule, evaluate, settings):
    overflow(evaluate, settings, 0)
    tell_of_rules(at(0))
    # What ends makes room for what begins.
    store([Sent(node_id="n3", occurred_at=at(5))])
    evaluate(at=at(5))
    assert tell_of_rules(at(6)) == 0
    assert tell_of_rules(at(11)) == 1
    assert [said["type"] for said in told()] == ["alert.rule_troubled", "alert.rule_recovered"]
    assert tell_of_rules(at(30)) == 0


def test_a_rule_that_cannot_be_evaluated_says_why(rule, evaluate, monkeypatch):
    def broken(*_, **__):
        raise ValueError("the pattern is not understood any more")

    monkeypatch.setattr(evaluation, "count", broken)
    store([Sent()])
    evaluate(at=at(0))
    tell_of_rules(at(0))
    [said] = told()
    assert "the pattern is not understood any more" in said["data"]["problem"]


def test_in_quiet_hours_it_waits_and_is_never_told_when_it_is_well_by_then(rule, channel, evaluate, settings):
    Channel.objects.filter(pk=channel.pk).update(quiet_from=time(11), quiet_until=time(13))
    overflow(evaluate, settings, 0)
    tell_of_rules(at(0))
    store([Sent(node_id="n0", occurred_at=at(5))])
    evaluate(at=at(5))
    tell_of_rules(at(20))
    assert [row.state for row in Delivery.objects.filter(about="alerts.rule")] == ["cancelled"]


def test_the_templates_of_a_channel_are_for_episodes(rule, channel, evaluate, settings):
    Channel.objects.filter(pk=channel.pk).update(
        kind="slack", title_template="{{ group.node_id }}", text_template="{{ episode.number }}"
    )
    overflow(evaluate, settings, 0)
    tell_of_rules(at(0))
    assert "has a problem" in bytes(Delivery.objects.get(about="alerts.rule").body).decode()


def test_paused_and_deleted_rules_say_nothing(rule, evaluate, settings):
    overflow(evaluate, settings, 0)
    Rule.objects.filter(pk=rule.pk).update(enabled=False)
    assert tell_of_rules(at(0)) == 0


def test_a_rule_that_nobody_evaluates_is_stale(owner, rule, evaluate):
    now = timezone.now()
    store([Sent(occurred_at=now - timedelta(minutes=2))])
    shown = owner.api.get(f"/api/v1/alerts/rules/{rule.pk}").json()
    assert shown["state"] == "stale"
    evaluate(at=now)
    assert owner.api.get(f"/api/v1/alerts/rules/{rule.pk}").json()["state"] != "stale"


def test_what_has_just_come_makes_no_rule_stale(owner, rule):
    store([Sent(occurred_at=timezone.now())])
    assert owner.api.get(f"/api/v1/alerts/rules/{rule.pk}").json()["state"] == "ok"
