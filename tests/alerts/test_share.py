"""Shares of events: the evaluator against an oracle that counts every window by itself."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.looks import Pane, decide, pane_of, step_of
from alerts.share import Share
from tests.alerts.log import NOON


def seconds(number):
    return timedelta(seconds=number)


def at(number):
    return NOON + seconds(number)


def offset(moment):
    return (moment - NOON).total_seconds()


def share_of(percent, at_least=1, window=60, keep_firing=0):
    return Share(Decimal(percent), at_least, seconds(window), seconds(keep_firing))


def panes_of(share, events):
    """`events`: (second, whether it is a hit)."""
    found = {}
    for second, hit in events:
        total, hits = found.get(pane_of(share, at(second)), (0, 0))
        found[pane_of(share, at(second))] = (total + 1, hits + hit)
    return [Pane(start, *counts) for start, counts in sorted(found.items())]


def truth(share, events, until):
    """(fired, closes, peak, share) of every episode, by counting every window from the events themselves."""
    step, window = step_of(share).total_seconds(), share.window.total_seconds()
    keep = share.keep_firing.total_seconds()
    stretches, instant = [], 0
    while instant <= until:
        inside = [hit for second, hit in events if instant - window <= second < instant]
        if inside and len(inside) >= share.at_least and 100 * sum(inside) > share.percent * len(inside):
            of_all = round(100 * sum(inside) / len(inside), 3)
            if stretches and instant <= stretches[-1][1]:
                last = stretches[-1]
                stretches[-1] = (
                    last[0],
                    instant + step + keep,
                    max(last[2], sum(inside)),
                    max(last[3], of_all),
                )
            else:
                stretches.append((instant, instant + step + keep, sum(inside), of_all))
        instant += step
    return stretches


def decided(share, panes, *moments):
    """The episodes after deciding up to one moment after the other, as live evaluation does."""
    episodes, firing, after = {}, None, at(0) - step_of(share)
    for moment in moments:
        until = pane_of(share, at(moment))
        known = [pane for pane in panes if after - share.window < pane.start < until]
        for one in decide(share, panes=known, current=firing, after=after, until=until):
            key = len(episodes) if one.episode.key is None else one.episode.key
            episodes[key] = replace(one.episode, key=key)
        firing = next((one for one in episodes.values() if one.firing), None)
        after = until
    return list(episodes.values())


@pytest.mark.parametrize(
    ("window", "step"), [(1, 1), (7, 1), (20, 2), (60, 5), (300, 30), (420, 30), (3600, 300), (86_400, 3600)]
)
def test_a_window_is_looked_at_ten_times_while_it_passes(window, step):
    assert step_of(share_of(5, window=window)) == seconds(step)


def test_more_than_the_percentage_is_over_and_just_so_much_is_not():
    share = share_of(50, at_least=2, window=60)
    assert not share.is_over(4, 2)
    assert share.is_over(4, 3)
    assert not share.is_over(1, 1)
    assert share_of("33.3").is_over(3, 1)
    assert not share_of("33.334").is_over(3, 1)


def test_an_episode_fires_when_the_window_is_over_and_ends_when_it_is_not():
    share = share_of(40, at_least=4, window=60)
    events = [(0, False), (1, False), (2, True), (3, True), *((second, False) for second in range(30, 40))]
    [episode] = decided(share, panes_of(share, events), 300)
    assert (offset(episode.fired_at), offset(episode.closes_at)) == (5, 35)
    assert (episode.peak, episode.matches, episode.share) == (2, 2, 50.0)
    assert not episode.firing


def test_silence_is_not_a_share():
    share = share_of(10, window=60)
    [episode] = decided(share, panes_of(share, [(0, True)]), 1000)
    assert offset(episode.closes_at) == 65


EVENTS = st.lists(st.tuples(st.integers(0, 150), st.booleans()), max_size=60)
SHARES = st.builds(
    share_of,
    st.sampled_from(["0", "5", "33.3", "50", "99.9"]),
    st.integers(1, 6),
    st.sampled_from([7, 20, 60, 120]),
    st.sampled_from([0, 3, 30]),
)


@settings(max_examples=300, deadline=None)
@given(share=SHARES, events=EVENTS)
def test_all_at_once_gives_exactly_the_oracles_episodes(share, events):
    found = decided(share, panes_of(share, events), 400)
    assert [(offset(e.fired_at), offset(e.closes_at), e.peak, e.share) for e in found] == truth(
        share, events, 400
    )
    assert not any(episode.firing for episode in found)


@settings(max_examples=300, deadline=None)
@given(share=SHARES, events=EVENTS, moments=st.lists(st.integers(0, 400), max_size=12).map(sorted))
def test_deciding_piece_by_piece_gives_the_same_episodes(share, events, moments):
    panes = panes_of(share, events)
    once, often = decided(share, panes, 400), decided(share, panes, *moments, 400)
    assert often == once
    for episode in often:
        hits = [
            second
            for second, hit in events
            if hit and episode.started_at <= at(second) < episode.last_match_at
        ]
        assert episode.matches == len(hits)
