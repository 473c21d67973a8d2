"""Fewer messages, and none lost: what comes close together, is too much, or flaps, is told in one."""

from datetime import time, timedelta

import orjson
import pytest
from django.utils import timezone

from access.models import Delivery
from alerts import digest
from alerts.channels import ChannelSpec, create_channel, edit_channel
from alerts.digest import tell_together
from alerts.errors import InvalidChannel, InvalidRule
from alerts.models import Channel, Episode, Gathered
from alerts.rules_as_code import export_rules
from alerts.silences import create_silence, expire_silence
from alerts.unattended import tell_again
from tests.alerts.log import NOON, Sent, store

pytestmark = pytest.mark.django_db
HOOK = "http://127.0.0.1:9999/hook"


@pytest.fixture
def make_channel(actor, settings):
    settings.OUTBOUND_ALLOW = ["127.0.0.1:9999"]

    def make(name="team", **said):
        return create_channel(actor=actor, spec=ChannelSpec(name, HOOK, **said))

    return make


def at(seconds):
    return NOON + timedelta(seconds=seconds)


def fail(second, *nodes):
    store(Sent(node_id=node, occurred_at=at(second)) for node in nodes)


def told():
    return [(row.message_id, orjson.loads(bytes(row.body))) for row in Delivery.objects.order_by("id")]


def kinds():
    return [body["type"] for _, body in told()]


# --- close together -----------------------------------------------------------------------------


@pytest.fixture
def gathering(make_rule, make_channel):
    channel = make_channel(gather_seconds=30)
    make_rule(group_by=["node_id"], window_seconds=60, channels=[channel.pk])
    return channel


def test_what_comes_within_the_time_of_the_first_is_told_with_it(gathering, evaluate):
    fail(0, "a", "b")
    evaluate(at=0)
    fail(20, "c")
    evaluate(at=20)
    assert tell_together(at(29)) == 0
    assert told() == []
    assert tell_together(at(30)) == 3
    [(message_id, body)] = told()
    assert (message_id.split("-")[0], body["type"]) == ("digest", "alert.digest")
    data = body["data"]
    assert (data["notifications"], data["firing"], data["more"]) == (3, 3, 0)
    assert {one["group"]["node_id"] for one in data["episodes"]} == {"a", "b", "c"}
    assert {one["why"] for one in data["episodes"]} == {"grouped"}
    assert not Gathered.objects.exists()
    assert tell_together(at(60)) == 0


def test_one_alone_is_told_as_ever(gathering, evaluate):
    fail(0, "a")
    evaluate(at=0)
    tell_together(at(30))
    episode = Episode.objects.get()
    assert [message_id for message_id, _ in told()] == [f"episode-{episode.pk}-firing-{gathering.pk}"]
    assert kinds() == ["alert.firing"]


def test_what_came_and_went_meanwhile_is_not_told(gathering, evaluate):
    fail(0, "a")
    evaluate(at=0)
    evaluate(at=100)
    assert Episode.objects.get().state == "resolved"
    assert tell_together(at(200)) == 0
    assert told() == []


def test_that_it_is_over_is_told_to_who_heard_of_it_and_together_too(gathering, evaluate):
    fail(0, "a", "b")
    evaluate(at=0)
    tell_together(at(30))
    evaluate(at=100)
    tell_together(at(130))
    (_, first), (_, second) = told()
    assert (first["data"]["firing"], second["data"]["firing"]) == (2, 0)
    assert [one["what"] for one in second["data"]["episodes"]] == ["resolved"] * 2


def test_the_course_of_each_episode_says_that_it_was_in_a_digest(gathering, evaluate, owner):
    fail(0, "a", "b")
    evaluate(at=0)
    tell_together(at(30))
    episode = Episode.objects.first()
    course = owner.api.get(f"/api/v1/alerts/episodes/{episode.pk}").json()
    assert "team was told in a digest" in str(course)
    assert "told in a digest" in owner.browser.get(f"/alerts/episodes/{episode.pk}").content.decode()


def test_a_silence_holds_what_was_gathered_and_lets_it_go_at_its_end(gathering, evaluate, actor):
    fail(0, "a", "b")
    evaluate(at=0)
    silence = create_silence(
        actor=actor,
        matchers=[{"label": "node_id", "op": "eq", "value": "a"}],
        reason="disk",
        starts_at=None,
        ends_at=timezone.now() + timedelta(hours=1),
    )
    now = timezone.now()
    assert tell_together(now) == 1
    assert [body["data"]["group"] for _, body in told()] == [{"node_id": "b"}]
    expire_silence(actor=actor, silence_id=silence.pk)
    assert tell_together(timezone.now()) == 1


def test_quiet_hours_hold_it_till_the_morning(gathering, evaluate):
    Channel.objects.filter(pk=gathering.pk).update(quiet_from=time(11), quiet_until=time(13))
    fail(0, "a", "b")
    evaluate(at=0)
    assert tell_together(at(60)) == 0
    assert tell_together(at(3600)) == 2


def test_a_channel_that_was_disabled_meanwhile_is_told_nothing(gathering, evaluate):
    fail(0, "a", "b")
    evaluate(at=0)
    Channel.objects.filter(pk=gathering.pk).update(enabled=False)
    assert tell_together(at(30)) == 0
    assert not Gathered.objects.exists()


# --- too much -----------------------------------------------------------------------------------


def nodes(first, count):
    return [f"n{number}" for number in range(first, first + count)]


def test_beyond_the_limit_of_a_minute_the_rest_is_told_in_one(make_rule, make_channel, evaluate):
    channel = make_channel(most_per_minute=3)
    make_rule(group_by=["node_id"], window_seconds=60, channels=[channel.pk])
    now = timezone.now()
    store(Sent(node_id=node, occurred_at=now) for node in nodes(0, 10))
    evaluate(at=now)
    assert kinds() == ["alert.firing"] * 3
    assert Gathered.objects.filter(why="limited").count() == 7
    assert tell_together(now + timedelta(seconds=10)) == 0
    assert tell_together(now + timedelta(seconds=61)) == 7
    assert kinds() == ["alert.firing"] * 3 + ["alert.digest"]


def test_what_was_over_the_limit_and_is_over_is_in_the_digest_and_said_to_be(
    make_rule, make_channel, evaluate
):
    channel = make_channel(most_per_minute=1)
    make_rule(group_by=["node_id"], window_seconds=60, channels=[channel.pk])
    now = timezone.now()
    store(Sent(node_id=node, occurred_at=now) for node in nodes(0, 3))
    evaluate(at=now)
    evaluate(at=now + timedelta(seconds=62))
    tell_together(now + timedelta(seconds=125))
    assert kinds() == ["alert.firing", "alert.resolved", "alert.digest"]
    listed = told()[-1][1]["data"]["episodes"]
    assert [one["state"] for one in listed] == ["resolved"] * 2


def test_one_alone_that_is_over_by_then_is_not_said_to_fire(make_rule, make_channel, evaluate):
    channel = make_channel(most_per_minute=1)
    make_rule(group_by=["node_id"], window_seconds=60, channels=[channel.pk])
    now = timezone.now()
    store(Sent(node_id=node, occurred_at=now) for node in nodes(0, 2))
    evaluate(at=now)
    evaluate(at=now + timedelta(seconds=62))
    tell_together(now + timedelta(seconds=125))
    assert kinds() == ["alert.firing", "alert.resolved", "alert.digest"]
    [one] = told()[-1][1]["data"]["episodes"]
    assert (one["what"], one["state"]) == ("firing", "resolved")


def test_reminders_count_for_the_limit(make_rule, make_channel, evaluate):
    channel = make_channel(most_per_minute=2)
    make_rule(
        group_by=["node_id"],
        window_seconds=3600,
        keep_firing_seconds=86_400,
        remind_minutes=10,
        channels=[channel.pk],
    )
    now = timezone.now()
    store(Sent(node_id=node, occurred_at=now) for node in nodes(0, 2))
    evaluate(at=now)
    Episode.objects.update(created_at=now - timedelta(minutes=11))
    tell_again(now)
    assert kinds() == ["alert.firing"] * 2
    assert Gathered.objects.filter(why="limited").count() == 2


def test_a_reminder_beyond_the_limit_is_told_later_and_hides_no_end(make_rule, make_channel, evaluate):
    channel = make_channel(most_per_minute=1, gather_seconds=30)
    rule = {"window_seconds": 60, "keep_firing_seconds": 86_400, "remind_minutes": 10}
    make_rule(channels=[channel.pk], **rule)
    now = timezone.now()
    store([Sent(occurred_at=now)])
    evaluate(at=now)
    tell_together(now + timedelta(seconds=30))
    assert kinds() == ["alert.firing"]
    Episode.objects.update(created_at=now - timedelta(minutes=11))
    tell_again(now)
    assert [(one.what, one.why) for one in Gathered.objects.all()] == [("firing", "limited")]
    # Its end is not lost with the reminder that waits.
    evaluate(at=now + timedelta(days=2))
    tell_together(now + timedelta(days=2, seconds=60))
    [over] = told()[-1][1]["data"]["episodes"]
    assert (kinds()[-1], over["state"]) == ("alert.digest", "resolved")


def test_a_reminder_alone_is_told_and_not_taken_for_the_first_message(make_rule, make_channel, evaluate):
    channel = make_channel(most_per_minute=1)
    make_rule(keep_firing_seconds=86_400, remind_minutes=10, channels=[channel.pk])
    now = timezone.now()
    store([Sent(occurred_at=now)])
    evaluate(at=now)
    Episode.objects.update(created_at=now - timedelta(minutes=11))
    tell_again(now)
    tell_together(now + timedelta(seconds=61))
    assert kinds() == ["alert.firing", "alert.digest"]


def test_what_silences_hold_keeps_nobody_else_waiting(gathering, evaluate, actor, monkeypatch):
    monkeypatch.setattr(digest, "MOST", 2)
    fail(0, "a", "b", "c")
    evaluate(at=0)
    for node in ("a", "b"):
        matchers = [{"label": "node_id", "op": "eq", "value": node}]
        ends_at = timezone.now() + timedelta(hours=1)
        create_silence(actor=actor, matchers=matchers, reason="disk", starts_at=None, ends_at=ends_at)
    assert tell_together(timezone.now()) == 1


# --- flapping -----------------------------------------------------------------------------------


def test_a_group_that_fires_again_and_again_is_told_of_once_an_hour(make_rule, make_channel, evaluate):
    channel = make_channel()
    make_rule(group_by=["node_id"], window_seconds=10, flapping_after=2, channels=[channel.pk])
    for second in range(0, 600, 100):
        fail(second, "a")
        evaluate(at=second)
        evaluate(at=second + 50)
    fail(300, "b")
    evaluate(at=600)
    mine = [body for _, body in told() if body["data"].get("group") == {"node_id": "a"}]
    assert [body["type"] for body in mine] == ["alert.firing", "alert.resolved"] * 2
    assert Gathered.objects.filter(why="flapping").count() == 4
    assert tell_together(at(200 + 3599)) == 0
    assert tell_together(at(200 + 3600)) == 4
    _, digest = told()[-1]
    assert digest["type"] == "alert.digest"
    assert len(digest["data"]["episodes"]) == 4
    # Another group is told of as ever.
    assert next(b["type"] for _, b in told() if b["data"].get("group") == {"node_id": "b"}) == "alert.firing"


def test_a_digest_says_in_words_how_often(make_rule, make_channel, evaluate):
    channel = make_channel(kind="slack")
    make_rule(group_by=["node_id"], window_seconds=10, flapping_after=1, channels=[channel.pk])
    for second in (0, 100, 200, 300):
        fail(second, "a")
        evaluate(at=second)
        evaluate(at=second + 50)
    tell_together(at(4000))
    said = bytes(Delivery.objects.order_by("id").last().body).decode()
    assert "3 notifications together: failures (3)" in said
    assert "failures, node_id a: fired 3 times, over now: 1 event within 10 s" in said


# --- what may be said ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"gather_seconds": -1}, "/gather_seconds"),
        ({"gather_seconds": 4000}, "/gather_seconds"),
        ({"most_per_minute": 0}, "/most_per_minute"),
        ({"kind": "pagerduty", "secret": "a" * 32, "gather_seconds": 10}, "/gather_seconds"),
    ],
)
def test_what_no_channel_can_be_is_refused(actor, settings, said, pointer):
    settings.OUTBOUND_ALLOW = ["127.0.0.1:9999"]
    url = "" if said.get("kind") else HOOK
    with pytest.raises(InvalidChannel) as refused:
        create_channel(actor=actor, spec=ChannelSpec("team", url, **said))
    assert refused.value.facts["pointer"] == pointer


def test_what_no_rule_can_say_is_refused(make_rule):
    with pytest.raises(InvalidRule) as refused:
        make_rule(flapping_after=0)
    assert refused.value.facts["pointer"] == "/flapping_after"


def test_over_rest_in_the_form_and_as_code(owner, actor, make_channel, make_rule):
    channel = make_channel(gather_seconds=30, most_per_minute=20)
    shown = owner.api.get(f"/api/v1/alerts/channels/{channel.pk}").json()
    assert (shown["gather_seconds"], shown["most_per_minute"]) == (30, 20)
    page = owner.browser.get(f"/alerts/channels/{channel.pk}").content.decode()
    assert "Gather for seconds" in page
    edit_channel(actor=actor, channel_id=channel.pk, spec=ChannelSpec("team", HOOK))
    assert Channel.objects.get().gather_seconds == 0
    rule = make_rule(flapping_after=5)
    assert owner.api.get(f"/api/v1/alerts/rules/{rule.pk}").json()["flapping_after"] == 5
    assert export_rules(actor=actor)["rules"][0]["flapping_after"] == 5
    assert "beyond 5 times an hour" in owner.browser.get(f"/alerts/rules/{rule.pk}").content.decode()
