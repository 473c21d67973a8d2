"""Rules that look at whole windows, live: adds new events to the panes of their groups and decides the instants that the watermark has passed.

The watermark is `ALERT_WATERMARK_DELAY` behind the moment up to which the log was read. Panes, instants and episodes move on in
one transaction with the rule's place in the log, so an event is counted once whatever is killed.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from django.db import connection
from django.db.models import Min, Sum

from alerts import episodes
from alerts.compiled import Compiled
from alerts.engine import Match, Step
from alerts.episodes import Change
from alerts.groups import Group
from alerts.looks import Judge, decide, pane_of, step_of
from alerts.looks import Pane as Counted
from alerts.matches import recount
from alerts.models import Episode, Pane, Rule, RuleVersion
from alerts.numbers import Numbers, join
from alerts.watermark import horizon, look_again

_ADD = """
INSERT INTO alerts_pane (edition_id, group_key, "values", start, total, hits, numbers)
SELECT %s, key, said::jsonb, start, total, hits, numbers::jsonb
FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::int[], %s::int[], %s::text[])
    AS new (key, said, start, total, hits, numbers)
ON CONFLICT (edition_id, group_key, start) DO UPDATE SET
    total = alerts_pane.total + excluded.total, hits = alerts_pane.hits + excluded.hits, numbers = excluded.numbers
"""


@dataclass(slots=True)
class Tally:
    """What a batch adds: (group, begin of the pane) → how many events, how many hits, and the numbers of a field."""

    counts: dict[tuple[Group, datetime], tuple[int, int]] = field(default_factory=dict)
    numbers: dict[tuple[Group, datetime], list[Numbers]] = field(default_factory=dict)

    def add(self, group: Group, pane: datetime, *, hit: bool, number: Numbers | None = None) -> None:
        total, hits = self.counts.get((group, pane), (0, 0))
        self.counts[group, pane] = (total + 1, hits + hit)
        if number is not None:
            self.numbers.setdefault((group, pane), []).append(number)

    def joined(self, group: Group, pane: datetime) -> Numbers | None:
        """What the field of a pane's events said."""
        return join(self.numbers[group, pane]) if (group, pane) in self.numbers else None

    def by_group(self) -> Mapping[Group, Sequence[Counted]]:
        """The panes of each group, in order of time."""
        found: dict[Group, list[Counted]] = {}
        for (group, start), counts in self.counts.items():
            found.setdefault(group, []).append(Counted(start, *counts, self.joined(group, start)))
        return {group: sorted(panes) for group, panes in found.items()}


def weigh(rule: Rule, compiled: Compiled, tally: Tally, *, until: int, moment: datetime) -> list[Change]:
    """Adds the tally and decides; `rule.decided_at` and `rule.look_at` say how far, and are not saved yet.

    `until` is the position up to which the log was read, `moment` the time up to which.
    """
    edition, judge = rule.current, compiled.judge
    assert edition is not None
    assert judge is not None
    _add(edition, tally)
    if rule.decided_at is None:
        first = Pane.objects.filter(edition=edition).aggregate(first=Min("start"))["first"]
        rule.decided_at = None if first is None else begin_at(judge, first)
    changes: list[Change] = []
    last = pane_of(judge, horizon(moment, wary=compiled.is_wary))
    if rule.decided_at is not None and last > rule.decided_at:
        changes = _decide(rule, compiled, judge, last, until)
        rule.decided_at = last
        Pane.objects.filter(edition__rule=rule, start__lte=last - judge.reach).delete()
    rule.look_at = _next_look(rule, edition, judge, moment)
    return changes


def begin_at(judge: Judge, first: datetime) -> datetime:
    """The instant after which it is looked at, by the first pane of all: what is usual has to be known first."""
    return first + judge.reach - judge.window


def is_past(rule: Rule, judge: Judge, pane: datetime) -> bool:
    """Whether every instant that a pane has a part in was decided already."""
    return rule.decided_at is not None and pane + judge.reach <= rule.decided_at


def _add(edition: RuleVersion, tally: Tally) -> None:
    if not tally.counts:
        return
    said = {group: group.as_json() for group, _ in tally.counts}
    numbers = _numbers(edition, tally)
    rows = [
        (group.key, said[group], start, *counts, numbers.get((group.key, start)))
        for (group, start), counts in sorted(tally.counts.items(), key=_place)
    ]
    with connection.cursor() as cursor:
        cursor.execute(_ADD, [edition.pk, *(list(column) for column in zip(*rows, strict=True))])


def _numbers(edition: RuleVersion, tally: Tally) -> dict[tuple[str, datetime], str]:
    """What the panes of the tally say with it, as they are stored. Read and written under the lock of the rule, which alone adds to them."""
    if not tally.numbers:
        return {}
    keys = {group.key for group, _ in tally.numbers}
    starts = {start for _, start in tally.numbers}
    there = Pane.objects.filter(edition=edition, group_key__in=keys, start__in=starts, numbers__isnull=False)
    before = {(pane.group_key, pane.start): Numbers.from_json(pane.numbers or {}) for pane in there}
    found = {}
    for (group, start), parts in tally.numbers.items():
        known = before.get((group.key, start))
        together = join(parts if known is None else [known, *parts])
        found[group.key, start] = json.dumps(together.as_json())
    return found


def _place(entry: tuple[tuple[Group, datetime], tuple[int, int]]) -> tuple[str, datetime]:
    (group, start), _ = entry
    return group.key, start


def _decide(rule: Rule, compiled: Compiled, judge: Judge, last: datetime, until: int) -> list[Change]:
    assert rule.decided_at is not None
    stored = episodes.by_group(Episode.everything.open().filter(rule=rule))
    panes = _panes_of(rule, compiled, judge, last, stored.keys())
    changes = []
    for key in sorted(panes.keys() | stored.keys()):
        rows = stored.get(key, {})
        group, counted = panes.get(key, (None, []))
        steps = decide(
            judge,
            panes=counted,
            current=next((episodes.as_known(row) for row in rows.values()), None),
            after=rule.decided_at,
            until=last,
        )
        if steps:
            changes.append(Change(group, rows, steps, _hits(rule, compiled, group, steps, until)))
    return changes


def _panes_of(
    rule: Rule, compiled: Compiled, judge: Judge, last: datetime, firing: Collection[str]
) -> dict[str, tuple[Group, list[Counted]]]:
    """The panes that the instants look at, of groups that are or may be over."""
    assert rule.current is not None
    assert rule.decided_at is not None
    within = Pane.objects.filter(
        edition=rule.current, start__gt=rule.decided_at - judge.reach, start__lt=last
    )
    sums = within.order_by().values("group_key").annotate(totals=Sum("total"), of_them=Sum("hits"))
    may_be = sums.filter(totals__gte=compiled.terms.threshold, of_them__gt=0).values("group_key")
    rows = within.filter(group_key__in=may_be) | within.filter(group_key__in=list(firing))
    found: dict[str, tuple[Group, list[Counted]]] = {}
    for key, panes in groupby(rows.order_by("group_key", "start"), key=lambda pane: pane.group_key):
        mine = list(panes)
        counted = [
            Counted(
                pane.start,
                pane.total,
                pane.hits,
                None if pane.numbers is None else Numbers.from_json(pane.numbers),
            )
            for pane in mine
        ]
        found[key] = Group(key, tuple(mine[0].values)), counted
    return found


def _hits(
    rule: Rule, compiled: Compiled, group: Group | None, steps: Sequence[Step], until: int
) -> list[Match]:
    """The events to show as evidence of the episodes that began or grew."""
    if group is None:
        return []
    first = min(one.episode.started_at for one in steps)
    last = max(one.episode.last_match_at for one in steps)
    found = recount(
        compiled.counting(), groups=[group], first=first, last=last, after=rule.starts_after, until=until
    )
    return found[group.key]


def _next_look(rule: Rule, edition: RuleVersion, judge: Judge, moment: datetime) -> datetime | None:
    """When the next instant can be decided; None while there is nothing that could be over, or end."""
    waiting = Pane.objects.filter(edition=edition)
    if rule.decided_at is None or not (
        waiting.exists() or Episode.everything.open().filter(rule=rule).exists()
    ):
        return None
    return look_again(rule.decided_at + step_of(judge), moment)
