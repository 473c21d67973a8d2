"""What a rule makes of a stretch of the log that is read as a whole: previews, and replays against a candidate.

The evaluators are the live ones; only what they are given differs: all at once instead of as it arrived.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from alerts.absence import Absence, silences_of
from alerts.change import Change
from alerts.compiled import Compiled
from alerts.engine import Episode, Match, step
from alerts.groups import Group
from alerts.looks import decide, pane_of
from alerts.matches import LoggedEvent
from alerts.novelty import news
from alerts.numbers import Numbers
from alerts.pairs import Part, matches_of
from alerts.panes import Tally, begin_at


@dataclass(frozen=True, slots=True)
class Matched:
    """An event that the rule is about and that was not too late. `hit` and `number` matter to what looks at whole windows, `part` to pairs."""

    group: Group
    match: Match
    hit: bool = False
    number: Numbers | None = None
    part: Part | None = None


def matched(rule: Compiled, events: Iterable[LoggedEvent]) -> list[Matched]:
    """Those of the events that count, in the same order."""
    return [counted(rule, event) for event in events if not event.late and rule.matches(event.fields)]


def counted(rule: Compiled, event: LoggedEvent) -> Matched:
    """What a rule counts of an event that it selects."""
    match, number = event.match, rule.number_of(event.fields)
    if rule.terms.distinct:
        match = replace(match, value=rule.value_of(event.fields))
    # Where all that is selected counts, all are hits.
    every = number is not None or isinstance(rule.judge, Change)
    hit = every or (rule.hits is not None and rule.is_hit(event.fields) is True)
    return Matched(rule.group_of(event.fields), match, hit, number, rule.part_of(event.fields, match))


def episodes_of(
    rule: Compiled, events: Iterable[Matched], *, known: dict[Group, datetime], now: datetime
) -> list[tuple[Group, Episode]]:
    """Every episode with its group, the earliest first. `known`: when groups were seen last before, for what is new or absent."""
    if rule.judge:
        found = _looked(rule, events, now)
    elif rule.absence:
        found = _silent(rule.absence, events, known, now)
    else:
        found = _counts(rule, events, known, now)
    return sorted(found, key=lambda one: (one[1].fired_at, one[0].key))


def _counts(
    rule: Compiled, events: Iterable[Matched], known: dict[Group, datetime], now: datetime
) -> list[tuple[Group, Episode]]:
    groups: dict[Group, list[Match]] = {}
    for group, match in _counted_ones(rule, events, now):
        groups.setdefault(group, []).append(match)
    if rule.remember is not None:
        groups = news(rule, groups, known)
    return [
        (group, one.episode)
        for group, matches in groups.items()
        for one in step(
            rule.terms,
            episodes=(),
            matches=sorted(matches),
            fresh=frozenset(match.position for match in matches),
            now=now,
        )
        if not one.episode.pending
    ]


def _silent(
    absence: Absence, events: Iterable[Matched], known: dict[Group, datetime], now: datetime
) -> list[tuple[Group, Episode]]:
    heard = {group: [last] for group, last in known.items()}
    for one in events:
        heard.setdefault(one.group, []).append(one.match.at)
    return [(group, one) for group, times in heard.items() for one in silences_of(absence, times, until=now)]


def _counted_ones(rule: Compiled, events: Iterable[Matched], now: datetime) -> Iterable[tuple[Group, Match]]:
    if rule.pairing is None:
        return ((one.group, one.match) for one in events)
    return matches_of(rule.pairing, (one.part for one in events if one.part), until=now)


def _looked(rule: Compiled, events: Iterable[Matched], now: datetime) -> list[tuple[Group, Episode]]:
    assert rule.judge is not None
    judge, tally = rule.judge, Tally()
    for one in events:
        tally.add(one.group, pane_of(judge, one.match.at), hit=one.hit, number=one.number)
    groups = tally.by_group()
    first = min((panes[0].start for panes in groups.values()), default=now)
    after, until = begin_at(judge, first), pane_of(judge, now)
    return [
        (group, one.episode)
        for group, panes in groups.items()
        for one in decide(judge, panes=panes, current=None, after=after, until=until)
        if not one.episode.pending
    ]
