"""What a rule makes of a stretch of the log that is read as a whole: previews, and replays against a candidate.

The evaluators are the live ones; only what they are given differs: all at once instead of as it arrived.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from alerts.engine import Episode, Match, step
from alerts.matches import Compiled, Group, LoggedEvent
from alerts.novelty import news
from alerts.panes import Tally
from alerts.share import decide


@dataclass(frozen=True, slots=True)
class Matched:
    """An event that the rule selects and that was not too late. `hit` matters to shares only."""

    group: Group
    match: Match
    hit: bool = False


def matched(rule: Compiled, events: Iterable[LoggedEvent]) -> list[Matched]:
    """Those of the events that count, in the same order."""
    return [
        Matched(
            rule.group_of(event.fields),
            event.match,
            hit=rule.hits is not None and rule.is_hit(event.fields) is True,
        )
        for event in events
        if not event.late and rule.matches(event.fields)
    ]


def episodes_of(
    rule: Compiled, events: Iterable[Matched], *, known: dict[str, datetime], now: datetime
) -> list[tuple[Group, Episode]]:
    """Every episode with its group, the earliest first. `known`: when groups were seen last before, for what is new."""
    found = _shares(rule, events, now) if rule.share else _counts(rule, events, known, now)
    return sorted(found, key=lambda one: (one[1].fired_at, one[0].key))


def _counts(
    rule: Compiled, events: Iterable[Matched], known: dict[str, datetime], now: datetime
) -> list[tuple[Group, Episode]]:
    groups: dict[Group, list[Match]] = {}
    for one in events:
        groups.setdefault(one.group, []).append(one.match)
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
    ]


def _shares(rule: Compiled, events: Iterable[Matched], now: datetime) -> list[tuple[Group, Episode]]:
    assert rule.share is not None
    share, tally = rule.share, Tally()
    for one in events:
        tally.add(one.group, share.pane_of(one.match.at), hit=one.hit)
    return [
        (group, one.episode)
        for group, panes in tally.by_group().items()
        for one in decide(share, panes=panes, firing=None, after=panes[0].start, until=share.pane_of(now))
    ]
