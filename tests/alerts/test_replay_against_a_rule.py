"""A replay against a candidate rule: what it matches, when it would have fired, and nobody is told."""

import pytest

from access.models import Delivery
from alerts.errors import InvalidRule
from alerts.models import Episode, Rule
from events.errors import ReplayInvalid
from events.models import Replay
from events.replay_outcomes import counts_of
from events.replay_targets import summary_of
from events.steer_replay import step_replay
from tests.events.replays import begin, play, store

pytestmark = pytest.mark.django_db
FAILURES = {
    "name": "three failures in a minute",
    "selector": {"field": "node_id", "op": "eq", "value": "node-bad"},
    "threshold": 3,
    "window_seconds": 60,
}


@pytest.fixture
def night():
    """Three failures within a minute, two hours later two; in between what went well."""
    store(0.0, 10.0, 20.0, node_id="node-bad")
    store(5.0, 3000.0)
    store(7200.0, 7210.0, node_id="node-bad")
    store(9000.0, node_id="node-bad", late=4000.0)


def against(actor, **changed):
    return begin(actor, kind="rule", rule={**FAILURES, **changed}, speed=0)


def test_which_events_match_and_when_it_would_have_fired(actor, night):
    replay = play(against(actor))
    assert replay.target == "the candidate rule 'three failures in a minute'"
    assert (replay.state, replay.failed) == ("completed", 0)
    assert counts_of(replay) == {"late": 1, "match": 5, "no_match": 2}
    summary = summary_of(replay)
    assert summary["episodes"] == 1
    assert summary["first"] == [{"fired_at": "2026-11-23T09:00:20+00:00", "group": {}, "matches": 3}]
    assert "The rule would have fired once, first at 2026-11-23 09:00:20 UTC." in summary["sentences"]
    assert (Rule.objects.count(), Episode.objects.count(), Delivery.objects.count()) == (0, 0, 0)


def test_another_threshold_fires_again_and_an_impossible_one_never(actor, night):
    assert summary_of(play(against(actor, threshold=2)))["episodes"] == 2
    assert "would not have fired" in summary_of(play(against(actor, threshold=4)))["sentences"][-1]


def test_episodes_are_those_of_what_was_played_so_far(actor, night):
    replay = against(actor)
    step_replay(actor=actor, replay_id=replay.pk, count=3)
    assert summary_of(play(replay))["episodes"] == 0
    step_replay(actor=actor, replay_id=replay.pk)
    assert summary_of(play(replay))["episodes"] == 1


def test_groups_fire_by_themselves(actor):
    store(0.0, 1.0, node_id="node-bad", trace_id="t-1")
    store(2.0, node_id="node-bad", trace_id="t-2")
    replay = play(against(actor, threshold=2, group_by=["trace_id"]))
    assert [one["group"] for one in summary_of(replay)["first"]] == [{"trace_id": "t-1"}]


@pytest.mark.parametrize(
    ("said", "episodes"),
    [
        ({"kind": "distinct", "field": "trace_id", "threshold": 2}, 1),
        ({"kind": "distinct", "field": "node_id", "threshold": 2}, 0),
        (
            {"kind": "sequence", "then": FAILURES["selector"], "within_seconds": 5, "pair_by": ["node_id"]},
            1,
        ),
        (
            {"kind": "missing", "then": FAILURES["selector"], "within_seconds": 5, "pair_by": ["node_id"]},
            1,
        ),
        (
            {
                "kind": "value",
                "field": "sample_rate",
                "function": "sum",
                "compare": "above",
                "limit": 1.5,
                "threshold": 2,
            },
            1,
        ),
    ],
)
def test_every_kind_can_be_played_against(actor, said, episodes):
    store(0.0, node_id="node-bad", trace_id="t-1")
    store(3.0, node_id="node-bad", trace_id="t-2")
    replay = play(against(actor, **{"threshold": 1, **said}))
    assert (replay.state, replay.failed) == ("completed", 0)
    assert summary_of(replay)["episodes"] == episodes


@pytest.mark.parametrize(
    ("rule", "pointer"),
    [
        ({}, "/rule"),
        ({**FAILURES, "colour": "red"}, "/rule/colour"),
        ({**FAILURES, "threshold": "many"}, "/rule/threshold"),
        ({**FAILURES, "threshold": True}, "/rule/threshold"),
        ({**FAILURES, "name": 7}, "/rule/name"),
        ({**FAILURES, "group_by": "node_id"}, "/rule/group_by"),
    ],
)
def test_what_is_no_rule_is_refused_with_its_place(actor, night, rule, pointer):
    with pytest.raises(ReplayInvalid) as refused:
        begin(actor, kind="rule", rule=rule)
    assert refused.value.facts["pointer"] == pointer


def test_what_could_not_be_saved_is_refused_as_saving_would_refuse_it(actor, night):
    with pytest.raises(InvalidRule):
        against(actor, threshold=0)


def test_over_rest_and_on_its_page(owner, night):
    asked = {"correlation_id": "order-1", "to": "rule", "rule": FAILURES, "speed": "max"}
    run = owner.api.post("/api/v1/replays", asked)
    assert run.status_code == 201
    replay = play(Replay.objects.get())
    assert owner.api.get(f"/api/v1/replays/{replay.pk}/outcomes").json()["summary"]["episodes"] == 1
    assert "The rule would have fired once" in owner.browser.get(f"/replays/{replay.pk}").content.decode()
