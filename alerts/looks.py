"""The evaluator of rules that look at whole windows: a share of the events, what a field of theirs amounts to, or how
many more or fewer they are than before. Pure, as `engine` is,
whose steps it gives.

**What is true.** Event time is cut into panes of one `step`, and windows are looked at where panes meet. At such an
instant t a group is *over* when what occurred within [t − window, t) says so; it is over until the next instant. An episode is a
longest stretch in which the group is over, interruptions of at most `keep_firing` included. Where it has to be over for a while (`hold`), it is
pending first, as in `engine`.

**When it is decided.** A late event may take away what made a window too much, so an instant is decided once: when the watermark has
passed it, with the events that had arrived by then. An event that arrives later counts for the instants that are still to come.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from alerts.engine import NEW, Episode, Step, settle
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

    @property
    def hold(self) -> timedelta:
        """How long a group is over, without interruption, before it fires."""
        ...

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
    judge: Judge, *, panes: Sequence[Pane], current: Episode | None, after: datetime, until: datetime
) -> list[Step]:
    """What the instants after one and up to another make of a group; both are instants themselves.

    `panes` are those of the group from `after` − reach + step on, in order of time; `current` is its open episode, which fires or is pending.
    Unchanged episodes are left out, and those that came and lapsed.
    """
    episodes, known = [], current
    for look in _looks(judge, panes, after, until):
        if not look.reading.over:
            continue
        if current is None or look.at > current.closes_at:
            episodes.append(current)
            current = _begin(judge, look)
        else:
            current = _grown(judge, current, panes, look)
    steps = [settle(one, ends=True, now=until) for one in episodes if one is not None]
    if current is not None:
        steps.append(settle(current, ends=current.closes_at <= until, now=until))
    return [one for one in steps if _is_news(one, known)]


def _is_news(one: Step, known: Episode | None) -> bool:
    if one.fired or one.resolved:
        return True
    return one.episode != known and not (one.episode.lapsed and one.episode.key is NEW)


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
    fired_at = look.at + judge.hold
    return Episode(
        key=NEW,
        started_at=look.at - judge.window,
        fired_at=fired_at,
        closes_at=_closing(judge, look, fired_at),
        last_match_at=look.at,
        peak=look.reading.count,
        matches=look.reading.count,
        firing=not judge.hold,
        pending=bool(judge.hold),
        share=look.reading.share,
        value=look.reading.value,
    )


def _closing(judge: Judge, look: _Look, fired_at: datetime) -> datetime:
    """When it closes that is over at an instant: one that was not for long enough, as soon as it is not over."""
    over_until = look.at + step_of(judge)
    return over_until + judge.keep_firing if over_until >= fired_at else over_until


def _grown(judge: Judge, episode: Episode, panes: Sequence[Pane], look: _Look) -> Episode:
    reading = look.reading
    since = episode.last_match_at
    counted = sum(judge.counted(pane) for pane in panes if since <= pane.start < look.at)
    return replace(
        episode,
        closes_at=max(episode.closes_at, _closing(judge, look, episode.fired_at)),
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
