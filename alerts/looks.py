"""The evaluator of rules that look at whole windows: a share of the events, what a field of theirs amounts to, or how
many more or fewer they are than before. Pure, as `engine` is,
whose steps it gives.

**What is true.** Event time is cut into panes of one `step`, and windows are looked at where panes meet. At such an
instant t a group is *over* when what occurred within [t − window, t) says so; it is over until the next instant. An episode is a
longest stretch in which the group is over, interruptions of at most `keep_firing` included.

**When it is decided.** A late event may take away what made a window too much, so an instant is decided once: when the watermark has
passed it, with the events that had arrived by then. An event that arrives later counts for the instants that are still to come.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from alerts.engine import NEW, Episode, Step
from alerts.numbers import Numbers

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STEPS = (3600, 1800, 900, 600, 300, 120, 60, 30, 15, 10, 5, 2, 1)
# A window is looked at this often at least while it passes, as far as whole seconds allow.
_LOOKS = 10
#: Longer windows are whole minutes, so that not every second of them has a pane of its own.
FINE_WINDOW = timedelta(minutes=2)


@dataclass(frozen=True, slots=True, order=True)
class Pane:
    """How many events of a group occurred within one step, how many of them are hits, and what their field said."""

    start: datetime
    total: int
    hits: int
    numbers: Numbers | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a window amounts to: `count` is what an episode counts, `share` (per cent) or `value` what it is judged by."""

    over: bool
    count: int
    share: float | None = None
    value: float | None = None


class Judge(Protocol):
    """When a rule of this sort fires."""

    @property
    def window(self) -> timedelta: ...

    @property
    def reach(self) -> timedelta:
        """How far back it looks: the window, and what is before it as far as that matters."""
        ...

    @property
    def keep_firing(self) -> timedelta: ...

    def read(self, panes: Sequence[Pane], at: datetime) -> Reading:
        """Of the panes within reach of an instant, of which there is one at least."""
        ...

    def counted(self, pane: Pane) -> int:
        """How many of a pane's events an episode counts."""
        ...

    def further(self, one: float, other: float) -> float:
        """The value that is further beyond the limit."""
        ...


def step_of(judge: Judge) -> timedelta:
    """The longest whole step that divides the window and looks at it ten times while it passes."""
    window = int(judge.window.total_seconds())
    fits = (step for step in _STEPS if window % step == 0 and step * _LOOKS <= window)
    return timedelta(seconds=next(fits, 1))


def pane_of(judge: Judge, moment: datetime) -> datetime:
    """The begin of the pane that a moment lies in; the last instant that is not after it."""
    return moment - (moment - _EPOCH) % step_of(judge)


@dataclass(frozen=True, slots=True)
class _Look:
    at: datetime
    reading: Reading


def decide(
    judge: Judge, *, panes: Sequence[Pane], firing: Episode | None, after: datetime, until: datetime
) -> list[Step]:
    """What the instants after one and up to another make of a group; both are instants themselves.

    `panes` are those of the group from `after` − reach + step on, in order of time; `firing` is its open episode.
    Unchanged episodes are left out.
    """
    episodes, current = [], firing
    for look in _looks(judge, panes, after, until):
        if not look.reading.over:
            continue
        if current is None or look.at > current.closes_at:
            episodes.append(current)
            current = _begin(judge, look)
        else:
            current = _grown(judge, current, panes, look)
    steps = [_step(one, ends=True) for one in episodes if one is not None]
    if current is not None:
        steps.append(_step(current, ends=current.closes_at <= until))
    return [one for one in steps if one.fired or one.resolved or one.episode != firing]


def _looks(judge: Judge, panes: Sequence[Pane], after: datetime, until: datetime) -> Iterator[_Look]:
    """Every instant at which the window holds something."""
    step = step_of(judge)
    at, first, end = after + step, 0, 0
    while at <= until:
        while end < len(panes) and panes[end].start < at:
            end += 1
        while first < end and panes[first].start < at - judge.reach:
            first += 1
        if first < end:
            yield _Look(at, judge.read(panes[first:end], at))
            at += step
        elif end < len(panes):
            at = panes[end].start + step
        else:
            return


def _begin(judge: Judge, look: _Look) -> Episode:
    return Episode(
        key=NEW,
        started_at=look.at - judge.window,
        fired_at=look.at,
        closes_at=look.at + step_of(judge) + judge.keep_firing,
        last_match_at=look.at,
        peak=look.reading.count,
        matches=look.reading.count,
        share=look.reading.share,
        value=look.reading.value,
    )


def _grown(judge: Judge, episode: Episode, panes: Sequence[Pane], look: _Look) -> Episode:
    step, reading = step_of(judge), look.reading
    since = episode.closes_at - step - judge.keep_firing
    counted = sum(judge.counted(pane) for pane in panes if since <= pane.start < look.at)
    return replace(
        episode,
        closes_at=max(episode.closes_at, look.at + step + judge.keep_firing),
        last_match_at=look.at,
        peak=max(episode.peak, reading.count),
        matches=episode.matches + counted,
        share=None if reading.share is None else max(episode.share or 0.0, reading.share),
        value=_furthest(judge, episode.value, reading.value),
    )


def _furthest(judge: Judge, before: float | None, now: float | None) -> float | None:
    if before is None or now is None:
        return now
    return judge.further(before, now)


def _step(episode: Episode, *, ends: bool) -> Step:
    return Step(
        replace(episode, firing=episode.firing and not ends),
        fired=episode.key is NEW,
        resolved=episode.firing and ends,
    )
