"""Rules about pairs of events, "a run that starts and neither succeeds nor fails within a minute": which events belong together. Pure.

**What is true.** An event that follows belongs to one that begins when both have the same values in the fields of `by` and it occurred
at the same instant or at most `within` later. A rule about something that follows counts the events that follow one; a rule about
something missing counts those that begin and that nothing follows, at the instant at which their time was up. An event that lacks
one of the fields belongs to none. One that both begins and follows does not follow itself.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from alerts.condition import Condition
from alerts.engine import Match
from alerts.groups import Group


@dataclass(frozen=True, slots=True)
class Pairing:
    """What has to follow within which time, and whether the rule is about what follows or about what is missing."""

    then: Condition
    by: tuple[str, ...]
    within: timedelta
    missing: bool


@dataclass(frozen=True, slots=True)
class Part:
    """An event that begins a pair, or follows in one, or may do either. `pair` has the values that both have; None where it lacks one."""

    group: Group
    match: Match
    pair: Group | None
    begins: bool
    follows: bool


@dataclass(slots=True)
class _Parts:
    begin: list[Part] = field(default_factory=list)
    follow: list[Part] = field(default_factory=list)


def matches_of(pairing: Pairing, parts: Iterable[Part], *, until: datetime) -> list[tuple[Group, Match]]:
    """What a rule about pairs counts of these events, in order of time. What is missing is known for those whose time was up by `until`."""
    by_key: dict[str, _Parts] = {}
    for part in parts:
        if part.pair is None:
            continue
        mine = by_key.setdefault(part.pair.key, _Parts())
        if part.begins:
            mine.begin.append(part)
        if part.follows:
            mine.follow.append(part)
    find = _unanswered if pairing.missing else _followed
    found = [one for mine in by_key.values() for one in find(pairing.within, mine, until)]
    return sorted(found, key=lambda one: one[1])


def _followed(within: timedelta, parts: _Parts, until: datetime) -> Iterator[tuple[Group, Match]]:
    begun = sorted(part.match.at for part in parts.begin)
    for part in parts.follow:
        at = part.match.at
        if _between(begun, at - within, at) > part.begins:
            yield part.group, part.match


def _unanswered(within: timedelta, parts: _Parts, until: datetime) -> Iterator[tuple[Group, Match]]:
    answers = sorted(part.match.at for part in parts.follow)
    for part in parts.begin:
        due = part.match.at + within
        if due <= until and _between(answers, part.match.at, due) == part.follows:
            yield part.group, replace(part.match, at=due)


def _between(times: Sequence[datetime], first: datetime, last: datetime) -> int:
    return bisect_right(times, last) - bisect_left(times, first)
