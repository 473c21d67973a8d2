"""Rules about absence, "nothing of a node for five minutes": which episodes the silence of one group makes. Pure.

**What is true.** A group is known from its first event on until `forget_after` its last one. It is silent as soon as the `window` after an event
has passed without another; the episode begins with that event, fires when the window is over, and closes with the next event, or when
the group is forgotten.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from alerts.engine import NEW, Episode, Step


@dataclass(frozen=True, slots=True)
class Absence:
    """When a group is silent, and when it is forgotten."""

    window: timedelta
    forget_after: timedelta

    def silent_at(self, last: datetime, instant: datetime) -> bool:
        """Whether nothing but the last event is known of a group for too long at an instant."""
        return last + self.window <= instant

    def forgotten_at(self, last: datetime, instant: datetime) -> bool:
        return last + self.forget_after <= instant


def silences_of(absence: Absence, heard: Iterable[datetime], *, until: datetime) -> Iterator[Episode]:
    """Every silence of a group of which events occurred at these instants, as known at a later one."""
    times = sorted(heard)
    for last, following in pairwise(times):
        if absence.silent_at(last, min(following - timedelta(microseconds=1), until)):
            yield _ended(begin(absence, last), following, until)
    if times and absence.silent_at(times[-1], until):
        yield _ended(begin(absence, times[-1]), None, until)


def begin(absence: Absence, last: datetime) -> Episode:
    """The episode of a group that is silent since its last event."""
    return Episode(
        key=NEW,
        started_at=last,
        fired_at=last + absence.window,
        closes_at=last + absence.forget_after,
        last_match_at=last,
        peak=0,
        matches=0,
    )


def end(
    absence: Absence, episode: Episode, *, last: datetime | None, heard: datetime | None, instant: datetime
) -> Step | None:
    """What becomes of an open episode at an instant. `last` is the newest event of the group, None where it is not known
    any more; `heard` the first one after the silence began, as far as one is at hand. None while it is silent."""
    if last is None or absence.forgotten_at(last, instant):
        return Step(replace(episode, firing=False), fired=False, resolved=True)
    if absence.silent_at(last, instant):
        return None
    closes_at = max(episode.fired_at, heard or last)
    return Step(replace(episode, closes_at=closes_at, firing=False), fired=False, resolved=True)


def _ended(episode: Episode, following: datetime | None, until: datetime) -> Episode:
    closes_at = episode.closes_at if following is None else min(episode.closes_at, following)
    return replace(episode, closes_at=closes_at, firing=closes_at > until)
