"""While nobody sees to an episode its channels are reminded, and after a while others are told as well."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import time, timedelta

import orjson
import pytest
from django.db import connection
from django.utils import timezone

from access.models import Delivery
from alerts.attend import acknowledge_episode, resolve_episode
from alerts.channels import ChannelSpec, create_channel
from alerts.models import Channel, Episode, Rule
from alerts.rule_spec import RuleSpec
from alerts.rules import edit_rule, pause_rule
from alerts.rules_as_code import export_rules, import_rules
from alerts.silences import create_silence
from alerts.unattended import tell_again
from tests.alerts.conftest import FAILURES
from tests.alerts.log import Sent, store

pytestmark = pytest.mark.django_db
HOOK = "http://127.0.0.1:9999/hook"


@pytest.fixture
def channels(actor, settings):
    """One that the rule tells, and one to escalate to."""
    settings.OUTBOUND_ALLOW = ["127.0.0.1:9999"]
    return [create_channel(actor=actor, spec=ChannelSpec(name, HOOK)) for name in ("team", "boss")]


@pytest.fixture
def firing(make_rule, evaluate, channels):
    def make(**said):
        team, boss = (one.pk for one in channels)
        told = {"remind_minutes": 10, "escalate_minutes": 25, "escalate_to": [boss], **said}
        make_rule(window_seconds=3600, keep_firing_seconds=86_400, channels=[team], **told)
        store([Sent(occurred_at=timezone.now())])
        evaluate(at=timezone.now())
        return Episode.objects.get()

    return make


def after(episode, minutes):
    return episode.created_at + timedelta(minutes=minutes)


def told(episode):
    """(channel, what) of every message, in their order."""
    names = {f"alerts.channel/{one.pk}": one.name for one in Channel.objects.all()}
    return [
        (names[row.target], row.message_id.split("-", 2)[2].rpartition("-")[0])
        for row in Delivery.objects.order_by("id")
    ]


def test_a_channel_is_reminded_again_and_again_and_the_other_is_told_after_a_while(firing):
    episode = firing()
    told_of = [tell_again(after(episode, minute)) for minute in (5, 9, 10, 11, 19, 20, 24, 25, 26, 30)]
    assert told_of == [0, 0, 1, 0, 0, 1, 0, 1, 0, 1]
    assert told(episode)[:4] == [
        ("team", "firing"),
        ("team", "reminder-1"),
        ("team", "reminder-2"),
        ("boss", "firing"),
    ]
    # Whoever was told later is reminded with the others.
    assert sorted(told(episode)[4:]) == [("boss", "reminder-3"), ("team", "reminder-3")]
    body = orjson.loads(bytes(Delivery.objects.get(message_id__contains="reminder-2").body))
    assert (body["type"], body["data"]["episode"]["reminders"]) == ("alert.firing", 2)


def test_who_is_told_for_the_first_time_is_not_reminded_in_the_same_moment(firing):
    episode = firing(remind_minutes=25)
    tell_again(after(episode, 25))
    assert sorted(told(episode)) == [("boss", "firing"), ("team", "firing"), ("team", "reminder-1")]


def test_who_heard_of_it_hears_that_it_is_over(firing, actor):
    episode = firing()
    tell_again(after(episode, 25))
    resolve_episode(actor=actor, episode_id=episode.pk)
    assert {name for name, what in told(episode) if what == "resolved"} == {"team", "boss"}
    assert tell_again(after(episode, 60)) == 0


def test_and_who_did_not_does_not(firing, actor):
    episode = firing()
    resolve_episode(actor=actor, episode_id=episode.pk)
    assert ("boss", "resolved") not in told(episode)


def test_whoever_sees_to_it_stops_both_until_that_lapses(firing, actor):
    episode = firing()
    acknowledge_episode(actor=actor, episode_id=episode.pk, lasts=timedelta(minutes=50))
    assert tell_again(after(episode, 40)) == 0
    assert tell_again(after(episode, 55)) == 1
    assert {what for _, what in told(episode)} == {"firing", "reminder-1"}
    episode.refresh_from_db()
    assert episode.escalated_at is not None


def test_a_silence_stops_both(firing, actor):
    episode = firing()
    now = timezone.now()
    create_silence(
        actor=actor,
        matchers=[{"label": "rule", "op": "eq", "value": "failures"}],
        reason="known",
        ends_at=now + timedelta(minutes=40),
    )
    assert tell_again(after(episode, 30)) == 0
    assert tell_again(after(episode, 45)) == 1


def test_nobody_is_reminded_in_quiet_hours(firing, channels):
    episode = firing(escalate_minutes=None, escalate_to=())
    Channel.objects.filter(name="team").update(quiet_from=time(0, 0), quiet_until=time(23, 59))
    due = after(episode, 10).replace(hour=12)
    if due <= after(episode, 10):
        due += timedelta(days=1)
    tell_again(due)
    assert told(episode) == [("team", "firing")]


@pytest.mark.parametrize("end", [pause_rule, "disable"])
def test_a_rule_that_is_paused_reminds_nobody(firing, actor, end):
    episode = firing()
    if end == "disable":
        Rule.objects.update(enabled=False)
    else:
        end(actor=actor, rule_id=episode.rule_id)
    assert tell_again(after(episode, 60)) == 0


def test_without_a_word_about_it_nothing_is_told_again(firing):
    episode = firing(remind_minutes=None, escalate_minutes=None, escalate_to=())
    assert tell_again(after(episode, 10_000)) == 0


@pytest.mark.django_db(transaction=True)
def test_two_workers_tell_once(firing):
    episode = firing()

    def sweep(_):
        try:
            return tell_again(after(episode, 30))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(sweep, range(8))) == 1
    assert len(told(episode)) == 3


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"remind_minutes": 0}, "/remind_minutes"),
        ({"remind_minutes": 10_081}, "/remind_minutes"),
        ({"escalate_minutes": 5}, "/escalate_to"),
        ({"escalate_to": [1]}, "/escalate_minutes"),
        ({"escalate_minutes": 5, "escalate_to": [987]}, "/escalate_to"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(owner, said, pointer):
    asked = {"name": "x", "selector": FAILURES, **said}
    answer = owner.api.post("/api/v1/alerts/rules", asked, format="json")
    assert answer.status_code in {404, 422}, answer.json()
    assert f'"{pointer}"' in answer.content.decode(), answer.json()


def test_over_rest_as_code_and_in_the_pages(owner, actor, channels, firing):
    team, boss = channels
    said = {"remind_minutes": 10, "escalate_minutes": 25, "escalate_to": [boss.pk]}
    asked = {"name": "x", "selector": FAILURES, "channels": [team.pk], **said}
    made = owner.api.post("/api/v1/alerts/rules", asked, format="json").json()["rule"]
    assert {name: made[name] for name in said} == said
    [code] = export_rules(actor=actor)["rules"]
    assert (code["escalate_to"], code["escalate_minutes"]) == (["boss"], 25)
    [planned] = import_rules(actor=actor, document=json.loads(json.dumps({"rules": [code]})))
    assert planned.what == "unchanged"
    [planned] = import_rules(actor=actor, document={"rules": [{**code, "remind_minutes": 20}]})
    assert [one.field for one in planned.changes] == ["remind_minutes"]
    page = owner.browser.get(f"/alerts/rules/{made['id']}").content.decode()
    assert "every 20 min while nobody sees to it" in page
    assert "after 25 min to boss" in page
    edit = owner.browser.get(f"/alerts/rules/{made['id']}/edit").content.decode()
    assert 'name="remind_minutes" value="20"' in edit
    spec = RuleSpec(name="x", selector=FAILURES)
    edit_rule(actor=actor, rule_id=made["id"], spec=spec)
    rule = Rule.objects.get(pk=made["id"])
    assert (rule.remind_minutes, rule.escalate_to.count(), rule.current.number) == (None, 0, 1)


def test_the_course_of_an_episode_tells_of_it(firing, owner):
    episode = firing()
    tell_again(after(episode, 25))
    page = owner.browser.get(f"/alerts/episodes/{episode.pk}").content.decode()
    assert "Nobody saw to it, so others are told" in page
    assert "team is to be told: reminder" in page
