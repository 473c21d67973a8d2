"""Live evaluation on the real log: what fires, for whom, once, and what survives a kill."""

import threading
from datetime import timedelta

import orjson
import pytest
from django.db import OperationalError, connection, transaction

from access.models import Delivery
from alerts import evaluate as evaluation
from alerts import matches
from alerts.channels import ChannelSpec, create_channel
from alerts.models import Episode, Evidence, Rule
from alerts.rule_spec import RuleSpec
from alerts.rules import edit_rule
from tests.alerts.log import NOON, Sent, head, store
from tests.kill import killed_when_it_writes

pytestmark = pytest.mark.django_db


def at(seconds):
    return NOON + timedelta(seconds=seconds)


def failures(*seconds, arrive=None, **event):
    store(
        Sent(occurred_at=at(second), received_at=at(second if arrive is None else arrive), **event)
        for second in seconds
    )


@pytest.fixture
def channel(actor, settings):
    settings.OUTBOUND_ALLOW = ["127.0.0.1:9999"]
    return create_channel(actor=actor, spec=ChannelSpec("pager", "http://127.0.0.1:9999/hook"))


def told():
    return [(d.message_id, orjson.loads(bytes(d.body))) for d in Delivery.objects.order_by("id")]


def test_enough_matches_in_the_window_fire_one_episode_with_its_evidence(make_rule, evaluate):
    rule = make_rule(threshold=3, window_seconds=60)
    failures(0, 10)
    evaluate(at=10)
    assert not Episode.objects.exists()
    failures(20, 25)
    store([Sent(event_type="NODE_SUCCESS", occurred_at=at(21))])
    evaluate(at=25)
    episode = Episode.objects.get()
    assert (episode.state, episode.number, episode.peak, episode.matches) == ("firing", 1, 4, 4)
    assert (episode.started_at, episode.fired_at, episode.last_match_at) == (at(0), at(20), at(25))
    assert list(episode.evidence.values_list("position", flat=True)) == [1, 2, 3, 4]
    rule.refresh_from_db()
    assert (rule.cursor, rule.problem, rule.evaluated_at) == (head(), "", at(25))


def test_an_episode_resolves_when_the_window_has_emptied(make_rule, evaluate, channel):
    make_rule(threshold=2, window_seconds=60, keep_firing_seconds=30, channels=[channel.pk])
    failures(0, 10)
    evaluate(at=10)
    evaluate(at=90)
    assert Episode.objects.get().state == "firing"
    evaluate(at=91)
    episode = Episode.objects.get()
    assert (episode.state, episode.resolved_at) == ("resolved", at(90))
    assert [message_id for message_id, _ in told()] == [
        f"episode-{episode.pk}-firing-{channel.pk}",
        f"episode-{episode.pk}-resolved-{channel.pk}",
    ]


def test_the_notification_says_what_happened(make_rule, evaluate, channel):
    rule = make_rule(
        threshold=2, window_seconds=60, group_by=["node_id"], severity="critical", channels=[channel.pk]
    )
    failures(0, 10, node_id="n7", error_code="ONEX_CORE_001")
    evaluate(at=10)
    [(_, body)] = told()
    episode = Episode.objects.get()
    assert body["type"] == "alert.firing"
    data = body["data"]
    assert data["rule"]["name"] == rule.name
    assert (data["severity"], data["group"], data["count"]) == ("critical", {"node_id": "n7"}, 2)
    assert (data["threshold"], data["window_seconds"]) == (2, 60)
    assert data["episode"]["url"].endswith(f"/alerts/episodes/{episode.pk}")
    assert [event["error_code"] for event in data["evidence"]] == ["ONEX_CORE_001"] * 2


def test_each_group_counts_for_itself(make_rule, evaluate):
    make_rule(threshold=2, window_seconds=60, group_by=["node_id", "metadata.job"])
    for node, job in (("a", 1), ("b", 1), ("a", 2), ("a", 1.0), ("b", None), ("b", None)):
        failures(0, node_id=node, metadata={"job": job})
    evaluate(at=0)
    groups = [episode.group for episode in Episode.objects.order_by("id")]
    assert groups == [{"node_id": "a", "metadata.job": 1}, {"node_id": "b", "metadata.job": None}]


def test_a_late_event_counts_at_the_time_it_occurred(make_rule, evaluate):
    make_rule(threshold=3, window_seconds=60)
    failures(0, 10)
    failures(500)
    evaluate(at=500)
    assert not Episode.objects.exists()
    failures(20, arrive=510)
    evaluate(at=510)
    episode = Episode.objects.get()
    assert (episode.fired_at, episode.state, episode.matches) == (at(20), "resolved", 3)


def test_an_offline_node_that_sends_its_buffer_fires_nothing(make_rule, evaluate):
    make_rule(threshold=5, window_seconds=60)
    failures(*range(0, 600, 60), arrive=600)
    evaluate(at=600)
    assert not Episode.objects.exists()


def test_an_event_later_than_the_bound_is_counted_as_ignored(make_rule, evaluate, settings):
    settings.ALERT_LATENESS = timedelta(seconds=600)
    rule = make_rule(threshold=1)
    failures(0, arrive=601)
    evaluate(at=601)
    rule.refresh_from_db()
    assert (rule.late_ignored, Episode.objects.count()) == (1, 0)


def test_a_clock_in_the_future_is_taken_back_to_five_minutes_after_arrival(make_rule, evaluate):
    make_rule(threshold=1, window_seconds=60)
    failures(86_400, arrive=0)
    evaluate(at=0)
    assert Episode.objects.get().fired_at == at(300)


def test_a_new_rule_counts_nothing_that_was_stored_before_it(make_rule, evaluate):
    failures(0, 1, 2)
    make_rule(threshold=3, window_seconds=60)
    failures(3)
    evaluate(at=3)
    assert not Episode.objects.exists()
    failures(4, 5)
    evaluate(at=5)
    assert Episode.objects.get().matches == 3


def test_small_batches_and_a_backlog_give_the_same_episodes(make_rule, evaluate, monkeypatch):
    make_rule(threshold=2, window_seconds=10)
    failures(0, 1, 40, 41, 100, 101, 102)
    monkeypatch.setattr(evaluation, "BATCH", 2)
    evaluate(at=105)
    found = list(Episode.objects.order_by("id").values_list("fired_at", "state", "matches"))
    assert found == [(at(1), "resolved", 2), (at(41), "resolved", 2), (at(101), "firing", 3)]


def test_many_rules_share_one_reading_of_the_log(make_rule, evaluate, django_assert_max_num_queries):
    for number in range(30):
        make_rule(f"quiet {number}", threshold=50, selector={"field": "node_id", "value": f"x{number}"})
    failures(*range(20))
    with django_assert_max_num_queries(30 * 8 + 12):
        done = evaluate(at=20)
    assert (done.passes, done.events, done.rules) == (1, 20, 30)
    assert set(Rule.objects.values_list("cursor", flat=True)) == {head()}


def test_a_rule_that_cannot_be_evaluated_says_so_and_holds_up_nobody(make_rule, evaluate):
    broken, sound = make_rule("broken"), make_rule("sound")
    broken.current.selector = {"field": "node_id", "op": "~"}
    broken.current.save()
    failures(0)
    done = evaluate(at=0)
    assert done.troubled == 1
    broken.refresh_from_db()
    sound.refresh_from_db()
    assert "There is no operator '~'" in broken.problem
    assert (broken.cursor, sound.cursor) == (0, head())
    assert Episode.objects.get().rule == sound
    assert evaluate(at=1).passes == 0
    assert evaluate(at=31).troubled == 1


def test_a_repaired_rule_goes_on_where_it_stood(make_rule, evaluate, actor):
    rule = make_rule("broken")
    good = rule.current.selector
    rule.current.selector = {"field": "node_id", "op": "~"}
    rule.current.save()
    failures(0)
    evaluate(at=0)
    rule.current.selector = {"all": []}
    rule.current.save()
    edit_rule(actor=actor, rule_id=rule.pk, spec=RuleSpec(name="repaired", selector=good))
    evaluate(at=1)
    rule.refresh_from_db()
    assert (rule.problem, Episode.objects.count()) == ("", 1)


def test_more_groups_than_allowed_keep_the_oldest_and_say_so(make_rule, evaluate, settings):
    settings.ALERT_MAX_GROUPS = 2
    rule = make_rule(threshold=1, group_by=["node_id"])
    for node in "abc":
        failures(0, node_id=node)
    evaluate(at=0)
    rule.refresh_from_db()
    assert Episode.objects.filter(state="firing").count() == 2
    assert "ALERT_MAX_GROUPS" in rule.problem
    failures(1, node_id="a")
    evaluate(at=1)
    assert Episode.objects.get(group={"node_id": "a"}).matches == 2


def test_of_a_busy_window_only_what_decides_is_read_again(make_rule, evaluate, monkeypatch):
    monkeypatch.setattr(matches, "EARLIER_SEEN", 2)
    make_rule(threshold=3, window_seconds=60, group_by=["node_id"])
    failures(*range(10), node_id="busy")
    failures(0, 1, node_id="quiet")
    evaluate(at=10)
    failures(11, node_id="busy")
    failures(12, node_id="quiet")
    evaluate(at=12)
    found = Episode.objects.order_by("id").values_list("group__node_id", "fired_at", "matches", "closes_at")
    assert list(found) == [("busy", at(2), 11, at(68)), ("quiet", at(12), 3, at(60))]


def test_evidence_is_bounded_and_the_count_is_not(make_rule, evaluate):
    make_rule(threshold=1, window_seconds=600)
    failures(*[0.1 * n for n in range(150)])
    evaluate(at=20)
    assert (Episode.objects.get().matches, Evidence.objects.count()) == (150, 100)


def test_a_paused_channel_is_not_told(make_rule, evaluate, channel):
    channel.enabled = False
    channel.save()
    make_rule(threshold=1, channels=[channel.pk])
    failures(0)
    evaluate(at=0)
    assert Episode.objects.count() == 1
    assert not Delivery.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_killed_in_the_middle_of_a_pass_nothing_has_happened(make_rule, evaluate, channel):
    rule = make_rule(threshold=1, channels=[channel.pk])
    failures(0)
    # Notifications are written last: the episode and its evidence were there already.
    with pytest.raises(OperationalError):
        killed_when_it_writes("access_delivery", lambda: evaluate(at=0))
    rule.refresh_from_db()
    assert (rule.cursor, Episode.objects.count(), Delivery.objects.count()) == (0, 0, 0)
    evaluate(at=0)
    evaluate(at=0)
    assert (Episode.objects.count(), Delivery.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_open_one_episode(make_rule, evaluate, channel):
    make_rule(threshold=1, channels=[channel.pk])
    failures(0)
    start = threading.Barrier(4)
    troubles = []

    def work():
        start.wait()
        try:
            troubles.append(evaluate(at=0).troubled)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    evaluate(at=0)
    assert troubles == [0, 0, 0, 0]
    assert (Episode.objects.count(), Delivery.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_a_rule_that_somebody_holds_is_left_to_the_next_call(make_rule, evaluate):
    held, other = make_rule("held"), make_rule("other")
    failures(0)

    def hold():
        with transaction.atomic():
            Rule.objects.select_for_update().get(pk=held.pk)
            holding.set()
            done.wait(10)
        connection.close()

    holding, done = threading.Event(), threading.Event()
    holder = threading.Thread(target=hold)
    holder.start()
    holding.wait(10)
    evaluate(at=0)
    assert Episode.objects.get().rule == other
    done.set()
    holder.join()
    evaluate(at=0)
    assert Episode.objects.filter(rule=held).count() == 1
