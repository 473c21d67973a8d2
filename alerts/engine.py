"""The evaluator: which episodes the matches of one group make. Pure; live evaluation, preview and tests share it.

**What is true.** At an instant t a group is *over* when at least `threshold` of its matches occurred within
[t − window, t], in event time. An episode is a longest stretch in which the group is over, interruptions of at most
`keep_firing` included. It fires when it is first over and closes `keep_firing` after it was last over.

A rule may count different values of a field instead: each is in the window as long as the last match that has it, and
the same holds of the last matches of the values (`windows.Values`).

The n-th match and the (n − threshold + 1)-th before it, if they lie within one window, make the group over
from the former until the latter leaves the window: so episodes are unions of such *spans*, a match that arrives
late only ever adds spans, and the spans that new matches touch can be recounted from the matches near them.

**What is told.** Stored episodes only grow; one that was announced is never taken back. A late match may let two
of them meet (both stay), or show that a group is over again after its episode was resolved (a new episode
begins where the old one ended).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from alerts.windows import Matches, Values

# The key of an episode that is not stored yet.
NEW = None


@dataclass(frozen=True, slots=True)
class Terms:
    """When a rule fires."""

    threshold: int
    window: timedelta
    keep_firing: timedelta
    # Counts the different values of matches instead of the matches.
    distinct: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Match:
    """A matching event: when it occurred (as it is counted), and where it stands in the log."""

    at: datetime
    position: int
    received_at: datetime
    # Of a rule that counts different values.
    value: Hashable = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Episode:
    """What is known of one episode. `key` is the caller's name for a stored one."""

    key: int | None
    # The first match of the window that fired.
    started_at: datetime
    fired_at: datetime
    # Unless more matches come, it is resolved then.
    closes_at: datetime
    last_match_at: datetime
    peak: int
    matches: int
    firing: bool = True
    # Of a rule about a share: the highest in one window, in per cent.
    share: float | None = None
    # Of a rule about a value: the one furthest beyond the limit.
    value: float | None = None

    def holds(self, at: datetime) -> bool:
        return self.started_at <= at <= self.closes_at


@dataclass(frozen=True, slots=True)
class Step:
    """An episode after new matches were seen. `fired` and `resolved` say what is to be announced."""

    episode: Episode
    fired: bool
    resolved: bool


@dataclass(frozen=True, slots=True)
class _Span:
    started_at: datetime
    fired_at: datetime
    closes_at: datetime
    peak: int


def reach(terms: Terms) -> tuple[timedelta, timedelta]:
    """How far before and after the new matches `step` has to see the group's other matches."""
    return terms.window, 2 * terms.window + terms.keep_firing


def step(
    terms: Terms,
    *,
    episodes: Sequence[Episode],
    matches: Sequence[Match],
    fresh: frozenset[int],
    now: datetime,
) -> list[Step]:
    """What new matches change in a group.

    `fresh` holds the positions of the new matches; `matches` them and all others within `reach` of them, sorted;
    `episodes` the stored ones that touch that stretch, and the open one. `now` is the moment up to which the log was read: an episode
    that closes before it is resolved. Unchanged episodes are left out.
    """
    times = [match.at for match in matches]
    arrivals = [match.at for match in matches if match.position in fresh]
    known = [_with_arrivals(episode, arrivals) for episode in episodes]
    for span in _spans(terms, matches, times, arrivals):
        _place(known, span, times, now)
    latest = max((one.closes_at for one in known), default=now)
    steps = [_close(one, firing=one.closes_at >= max(now, latest)) for one in known]
    return [one for one in steps if one.fired or one.resolved or one.episode not in episodes]


_INSTANT = timedelta(microseconds=1)


def _with_arrivals(episode: Episode, arrivals: Sequence[datetime]) -> Episode:
    """New matches count for every episode that holds them."""
    return _recounted(episode, arrivals, episode.started_at, episode.closes_at)


def _recounted(episode: Episode, times: Sequence[datetime], first: datetime, last: datetime) -> Episode:
    """Counts the matches between two instants into an episode."""
    begin, end = bisect_left(times, first), bisect_right(times, last)
    if begin >= end:
        return episode
    latest = max(episode.last_match_at, times[end - 1])
    return replace(episode, matches=episode.matches + end - begin, last_match_at=latest)


def _spans(
    terms: Terms, matches: Sequence[Match], times: Sequence[datetime], arrivals: Sequence[datetime]
) -> Iterator[_Span]:
    """The stretches in which the group is over, as far as new matches have a part in them, in order of time."""
    window = (
        Values(times, [match.value for match in matches], terms.threshold, terms.window)
        if terms.distinct
        else Matches(times, terms.threshold, terms.window)
    )
    for at in _touched(times, arrivals, terms.window):
        held = window.at(at)
        if held.enough_since is not None:
            closes_at = held.enough_since + terms.window + terms.keep_firing
            yield _Span(held.enough_since, at, closes_at, held.count)


def _touched(
    times: Sequence[datetime], arrivals: Sequence[datetime], window: timedelta
) -> Iterator[datetime]:
    """The instants of matches whose window holds a new match, each once."""
    index = 0
    for arrival in arrivals:
        index = max(index, bisect_left(times, arrival))
        end = bisect_right(times, arrival + window)
        while index < end:
            yield times[index]
            index = bisect_right(times, times[index])


def _place(known: list[Episode], span: _Span, times: Sequence[datetime], now: datetime) -> None:
    """Lets the latest episode that the span touches take it in, or begins a new one."""
    touching = [
        index
        for index, one in enumerate(known)
        if span.fired_at <= one.closes_at and span.closes_at >= one.fired_at
    ]
    if not touching:
        known.append(_begin(span, times))
        return
    chosen = max(touching, key=lambda index: (known[index].firing, known[index].closes_at))
    latest = known[chosen]
    if latest.firing or span.closes_at < now or span.closes_at <= latest.closes_at:
        known[chosen] = _grown(latest, span, times)
        return
    # It was announced as resolved, and a match that came late shows that the group is over still, or again.
    begins = max(span.fired_at, latest.closes_at)
    known.append(_begin(replace(span, started_at=begins, fired_at=begins), times))


def _begin(span: _Span, times: Sequence[datetime]) -> Episode:
    empty = Episode(
        key=NEW,
        started_at=span.started_at,
        fired_at=span.fired_at,
        closes_at=span.closes_at,
        last_match_at=times[bisect_right(times, span.closes_at) - 1],
        peak=span.peak,
        matches=0,
    )
    return _recounted(empty, times, span.started_at, span.closes_at)


def _grown(episode: Episode, span: _Span, times: Sequence[datetime]) -> Episode:
    started_at = min(episode.started_at, span.started_at)
    closes_at = max(episode.closes_at, span.closes_at)
    episode = _recounted(episode, times, started_at, episode.started_at - _INSTANT)
    episode = _recounted(episode, times, episode.closes_at + _INSTANT, closes_at)
    return replace(
        episode,
        started_at=started_at,
        fired_at=min(episode.fired_at, span.fired_at),
        closes_at=closes_at,
        peak=max(episode.peak, span.peak),
    )


def _close(episode: Episode, *, firing: bool) -> Step:
    stays = episode.firing and firing
    return Step(
        replace(episode, firing=stays),
        fired=episode.key is NEW,
        resolved=episode.firing and not stays,
    )
