"""Far more, or fewer, events than in the windows before: the judge, live, and the other ways to try it."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from alerts.backtest import start_backtest
from alerts.change import Change
from alerts.looks import Pane, decide, pane_of, step_of
from alerts.models import Episode
from alerts.preview import preview
from alerts.rule_spec import RuleSpec
from tests.alerts.conftest import FAILURES
from tests.alerts.log import NOON, Sent, store

pytestmark = pytest.mark.django_db
SPIKE = {
    "kind": "change",
    "factor": 3,
    "compare": "above",
    "baseline_windows": 4,
    "threshold": 5,
    "window_seconds": 60,
}
DROP = {**SPIKE, "compare": "below", "factor": 2}


def at(second):
    return NOON + timedelta(seconds=second)


def fail(*seconds, node="n1"):
    store(Sent(node_id=node, occurred_at=at(one)) for one in seconds)


def every(step, first, last):
    return tuple(range(first, last, step))


@pytest.mark.parametrize(
    ("below", "now", "before", "over"),
    [
        (False, 7, 8, True),
        (False, 6, 8, False),
        (False, 4, 1, False),
        (False, 5, 1, True),
        (True, 4, 40, True),
        (True, 0, 40, True),
        (True, 5, 40, False),
        (True, 0, 19, False),
    ],
)
def test_it_is_over_beyond_the_factor_where_there_are_enough(below, now, before, over):
    change = Change(Decimal(2 if below else 3), below, 4, 5, timedelta(seconds=60), timedelta())
    assert change.is_over(now, before) is over


def test_a_spike_is_told_behind_the_watermark_once_it_is_known_what_is_usual(make_rule, evaluate):
    make_rule(**SPIKE)
    fail(*every(20, 0, 300))
    evaluate(at=300)
    fail(*every(4, 300, 360))
    evaluate(at=390)
    episode = Episode.objects.get()
    assert (episode.state, episode.fired_at) == ("firing", at(335))
    assert (episode.peak, episode.value) == (15, 5.0)
    fail(*every(20, 360, 600))
    evaluate(at=600)
    episode.refresh_from_db()
    assert episode.state == "resolved"


def test_before_it_is_known_what_is_usual_nothing_is_told(make_rule, evaluate):
    make_rule(**SPIKE)
    fail(0, *every(2, 60, 120))
    evaluate(at=200)
    assert not Episode.objects.exists()


def test_a_drop_to_nothing_is_seen_as_long_as_it_is_known_what_was_usual(make_rule, evaluate):
    make_rule(**DROP)
    fail(*every(5, 0, 300))
    evaluate(at=400)
    episode = Episode.objects.get()
    assert (episode.state, episode.value) == ("firing", 0.0)
    assert at(300) < episode.fired_at <= at(345)
    evaluate(at=1_000)
    episode.refresh_from_db()
    assert episode.state == "resolved"


def test_groups_are_compared_with_themselves(make_rule, evaluate):
    make_rule(**{**SPIKE, "group_by": ("node_id",)})
    fail(*every(3, 0, 420))
    fail(*every(30, 0, 360), *every(2, 360, 420), node="n2")
    evaluate(at=460)
    assert Episode.objects.get().group == {"node_id": "n2"}


@pytest.mark.parametrize(
    ("said", "pointer"),
    [
        ({"factor": 1}, "/factor"),
        ({"factor": 1.0001}, "/factor"),
        ({"factor": None}, "/factor"),
        ({"baseline_windows": 0}, "/baseline_windows"),
        ({"baseline_windows": 101}, "/baseline_windows"),
        ({"baseline_windows": 100, "window_seconds": 86_400}, "/baseline_windows"),
        ({"compare": None}, "/compare"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(owner, said, pointer):
    said = {"name": "x", "selector": FAILURES, **SPIKE, **said}
    answer = owner.api.post("/api/v1/alerts/rules", said, format="json")
    assert answer.status_code == 422, answer.json()
    assert pointer in answer.content.decode(), answer.json()


def test_a_preview_and_a_backtest_find_what_was_told_live(make_rule, evaluate, actor, owner):
    rule = make_rule(**SPIKE)
    fail(*every(20, 0, 300), *every(4, 300, 360))
    evaluate(at=1_000)
    live = Episode.objects.get()
    spec = RuleSpec(name="x", selector=FAILURES, **SPIKE)
    [shown] = preview(actor=actor, spec=spec).shown
    assert (shown.episode.fired_at, shown.episode.closes_at) == (live.fired_at, live.closes_at)
    [found] = start_backtest(actor=actor, spec=spec).result["shown"]
    assert (found["fired_at"], found["value"]) == (live.fired_at.isoformat(), live.value)
    page = owner.browser.get(f"/alerts/rules/{rule.pk}").content.decode()
    assert "more than 3 times as many within 1 min as in each of the 4 windows before on average" in page


EVENTS = st.lists(st.integers(0, 200), max_size=80)


@hypothesis_settings(max_examples=200, deadline=None)
@given(
    events=EVENTS, below=st.booleans(), factor=st.sampled_from(["1.5", "2", "3"]), enough=st.integers(1, 4)
)
def test_it_is_over_at_exactly_the_instants_at_which_counting_says_so(events, below, factor, enough):
    change = Change(Decimal(factor), below, 3, enough, timedelta(seconds=20), timedelta())
    counts: dict = {}
    for second in events:
        counts[pane_of(change, at(second))] = counts.get(pane_of(change, at(second)), 0) + 1
    panes = [Pane(start, total, total) for start, total in sorted(counts.items())]
    found = [one.episode for one in decide(change, panes=panes, current=None, after=at(0), until=at(400))]
    step = int(step_of(change).total_seconds())
    for instant in range(step, 400, step):
        now = sum(instant - 20 <= second < instant for second in events)
        before = sum(instant - 80 <= second < instant - 20 for second in events)
        if below:
            over = before >= 3 * enough and 3 * now * Decimal(factor) < before
        else:
            over = before > 0 and now >= enough and 3 * now > Decimal(factor) * before
        inside = any(one.fired_at <= at(instant) < one.closes_at for one in found)
        assert inside == over, instant
