"""Rules about a share, live: adds new events to the panes of their groups and decides the instants that the watermark has passed.

The watermark is `ALERT_WATERMARK_DELAY` behind the moment up to which the log was read. Panes, instants and episodes move on in
one transaction with the rule's place in the log, so an event is counted once whatever is killed.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from django.conf import settings
from django.db import connection
from django.db.models import Min, Sum

from alerts import episodes
from alerts.engine import Match, Step
from alerts.episodes import Change
from alerts.matches import Compiled, Group, recount
from alerts.models import Episode, Pane, Rule, RuleVersion
from alerts.share import Pane as Counted
from alerts.share import Share, decide

_ADD = """
INSERT INTO alerts_pane (edition_id, group_key, "values", start, total, hits)
SELECT %s, key, said::jsonb, start, total, hits
FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::int[], %s::int[]) AS new (key, said, start, total, hits)
ON CONFLICT (edition_id, group_key, start)
DO UPDATE SET total = alerts_pane.total + excluded.total, hits = alerts_pane.hits + excluded.hits
"""


@dataclass(slots=True)
class Tally:
    """What a batch adds: (group, begin of the pane) → how many events, how many hits."""

    counts: dict[tuple[Group, datetime], tuple[int, int]] = field(default_factory=dict)

    def add(self, group: Group, pane: datetime, *, hit: bool) -> None:
        total, hits = self.counts.get((group, pane), (0, 0))
        self.counts[group, pane] = (total + 1, hits + hit)

    def by_group(self) -> Mapping[Group, Sequence[Counted]]:
        """The panes of each group, in order of time."""
        found: dict[Group, list[Counted]] = {}
        for (group, start), counts in self.counts.items():
            found.setdefault(group, []).append(Counted(start, *counts))
        return {group: sorted(panes) for group, panes in found.items()}


def weigh(rule: Rule, compiled: Compiled, tally: Tally, *, until: int, moment: datetime) -> list[Change]:
    """Adds the tally and decides; `rule.decided_at` and `rule.look_at` say how far, and are not saved yet.

    `until` is the position up to which the log was read, `moment` the time up to which.
    """
    edition, share = rule.current, compiled.share
    assert edition is not None
    assert share is not None
    _add(edition, tally)
    if rule.decided_at is None:
        rule.decided_at = Pane.objects.filter(edition=edition).aggregate(first=Min("start"))["first"]
    changes: list[Change] = []
    last = share.pane_of(moment - settings.ALERT_WATERMARK_DELAY)
    if rule.decided_at is not None and last > rule.decided_at:
        changes = _decide(rule, compiled, share, last, until)
        rule.decided_at = last
        Pane.objects.filter(edition__rule=rule, start__lte=last - share.window).delete()
    rule.look_at = _next_look(rule, edition, share)
    return changes


def is_past(rule: Rule, share: Share, pane: datetime) -> bool:
    """Whether every instant that a pane has a part in was decided already."""
    return rule.decided_at is not None and pane + share.window <= rule.decided_at


def _add(edition: RuleVersion, tally: Tally) -> None:
    if not tally.counts:
        return
    said = {group: group.as_json() for group, _ in tally.counts}
    rows = [
        (group.key, said[group], start, *counts)
        for (group, start), counts in sorted(tally.counts.items(), key=_place)
    ]
    with connection.cursor() as cursor:
        cursor.execute(_ADD, [edition.pk, *(list(column) for column in zip(*rows, strict=True))])


def _place(entry: tuple[tuple[Group, datetime], tuple[int, int]]) -> tuple[str, datetime]:
    (group, start), _ = entry
    return group.key, start


def _decide(rule: Rule, compiled: Compiled, share: Share, last: datetime, until: int) -> list[Change]:
    assert rule.decided_at is not None
    stored = episodes.by_group(rule.episodes.filter(state=Episode.State.FIRING))
    panes = _panes_of(rule, share, last, stored.keys())
    changes = []
    for key in sorted(panes.keys() | stored.keys()):
        rows = stored.get(key, {})
        group, counted = panes.get(key, (None, []))
        steps = decide(
            share,
            panes=counted,
            firing=next((episodes.as_known(row) for row in rows.values()), None),
            after=rule.decided_at,
            until=last,
        )
        if steps:
            changes.append(Change(group, rows, steps, _hits(rule, compiled, group, steps, until)))
    return changes


def _panes_of(
    rule: Rule, share: Share, last: datetime, firing: Collection[str]
) -> dict[str, tuple[Group, list[Counted]]]:
    """The panes that the instants look at, of groups that are or may be over."""
    assert rule.current is not None
    assert rule.decided_at is not None
    within = Pane.objects.filter(
        edition=rule.current, start__gt=rule.decided_at - share.window, start__lt=last
    )
    sums = within.order_by().values("group_key").annotate(totals=Sum("total"), of_them=Sum("hits"))
    may_be = sums.filter(totals__gte=share.at_least, of_them__gt=0).values("group_key")
    rows = within.filter(group_key__in=may_be) | within.filter(group_key__in=list(firing))
    found: dict[str, tuple[Group, list[Counted]]] = {}
    for key, panes in groupby(rows.order_by("group_key", "start"), key=lambda pane: pane.group_key):
        mine = list(panes)
        counted = [Counted(pane.start, pane.total, pane.hits) for pane in mine]
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
        compiled.only_hits(), groups=[group], first=first, last=last, after=rule.starts_after, until=until
    )
    return found[group.key]


def _next_look(rule: Rule, edition: RuleVersion, share: Share) -> datetime | None:
    """When the next instant can be decided; None while there is nothing that could be over, or end."""
    waiting = Pane.objects.filter(edition=edition)
    if rule.decided_at is None or not (
        waiting.exists() or rule.episodes.filter(state=Episode.State.FIRING).exists()
    ):
        return None
    return rule.decided_at + share.step + settings.ALERT_WATERMARK_DELAY
