"""The evaluator against an oracle that looks at every half second of a small world."""

from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.engine import Match, Terms, reach, step
from tests.alerts.log import NOON


def seconds(number):
    return timedelta(seconds=number)


def at(number):
    return NOON + seconds(number)


def offset(moment):
    return (moment - NOON).total_seconds()


def terms_of(threshold, window, keep_firing, hold=0):
    return Terms(threshold, seconds(window), seconds(keep_firing), hold=seconds(hold))


def truth(terms, times):
    """(fired, closes, peak) of every episode, by looking at every half second."""
    window, keep = terms.window.total_seconds(), terms.keep_firing.total_seconds()
    end = int(max(times, default=0) + window) + 2
    counts = {t / 2: sum(t / 2 - window <= one <= t / 2 for one in times) for t in range(2 * end)}
    return stretches_of(counts, terms.threshold, keep, terms.hold.total_seconds())


def stretches_of(counts, threshold, keep, hold=0):
    over = [t for t, count in counts.items() if count >= threshold]
    stretches = []
    for t in over:
        if stretches and t - stretches[-1][1] <= 0.5:
            stretches[-1][1] = t
        else:
            stretches.append([t, t])
    episodes = []
    for begin, end in stretches:
        if episodes and begin - episodes[-1][1] <= keep:
            episodes[-1][1] = end
        elif end - begin >= hold:
            episodes.append([begin, end])
    return [(a + hold, b + keep, max(counts[t] for t in over if a <= t <= b)) for a, b in episodes]


def truth_of_values(terms, sent):
    """As `truth`, of (time, value): how many different values each half second sees."""
    window, keep = terms.window.total_seconds(), terms.keep_firing.total_seconds()
    end = int(max((time for time, _ in sent), default=0) + window) + 2
    counts = {
        t / 2: len({value for one, value in sent if t / 2 - window <= one <= t / 2}) for t in range(2 * end)
    }
    return stretches_of(counts, terms.threshold, keep)


class Group:
    """What `evaluate.py` does with one group, without a database."""

    def __init__(self, terms):
        self.terms, self.stored, self.log, self.announced = terms, {}, [], []
        self.keys = count()

    def receive(self, times, now, values=None):
        values = values or [None] * len(times)
        new = [
            Match(at(t), len(self.log) + index, at(now), value)
            for index, (t, value) in enumerate(zip(times, values, strict=True))
        ]
        self.log += new
        steps = self._step(sorted(new), now) if new else self._step([], now)
        for one in steps:
            for gone in one.absorbed:
                assert self.stored.pop(gone).pending
            key = next(self.keys) if one.episode.key is None else one.episode.key
            self.stored[key] = replace(one.episode, key=key)
            self.announced += [("firing", key)] * one.fired + [("resolved", key)] * one.resolved

    def _step(self, new, now):
        if not new:
            open_ones = [one for one in self.stored.values() if one.firing or one.pending]
            return step(self.terms, episodes=open_ones, matches=[], fresh=frozenset(), now=at(now))
        before, after = reach(self.terms)
        first, last = new[0].at - before, new[-1].at + after
        return step(
            self.terms,
            episodes=[
                e
                for e in self.stored.values()
                if e.firing or (e.closes_at >= first and (self.terms.hold or e.started_at <= last))
            ],
            matches=sorted(m for m in self.log if first <= m.at <= last),
            fresh=frozenset(match.position for match in new),
            now=at(now),
        )

    @property
    def episodes(self):
        fired = (one for one in self.stored.values() if not one.pending)
        return sorted(fired, key=lambda one: one.fired_at)


def arriving(group, arrivals, sizes, looks):
    """The moments at which the group has received the next few of (time, delay), and at last the one at which all is over."""
    queue = sorted(arrivals, key=sum)
    while queue:
        size = sizes.pop() if sizes else 1
        batch, queue = queue[:size], queue[size:]
        now = sum(batch[-1])
        group.receive([time for time, _ in batch], now=now)
        if looks and looks.pop():
            group.receive([], now=now)
        yield now
    group.receive([], now=1000)
    yield 1000


def merged(stretches):
    """The union of stretches, as a list of disjoint ones."""
    union = []
    for begin, end in sorted(stretches):
        if union and begin <= union[-1][1]:
            union[-1][1] = max(union[-1][1], end)
        else:
            union.append([begin, end])
    return union


@pytest.mark.parametrize(
    ("terms", "times", "episodes"),
    [
        (terms_of(1, 10, 0), [5], [(5, 15, 1)]),
        (terms_of(3, 10, 0), [0, 5, 10], [(10, 10, 3)]),
        (terms_of(3, 10, 0), [0, 5, 11], []),
        (terms_of(2, 10, 0), [0, 0], [(0, 10, 2)]),
        (terms_of(2, 10, 0), [0, 4, 30, 33], [(4, 10, 2), (33, 40, 2)]),
        (terms_of(2, 10, 25), [0, 4, 30, 33], [(4, 65, 2)]),
        (terms_of(2, 10, 0), [0, 4, 9, 12], [(4, 19, 3)]),
    ],
)
def test_episodes_of_a_stream_that_arrives_in_order(terms, times, episodes):
    group = Group(terms)
    for time in times:
        group.receive([time], now=time)
    group.receive([], now=1000)
    assert [(offset(e.fired_at), offset(e.closes_at), e.peak) for e in group.episodes] == episodes
    assert not any(e.firing for e in group.episodes)


def test_an_episode_is_announced_when_it_fires_and_once_more_when_it_resolves():
    group = Group(terms_of(2, 10, 0))
    for time in (0, 1, 2, 3):
        group.receive([time], now=time)
    assert group.announced == [("firing", 0)]
    group.receive([], now=12)
    assert group.announced == [("firing", 0)]
    group.receive([], now=13)
    assert group.announced == [("firing", 0), ("resolved", 0)]


def test_a_late_match_fires_an_episode_of_the_past_while_another_is_open():
    group = Group(terms_of(2, 10, 0))
    group.receive([0], now=0)
    group.receive([100, 101], now=101)
    group.receive([3], now=102)
    assert [(offset(e.fired_at), e.firing) for e in group.episodes] == [(3, False), (101, True)]
    assert group.announced == [("firing", 0), ("firing", 1), ("resolved", 1)]


def test_late_matches_that_prove_a_resolved_group_over_open_an_episode_where_the_old_one_ended():
    group = Group(terms_of(2, 10, 0))
    group.receive([0, 1], now=1)
    group.receive([], now=11)
    group.receive([9, 10], now=12)
    assert [(offset(e.fired_at), offset(e.closes_at), e.firing) for e in group.episodes] == [
        (1, 11, False),
        (11, 19, True),
    ]


STREAMS = st.lists(st.integers(0, 60), max_size=25)
TERMS = st.builds(terms_of, st.integers(1, 4), st.integers(1, 12), st.integers(0, 15))


@settings(max_examples=300, deadline=None)
@given(terms=TERMS, times=STREAMS)
def test_one_batch_gives_exactly_the_oracles_episodes(terms, times):
    group = Group(terms)
    group.receive(times, now=1000)
    found = [(offset(e.fired_at), offset(e.closes_at), e.peak) for e in group.episodes]
    assert found == truth(terms, times)


@settings(max_examples=300, deadline=None)
@given(terms=TERMS, times=STREAMS.map(sorted), sizes=st.lists(st.integers(1, 5), max_size=25))
def test_in_order_arrival_gives_exactly_the_oracles_episodes(terms, times, sizes):
    group = Group(terms)
    while times:
        size = sizes.pop() if sizes else 1
        batch, times = times[:size], times[size:]
        group.receive(batch, now=batch[-1])
    group.receive([], now=1000)
    found = [(offset(e.fired_at), offset(e.closes_at), e.peak) for e in group.episodes]
    assert found == truth(terms, sorted(offset(match.at) for match in group.log))


@settings(max_examples=500, deadline=None)
@given(
    terms=TERMS,
    arrivals=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 40)), max_size=25),
    sizes=st.lists(st.integers(1, 5), max_size=25),
    looks=st.lists(st.booleans(), max_size=25),
)
def test_late_matches_lose_and_invent_nothing(terms, arrivals, sizes, looks):
    group = Group(terms)
    for now in arriving(group, arrivals, sizes, looks):
        _check(group, now)


def _check(group, now):
    times = sorted(offset(match.at) for match in group.log)
    expected = truth(group.terms, times)
    episodes = group.episodes
    stored = merged([offset(e.fired_at), offset(e.closes_at)] for e in episodes)
    assert stored == merged([fired, closes] for fired, closes, _ in expected)
    for episode in episodes:
        inside = [t for t in times if episode.holds(at(t))]
        assert episode.matches == len(inside)
        assert offset(episode.last_match_at) == max(inside, default=offset(episode.last_match_at))
    assert [e.firing for e in episodes].count(True) == any(closes >= now for _, closes, _ in expected)
    for fired, closes, peak in expected:
        parts = [e for e in episodes if fired <= offset(e.fired_at) and offset(e.closes_at) <= closes]
        assert max(e.peak for e in parts) == peak
    firings = [key for what, key in group.announced if what == "firing"]
    resolutions = [key for what, key in group.announced if what == "resolved"]
    assert sorted(firings) == sorted(e.key for e in episodes)
    assert sorted(resolutions) == sorted(e.key for e in episodes if not e.firing)


# --- over for a while ---------------------------------------------------------------------------

HELD = st.builds(terms_of, st.integers(1, 3), st.integers(1, 12), st.integers(0, 15), hold=st.integers(1, 25))


@pytest.mark.parametrize(
    ("terms", "times", "episodes"),
    [
        # One match is over as long as the window holds it.
        (terms_of(1, 10, 0, hold=10), [5], [(15, 15, 1)]),
        (terms_of(1, 10, 0, hold=11), [5], []),
        (terms_of(1, 10, 0, hold=11), [5, 15], [(16, 25, 2)]),
        (terms_of(1, 10, 0, hold=11), [5, 16], []),
        # Interruptions are included only once it has fired.
        (terms_of(1, 10, 5, hold=11), [5, 18], []),
        (terms_of(1, 10, 5, hold=11), [5, 15, 28], [(16, 43, 2)]),
        (terms_of(1, 10, 5, hold=11), [5, 15, 31], [(16, 30, 2)]),
    ],
)
def test_a_group_that_has_to_be_over_for_a_while_fires_when_it_was(terms, times, episodes):
    group = Group(terms)
    for time in times:
        group.receive([time], now=time)
    group.receive([], now=1000)
    assert [(offset(e.fired_at), offset(e.closes_at), e.peak) for e in group.episodes] == episodes


def test_it_is_pending_until_then_and_announced_once_the_time_is_up():
    group = Group(terms_of(1, 10, 0, hold=15))
    group.receive([0], now=0)
    group.receive([8], now=8)
    assert [(one.pending, offset(one.fired_at)) for one in group.stored.values()] == [(True, 15)]
    group.receive([], now=14)
    assert group.announced == []
    group.receive([], now=15)
    assert group.announced == [("firing", 0)]
    group.receive([], now=19)
    assert group.announced == [("firing", 0), ("resolved", 0)]


def test_what_ends_before_has_lapsed_and_nobody_hears_of_it():
    group = Group(terms_of(1, 10, 0, hold=15))
    group.receive([0], now=0)
    group.receive([], now=11)
    assert [one.lapsed for one in group.stored.values()] == [True]
    assert group.announced == []


def test_a_late_match_joins_what_had_lapsed_and_fires():
    group = Group(terms_of(1, 10, 0, hold=15))
    group.receive([0, 12], now=12)
    group.receive([], now=23)
    assert [one.lapsed for one in group.stored.values()] == [True, True]
    group.receive([6], now=24)
    assert [(offset(e.fired_at), offset(e.closes_at)) for e in group.episodes] == [(15, 22)]
    assert group.announced == [("firing", 0), ("resolved", 0)]


def test_what_lasts_by_now_reaches_what_had_lapsed_behind_it_from_one_to_the_next():
    group = Group(terms_of(1, 1, 7, hold=2))
    for time, now in ((0, 0), (3, 3), (11, 11), (1, 12)):
        group.receive([time], now=now)
    group.receive([], now=1000)
    assert [(offset(e.fired_at), offset(e.closes_at)) for e in group.episodes] == [(2, 19)]


@settings(max_examples=300, deadline=None)
@given(terms=HELD, times=STREAMS)
def test_with_a_time_to_hold_one_batch_gives_exactly_the_oracles_episodes(terms, times):
    group = Group(terms)
    group.receive(times, now=1000)
    found = [(offset(e.fired_at), offset(e.closes_at), e.peak) for e in group.episodes]
    assert found == truth(terms, times)
    for episode in group.episodes:
        assert episode.matches == sum(episode.holds(match.at) for match in group.log)


@settings(max_examples=500, deadline=None)
@given(terms=HELD, times=STREAMS.map(sorted), sizes=st.lists(st.integers(1, 5), max_size=25))
def test_with_a_time_to_hold_arrival_in_order_gives_exactly_the_oracles_episodes(terms, times, sizes):
    group = Group(terms)
    while times:
        size = sizes.pop() if sizes else 1
        batch, times = times[:size], times[size:]
        group.receive(batch, now=batch[-1])
    group.receive([], now=1000)
    found = [(offset(e.fired_at), offset(e.closes_at), e.peak) for e in group.episodes]
    assert found == truth(terms, sorted(offset(match.at) for match in group.log))


@settings(max_examples=1000, deadline=None)
@given(
    terms=HELD,
    arrivals=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 40)), max_size=25),
    sizes=st.lists(st.integers(1, 5), max_size=25),
    looks=st.lists(st.booleans(), max_size=25),
)
def test_with_a_time_to_hold_late_matches_lose_and_invent_nothing(terms, arrivals, sizes, looks):
    group = Group(terms)
    assert list(arriving(group, arrivals, sizes, looks))[-1] == 1000
    expected = truth(terms, [time for time, _ in arrivals])
    stored = merged([offset(e.fired_at), offset(e.closes_at)] for e in group.episodes)
    assert stored == merged([fired, closes] for fired, closes, _ in expected)
    firings = [key for what, key in group.announced if what == "firing"]
    assert sorted(firings) == sorted(e.key for e in group.episodes)
    assert not any(e.firing for e in group.stored.values())


# --- different values ---------------------------------------------------------------------------

VALUES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.sampled_from("abcde")), max_size=25)


@settings(max_examples=500, deadline=None)
@given(terms=TERMS, sent=VALUES, sizes=st.lists(st.integers(1, 5), max_size=25))
def test_different_values_are_counted_as_the_oracle_counts_them_however_late_they_come(terms, sent, sizes):
    terms = replace(terms, distinct=True)
    group = Group(terms)
    queue = sorted(sent, key=lambda one: one[0] + one[1])
    while queue:
        size = sizes.pop() if sizes else 1
        batch, queue = queue[:size], queue[size:]
        times, _, values = zip(*batch, strict=True)
        group.receive(times, now=sum(batch[-1][:2]), values=values)
    group.receive([], now=1000)
    expected = truth_of_values(terms, [(time, value) for time, _, value in sent])
    stored = merged([offset(e.fired_at), offset(e.closes_at)] for e in group.episodes)
    assert stored == merged([fired, closes] for fired, closes, _ in expected)
    for fired, closes, peak in expected:
        parts = [e for e in group.episodes if fired <= offset(e.fired_at) and offset(e.closes_at) <= closes]
        assert max(e.peak for e in parts) == peak


def test_one_value_however_often_is_one():
    group = Group(replace(terms_of(2, 10, 0), distinct=True))
    group.receive([0, 1, 2], now=2, values="aaa")
    assert group.episodes == []
    group.receive([3], now=3, values="b")
    assert [(offset(e.fired_at), offset(e.closes_at), e.peak) for e in group.episodes] == [(3, 12, 2)]
