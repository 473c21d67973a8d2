"""Rules whose groups have to be over for a while before anybody is told: pending, fired, lapsed, and shown."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from access.models import Delivery
from alerts import episodes
from alerts.channels import ChannelSpec, create_channel
from alerts.errors import InvalidRule
from alerts.models import Episode, Evidence
from alerts.rule_spec import RuleSpec
from alerts.rule_tests import run_tests
from alerts.rules import edit_rule, pause_rule
from tests.alerts.log import NOON, Sent, store

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


@pytest.fixture
def rule(make_rule, channel):
    return make_rule(
        threshold=2, window_seconds=60, for_seconds=100, group_by=["node_id"], channels=[channel.pk]
    )


def states():
    return list(Episode.everything.order_by("pk").values_list("state", flat=True))


def test_a_group_is_pending_and_tells_nobody_until_it_was_over_for_long_enough(rule, evaluate, channel):
    failures(0, 10, 50, 60, 90)
    evaluate(at=90)
    [pending] = Episode.everything.all()
    assert (pending.state, pending.number, pending.fired_at) == ("pending", None, at(110))
    assert not Episode.objects.exists()
    assert not Delivery.objects.exists()
    evaluate(at=109)
    assert states() == ["pending"]
    evaluate(at=111)
    episode = Episode.objects.get()
    assert (episode.pk, episode.state, episode.number) == (pending.pk, "firing", 1)
    assert (episode.started_at, episode.fired_at, episode.closes_at) == (at(0), at(110), at(120))
    assert episode.matches == 5
    assert Delivery.objects.get().message_id == f"episode-{episode.pk}-firing-{channel.pk}"
    assert episode.evidence.count() == 5


def test_it_fires_by_the_passing_of_time_and_resolves_after_the_last_window(rule, evaluate):
    failures(0, 10, 50, 60, 100, 105)
    evaluate(at=105)
    evaluate(at=120)
    assert Episode.objects.get().state == "firing"
    evaluate(at=161)
    assert (Episode.objects.get().state, Episode.objects.get().closes_at) == ("resolved", at(160))


def test_what_is_over_before_has_lapsed_and_nobody_ever_hears_of_it(rule, evaluate):
    failures(0, 10)
    evaluate(at=10)
    evaluate(at=61)
    assert states() == ["lapsed"]
    assert not Delivery.objects.exists()
    # It is not looked at again.
    assert evaluate(at=300).passes == 0


def test_a_late_event_joins_what_had_lapsed_with_what_followed(rule, evaluate):
    failures(0, 10)
    evaluate(at=65)
    failures(75, 80, 130)
    evaluate(at=131)
    assert states() == ["lapsed", "pending"]
    failures(30, 60, arrive=132)
    evaluate(at=132)
    # Over from 10 to 120 now, and from 80 on: without interruption since 10.
    [episode] = Episode.objects.all()
    assert (episode.started_at, episode.fired_at, episode.closes_at) == (at(0), at(110), at(140))
    assert states() == ["firing"]
    assert episode.evidence.count() == episode.matches == 7


def test_evidence_of_what_was_joined_is_kept_once(rule, evaluate):
    failures(0, 10)
    evaluate(at=65)
    failures(66, 68)
    evaluate(at=69)
    failures(40, arrive=70)
    evaluate(at=70)
    assert states() == ["pending"]
    positions = list(Evidence.objects.order_by("position").values_list("position", flat=True))
    assert positions == [1, 2, 3, 4, 5]


def test_what_fired_goes_on_over_interruptions_that_keep_firing_covers(make_rule, evaluate):
    make_rule(threshold=2, window_seconds=60, for_seconds=40, keep_firing_seconds=30)
    failures(0, 10, 80, 85)
    evaluate(at=86)
    [episode] = Episode.objects.all()
    assert (episode.fired_at, episode.state, episode.closes_at) == (at(50), "firing", at(170))
    assert episode.recovering
    evaluate(at=200)
    failures(400, 401)
    evaluate(at=402)
    assert states() == ["resolved", "pending"]


def test_a_share_has_to_stay_too_high(make_rule, evaluate):
    hits = {"field": "error_code", "op": "exists", "value": True}
    make_rule(kind="share", hits=hits, percent=50, threshold=2, window_seconds=20, for_seconds=30)
    failures(0, 1, error_code="E")
    evaluate(at=80)
    assert states() == []
    failures(*range(100, 160, 5), error_code="E")
    for moment in range(100, 240, 10):
        evaluate(at=moment)
    [episode] = Episode.objects.all()
    assert (episode.fired_at, episode.closes_at) == (at(136), at(172))
    assert episode.state == "resolved"


def test_an_edit_makes_what_is_pending_begin_anew(rule, evaluate, actor):
    failures(0, 10)
    evaluate(at=10)
    spec = RuleSpec(**{**vars_of(rule), "for_seconds": 20})
    edit_rule(actor=actor, rule_id=rule.pk, spec=spec)
    assert states() == []
    failures(30)
    evaluate(at=30)
    assert [one.fired_at for one in Episode.everything.all()] == [at(50)]


def vars_of(rule):
    rule.refresh_from_db()
    spec = RuleSpec.of(rule)
    return {name: getattr(spec, name) for name in spec.__dataclass_fields__}


def test_pausing_forgets_what_is_pending(rule, evaluate, actor):
    failures(0, 10)
    evaluate(at=10)
    pause_rule(actor=actor, rule_id=rule.pk)
    assert states() == []


def test_pending_groups_count_for_the_limit(rule, evaluate, settings):
    settings.ALERT_MAX_GROUPS = 2
    for name in ("a", "b", "c"):
        failures(0, 10, node_id=name)
    evaluate(at=10)
    assert states() == ["pending"] * 2
    rule.refresh_from_db()
    assert "1 groups were left out" in rule.problem


def test_what_lapsed_is_forgotten_once_no_late_event_can_join_it(rule, evaluate):
    failures(0, 10)
    evaluate(at=100)
    assert episodes.forget_lapsed(at(200)) == 0
    assert episodes.forget_lapsed(at(200) + timedelta(days=2)) == 1


@pytest.mark.parametrize("kind", ["new", "absence"])
def test_kinds_that_fire_at_once_have_no_such_time(make_rule, kind):
    with pytest.raises(InvalidRule) as refused:
        make_rule(kind=kind, remember_days=3, group_by=["node_id"], for_seconds=10)
    assert refused.value.facts["pointer"] == "/for_seconds"


def test_what_fired_has_a_number_in_the_database(rule, evaluate):
    failures(0, 10)
    evaluate(at=10)
    with pytest.raises(Exception, match="what_fired_has_a_number"), connection.cursor() as cursor:
        cursor.execute("UPDATE alerts_episode SET state = 'firing'")


def test_the_api_says_what_is_pending_and_why(owner, make_rule, evaluate):
    now = timezone.now()
    rule = make_rule(threshold=2, window_seconds=60, for_seconds=300, group_by=["node_id"])
    store(Sent(occurred_at=now - timedelta(seconds=ago)) for ago in (5, 20))
    evaluate(at=now)
    answer = owner.api.get(f"/api/v1/alerts/rules/{rule.pk}").json()
    assert (answer["state"], answer["pending"], answer["firing"]) == ("pending", 1, 0)
    assert answer["edition"]["for_seconds"] == 300
    assert owner.api.get("/api/v1/alerts/episodes").json()["items"] == []
    found = owner.api.get(f'/api/v1/alerts/rules/{rule.pk}/explain?group={{"node_id":"n1"}}').json()
    assert (found["pending"]["state"], found["pending"]["matches"]) == ("pending", 2)
    assert any("It is pending" in one and "if it lasts for 5 min" in one for one in found["sentences"])
    page = owner.browser.get(f"/alerts/rules/{rule.pk}").content.decode()
    assert "Fires, if it lasts" in page
    assert "2 within 1 min, for 5 min" in page


def test_a_test_of_a_rule_waits_for_it_as_well():
    def event(name, second):
        return {
            "event_id": name,
            "event_type": "NODE_FAILURE",
            "node_id": "n1",
            "timestamp": at(second).isoformat(),
            "metadata": {},
        }

    [outcome] = run_tests(
        {
            "rule": {
                "selector": {"field": "event_type", "op": "eq", "value": "NODE_FAILURE"},
                "threshold": 2,
                "window_seconds": 60,
                "for_seconds": 100,
            },
            "tests": [
                {
                    "events": [event(str(n), second) for n, second in enumerate((0, 10, 50, 60, 300, 301))],
                    "expect": [{"fired_at": at(110).isoformat(), "matches": 4}],
                }
            ],
        }
    )
    assert outcome.differences == ()
