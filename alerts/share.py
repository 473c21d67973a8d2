"""The evaluator of shares, "more than 5 % of the calls failed within 5 minutes". Pure, as `engine` is, whose steps it gives.

**What is true.** Event time is cut into panes of one `step`, and shares are looked at where panes meet. At such an
instant t a group is *over* when at least `at_least` of its events occurred within [t − window, t) and more than
`percent` of them are hits; it is over until the next instant. An episode is a longest stretch in which the group is
over, interruptions of at most `keep_firing` included.

**When it is decided.** A late event may lower a share, so an instant is decided once: when the watermark has passed it,
with the events that had arrived by then. An event that arrives later counts for the instants that are still to come.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from alerts.engine import NEW, Episode, Step

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STEPS = (3600, 1800, 900, 600, 300, 120, 60, 30, 15, 10, 5, 2, 1)
# A window is looked at this often at least while it passes, as far as whole seconds allow.
_LOOKS = 10
#: Longer windows are whole minutes, so that not every second of them has a pane of its own.
FINE_WINDOW = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Share:
    """When a rule about a share fires. `percent` is exact: 0.1 is a tenth of a per cent."""

    percent: Decimal
    at_least: int
    window: timedelta
    keep_firing: timedelta

    @property
    def step(self) -> timedelta:
        """The longest whole step that divides the window and looks at it ten times while it passes."""
        window = int(self.window.total_seconds())
        fits = (step for step in _STEPS if window % step == 0 and step * _LOOKS <= window)
        return timedelta(seconds=next(fits, 1))

    def pane_of(self, moment: datetime) -> datetime:
        """The begin of the pane that a moment lies in; the last instant that is not after it."""
        return moment - (moment - _EPOCH) % self.step

    def is_over(self, total: int, hits: int) -> bool:
        return total >= self.at_least and 100 * hits > self.percent * total


@dataclass(frozen=True, slots=True, order=True)
class Pane:
    """How many events of a group occurred within one step, and how many of them are hits."""

    start: datetime
    total: int
    hits: int


@dataclass(frozen=True, slots=True)
class _Look:
    """What the window holds at an instant."""

    at: datetime
    total: int
    hits: int

    @property
    def percent(self) -> float:
        return round(100 * self.hits / self.total, 3)


def decide(
    share: Share, *, panes: Sequence[Pane], firing: Episode | None, after: datetime, until: datetime
) -> list[Step]:
    """What the instants after one and up to another make of a group; both are instants themselves.

    `panes` are those of the group from `after` − window + step on, in order of time; `firing` is its open episode.
    Unchanged episodes are left out.
    """
    episodes, current = [], firing
    for look in _looks(share, panes, after, until):
        if not share.is_over(look.total, look.hits):
            continue
        if current is None or look.at > current.closes_at:
            episodes.append(current)
            current = _begin(share, look)
        else:
            current = _grown(share, current, panes, look)
    steps = [_step(one, ends=True) for one in episodes if one is not None]
    if current is not None:
        steps.append(_step(current, ends=current.closes_at <= until))
    return [one for one in steps if one.fired or one.resolved or one.episode != firing]


def _looks(share: Share, panes: Sequence[Pane], after: datetime, until: datetime) -> Iterator[_Look]:
    """Every instant at which the window holds something."""
    step, window = share.step, share.window
    at, first, end, total, hits = after + step, 0, 0, 0, 0
    while at <= until:
        while end < len(panes) and panes[end].start < at:
            total, hits, end = total + panes[end].total, hits + panes[end].hits, end + 1
        while first < end and panes[first].start < at - window:
            total, hits, first = total - panes[first].total, hits - panes[first].hits, first + 1
        if first < end:
            yield _Look(at, total, hits)
            at += step
        elif end < len(panes):
            at = panes[end].start + step
        else:
            return


def _begin(share: Share, look: _Look) -> Episode:
    return Episode(
        key=NEW,
        started_at=look.at - share.window,
        fired_at=look.at,
        closes_at=look.at + share.step + share.keep_firing,
        last_match_at=look.at,
        peak=look.hits,
        matches=look.hits,
        share=look.percent,
    )


def _grown(share: Share, episode: Episode, panes: Sequence[Pane], look: _Look) -> Episode:
    since = episode.closes_at - share.step - share.keep_firing
    return replace(
        episode,
        closes_at=max(episode.closes_at, look.at + share.step + share.keep_firing),
        last_match_at=look.at,
        peak=max(episode.peak, look.hits),
        matches=episode.matches + sum(pane.hits for pane in panes if since <= pane.start < look.at),
        share=max(episode.share or 0.0, look.percent),
    )


def _step(episode: Episode, *, ends: bool) -> Step:
    return Step(
        replace(episode, firing=episode.firing and not ends),
        fired=episode.key is NEW,
        resolved=episode.firing and ends,
    )
