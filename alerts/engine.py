"""The evaluator: which episodes the matches of one group make. Pure; live evaluation, preview and tests share it.

**What is true.** At an instant t a group is *over* when at least `threshold` of its matches occurred within
[t − window, t], in event time. An episode is a longest stretch in which the group is over, interruptions of at most
`keep_firing` included. It fires when it is first over and closes `keep_firing` after it was last over.

A rule may ask that a group is over for a while (`hold`) before it fires. It is *pending* until it was so without interruption; then
it fires, and from then on interruptions are included. A stretch that ends before has *lapsed*: nobody is told of it, and it is kept only
since a late match may join it with its neighbours.

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
    # A group is over for so long, without interruption, before it fires.
    hold: timedelta = timedelta()


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
    # Of what is pending: when it fires, unless it closes before.
    fired_at: datetime
    # Unless more matches come, it is resolved then.
    closes_at: datetime
    last_match_at: datetime
    peak: int
    matches: int
    firing: bool = True
    # Over, but not for long enough yet; or never, and over no more.
    pending: bool = False
    lapsed: bool = False
    # Of a rule about a share: the highest in one window, in per cent.
    share: float | None = None
    # Of a rule about a value: the one furthest beyond the limit.
    value: float | None = None

    def holds(self, at: datetime) -> bool:
        return self.started_at <= at <= self.closes_at

    @property
    def lasts(self) -> bool:
        """Whether it was over for long enough to fire, now or as soon as the time is up."""
        return not self.pending or self.closes_at >= self.fired_at


@dataclass(frozen=True, slots=True)
class Step:
    """An episode after new matches were seen. `fired` and `resolved` say what is to be announced."""

    episode: Episode
    fired: bool
    resolved: bool
    # Keys of stored ones that were never told of and are part of this one now.
    absorbed: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Span:
    """A stretch in which the group is over: from `fired_at` to `ends_at`."""

    started_at: datetime
    fired_at: datetime
    ends_at: datetime
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
        _place(terms, known, span, times, now)
    absorbed = _join(terms, known, times, now) if terms.hold else {}
    latest = max((one.closes_at for one in known if not one.pending or _is_ripe(one, now)), default=now)
    steps = [_close(one, absorbed.get(id(one), ()), now=now, latest=latest) for one in known]
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
            yield _Span(held.enough_since, at, held.enough_since + terms.window, held.count)


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


def _place(terms: Terms, known: list[Episode], span: _Span, times: Sequence[datetime], now: datetime) -> None:
    """Lets the latest episode that the span touches take it in, or begins a new one."""
    closes_at = _closing(terms, span.ends_at, lasts=span.ends_at - span.fired_at >= terms.hold)
    touching = [
        index
        for index, one in enumerate(known)
        if span.fired_at <= one.closes_at and closes_at >= one.fired_at - terms.hold
    ]
    if not touching:
        empty = _Span(span.started_at, span.fired_at + terms.hold, closes_at, span.peak)
        known.append(_begin(empty, times, pending=bool(terms.hold)))
        return
    chosen = max(
        touching, key=lambda index: (known[index].firing, known[index].pending, known[index].closes_at)
    )
    latest = known[chosen]
    if latest.firing or latest.pending or closes_at < now or closes_at <= latest.closes_at:
        known[chosen] = _grown(terms, latest, span, times)
        return
    # It was announced as resolved, and a match that came late shows that the group is over still, or again.
    begins = max(span.fired_at, latest.closes_at)
    goes_on = _closing(terms, span.ends_at, lasts=True)
    known.append(_begin(_Span(begins, begins, goes_on, span.peak), times, pending=False))


def _begin(span: _Span, times: Sequence[datetime], *, pending: bool) -> Episode:
    """From when it fires until it closes."""
    empty = Episode(
        key=NEW,
        started_at=span.started_at,
        fired_at=span.fired_at,
        closes_at=span.ends_at,
        last_match_at=times[bisect_right(times, span.ends_at) - 1],
        peak=span.peak,
        matches=0,
        firing=not pending,
        pending=pending,
    )
    return _recounted(empty, times, span.started_at, span.ends_at)


def _grown(terms: Terms, episode: Episode, span: _Span, times: Sequence[datetime]) -> Episode:
    started_at = min(episode.started_at, span.started_at)
    fired_at = min(episode.fired_at, span.fired_at + terms.hold)
    over_until = max(_over_until(terms, episode), span.ends_at)
    lasts = episode.lasts or over_until >= fired_at
    closes_at = max(episode.closes_at, _closing(terms, over_until, lasts=lasts))
    episode = _recounted(episode, times, started_at, episode.started_at - _INSTANT)
    episode = _recounted(episode, times, episode.closes_at + _INSTANT, closes_at)
    return replace(
        episode,
        started_at=started_at,
        fired_at=fired_at,
        closes_at=closes_at,
        peak=max(episode.peak, span.peak),
        lapsed=False,
    )


def _closing(terms: Terms, over_until: datetime, *, lasts: bool) -> datetime:
    """When it closes that is over until an instant: one that never was for long enough, at once."""
    return over_until + terms.keep_firing if lasts else over_until


def _over_until(terms: Terms, episode: Episode) -> datetime:
    return episode.closes_at - terms.keep_firing if episode.lasts else episode.closes_at


def _join(
    terms: Terms, known: list[Episode], times: Sequence[datetime], now: datetime
) -> dict[int, tuple[int, ...]]:
    """Makes one of those that touch by now, as far as nobody was told of both; which stored ones each has absorbed, by its identity."""
    absorbed: dict[int, tuple[int, ...]] = {}
    known.sort(key=lambda one: (one.fired_at, one.closes_at))
    index = 0
    while index + 1 < len(known):
        first, second = known[index], known[index + 1]
        apart = second.fired_at - terms.hold > first.closes_at
        if apart or _stay_two(first, second, now):
            if not apart:
                known[index + 1] = _going_on(terms, second, first)
                absorbed[id(known[index + 1])] = absorbed.pop(id(second), ())
            index += 1
            continue
        joined = _joined(terms, first, second, times)
        gone = [one.key for one in (first, second) if one.key is not NEW and one.key != joined.key]
        absorbed[id(joined)] = (*absorbed.pop(id(first), ()), *absorbed.pop(id(second), ()), *gone)
        known[index : index + 2] = [joined]
        index = max(0, index - 1)
    return absorbed


def _stay_two(first: Episode, second: Episode, now: datetime) -> bool:
    """Whether both were told already, or the first was told to be over."""
    if first.pending:
        return False
    return not second.pending or (not first.firing and second.closes_at >= now)


def _going_on(terms: Terms, second: Episode, first: Episode) -> Episode:
    """What is over since before the first one ended begins there, at the latest."""
    closes_at = _closing(terms, _over_until(terms, second), lasts=True)
    fired_at = min(second.fired_at, first.closes_at)
    return replace(second, fired_at=fired_at, closes_at=max(fired_at, closes_at))


def _joined(terms: Terms, first: Episode, second: Episode, times: Sequence[datetime]) -> Episode:
    kept = second if first.pending and (not second.pending or first.key is NEW) else first
    fired_at = min(first.fired_at, second.fired_at)
    over_until = max(_over_until(terms, first), _over_until(terms, second))
    both = bisect_right(times, min(first.closes_at, second.closes_at)) - bisect_left(times, second.started_at)
    lasts = first.lasts or second.lasts or over_until >= fired_at
    last = max(first.closes_at, second.closes_at)
    closes_at = max(last, _closing(terms, over_until, lasts=lasts))
    joined = replace(
        kept,
        started_at=min(first.started_at, second.started_at),
        fired_at=fired_at,
        closes_at=closes_at,
        last_match_at=max(first.last_match_at, second.last_match_at),
        peak=max(first.peak, second.peak),
        matches=first.matches + second.matches - max(0, both),
        lapsed=False,
    )
    return _recounted(joined, times, last + _INSTANT, closes_at)


def _is_ripe(episode: Episode, now: datetime) -> bool:
    return episode.pending and episode.lasts and episode.fired_at <= now


def _close(episode: Episode, absorbed: tuple[int, ...], *, now: datetime, latest: datetime) -> Step:
    told = not episode.pending or _is_ripe(episode, now)
    ends = episode.closes_at < (max(now, latest) if told else now)
    return replace(settle(episode, ends=ends, now=now), absorbed=absorbed)


def settle(episode: Episode, *, ends: bool, now: datetime) -> Step:
    """What is to be announced of an episode at a moment, by which it `ends` or does not."""
    ripe = _is_ripe(episode, now)
    if episode.pending and not ripe:
        return Step(replace(episode, lapsed=ends and not episode.lasts), fired=False, resolved=False)
    was_open = episode.firing or ripe
    return Step(
        replace(episode, pending=False, lapsed=False, firing=was_open and not ends),
        fired=ripe or episode.key is NEW,
        resolved=was_open and ends,
    )
