"""Stores what the evaluator decided: episodes, their evidence and the notifications, in the caller's transaction."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from django.conf import settings
from django.db.models import Max, QuerySet

from alerts import engine
from alerts.engine import Match, Step
from alerts.groups import Group
from alerts.models import Channel, Episode, Evidence, Rule, Silence
from alerts.notify import notify

# Events kept as evidence of one episode; `Episode.matches` counts all.
EVIDENCE_KEPT = 100
_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Change:
    """What the evaluator decided about one group. `group` may be None where nothing new begins.

    `matches` count so long `after` they occurred.
    """

    group: Group | None
    stored: Mapping[int, Episode]
    steps: Sequence[Step]
    matches: Sequence[Match]
    after: timedelta = timedelta()

    @property
    def episodes(self) -> list[engine.Episode]:
        """As they are to be."""
        return [one.episode for one in self.steps]


def by_group(rows: QuerySet[Episode]) -> dict[str, dict[int, Episode]]:
    """Stored episodes by group and id."""
    found: dict[str, dict[int, Episode]] = {}
    for row in rows.select_related("rule_version", "rule"):
        found.setdefault(row.group_key, {})[row.pk] = row
    return found


def as_known(row: Episode) -> engine.Episode:
    """A stored episode as the evaluator knows it."""
    return engine.Episode(
        key=row.pk,
        started_at=row.started_at,
        fired_at=row.fired_at,
        closes_at=row.closes_at,
        last_match_at=row.last_match_at,
        peak=row.peak,
        matches=row.matches,
        share=row.share,
        value=row.value,
        firing=row.state == Episode.State.FIRING,
        pending=row.state in {Episode.State.PENDING, Episode.State.LAPSED},
        lapsed=row.state == Episode.State.LAPSED,
    )


def _state_of(known: engine.Episode) -> Episode.State:
    if known.pending:
        return Episode.State.LAPSED if known.lapsed else Episode.State.PENDING
    return Episode.State.FIRING if known.firing else Episode.State.RESOLVED


def save(rule: Rule, changes: Sequence[Change], now: datetime) -> None:
    """Writes all changes of a rule: first what is there, which may end, then what is new, since one may be open."""
    rows = list(_rows(rule, changes))
    if not rows:
        return
    old = [row for _, _, row in rows if row.pk]
    _absorb(rows)
    kept = _kept(old)
    Episode.everything.bulk_update(old, _MOVING)
    Episode.everything.bulk_create([row for _, _, row in rows if not row.pk])
    Evidence.objects.bulk_create(
        piece for change, _, row in rows for piece in _evidence(row, change, kept.get(row.pk, set()))
    )
    channels = _Channels()
    silences = list(Silence.objects.active(now)) if any(one.fired for _, one, _ in rows) else []
    for _, one, row in rows:
        if one.fired:
            notify(episode=row, what="firing", channels=channels.of(row), now=now, silences=silences)
        if one.resolved:
            notify(episode=row, what="resolved", channels=channels.of(row), now=now)


def _absorb(rows: Sequence[tuple[Change, Step, Episode]]) -> None:
    """Removes what is part of another one now, to which its evidence goes."""
    for _, one, row in rows:
        if not one.absorbed:
            continue
        pieces = Evidence.objects.filter(episode__in=one.absorbed)
        if row.pk:
            there = Evidence.objects.filter(episode=row).values("position")
            moved = pieces.exclude(position__in=there).order_by("position", "pk").distinct("position")
            Evidence.objects.filter(pk__in=list(moved.values_list("pk", flat=True))).update(episode=row)
        Episode.everything.unfired().filter(pk__in=one.absorbed).delete()


class _Channels:
    """Whom a rule tells about its episodes; asked for when it is needed, and once."""

    def __init__(self) -> None:
        self._known: dict[bool, list[Channel]] = {}

    def of(self, row: Episode) -> list[Channel]:
        escalated = row.escalated_at is not None
        if escalated not in self._known:
            self._known[escalated] = list(Channel.objects.told_about(row))
        return self._known[escalated]


_MOVING = (
    "state",
    "number",
    "started_at",
    "fired_at",
    "closes_at",
    "last_match_at",
    "peak",
    "share",
    "value",
    "matches",
    "resolved_at",
)


def _rows(rule: Rule, changes: Sequence[Change]) -> Iterator[tuple[Change, Step, Episode]]:
    """Every step with its row, changed or new, not saved yet."""
    numbers = _numbers(rule, list(_keys_that_fire(changes)))
    for change in changes:
        for one in change.steps:
            known = one.episode
            row = change.stored[known.key] if known.key is not None else _new(rule, change.group)
            if one.fired:
                numbers[row.group_key] += 1
                row.number = numbers[row.group_key]
            row.state = _state_of(known)
            row.started_at, row.fired_at, row.closes_at = known.started_at, known.fired_at, known.closes_at
            row.last_match_at, row.peak, row.matches = known.last_match_at, known.peak, known.matches
            row.share, row.value = known.share, known.value
            row.resolved_at = None if known.firing or known.pending else known.closes_at
            yield change, one, row


def _keys_that_fire(changes: Sequence[Change]) -> Iterator[str]:
    for change in changes:
        for one in change.steps:
            if one.fired and one.episode.key is not None:
                yield change.stored[one.episode.key].group_key
            elif one.fired and change.group:
                yield change.group.key


def _numbers(rule: Rule, keys: Sequence[str]) -> Counter[str]:
    """The last number given out, by group."""
    if not keys:
        return Counter()
    last = (
        rule.episodes.filter(group_key__in=keys).order_by().values_list("group_key").annotate(Max("number"))
    )
    return Counter(dict(last))


def _new(rule: Rule, group: Group | None) -> Episode:
    edition = rule.current
    assert edition is not None
    assert group is not None
    return Episode(
        rule=rule,
        rule_version=edition,
        group_key=group.key,
        group=group.readable(edition.group_by),
    )


def _kept(rows: Sequence[Episode]) -> dict[int, set[int]]:
    """The positions of the evidence that is there already, by episode."""
    kept: dict[int, set[int]] = {}
    if rows:
        for episode_id, position in Evidence.objects.filter(episode__in=rows).values_list(
            "episode", "position"
        ):
            kept.setdefault(episode_id, set()).add(position)
    return kept


def _evidence(row: Episode, change: Change, kept: set[int]) -> list[Evidence]:
    """The first matches that were seen for it, up to the limit."""
    fresh = (
        match
        for match in change.matches
        if match.position not in kept and row.started_at <= match.at <= row.closes_at
    )
    return [
        Evidence(
            episode=row,
            position=match.position,
            received_at=match.received_at,
            occurred_at=match.at - change.after,
        )
        for match in islice(fresh, max(0, EVIDENCE_KEPT - len(kept)))
    ]


def end_open(*, rule: Rule, why: str, now: datetime) -> int:
    """Ends every open episode of a rule that is not evaluated any more, and says why; how many there were.

    What had not fired is forgotten.
    """
    forget_unfired(rule)
    open_ones = list(rule.episodes.filter(state=Episode.State.FIRING).select_related("rule_version", "rule"))
    channels = _Channels()
    for row in open_ones:
        row.state, row.resolved_at, row.ended_by = Episode.State.RESOLVED, now, why
        row.save(update_fields=["state", "resolved_at", "ended_by"])
        notify(episode=row, what="resolved", channels=channels.of(row), now=now)
    return len(open_ones)


def forget_unfired(rule: Rule) -> None:
    """What was pending begins anew, or never."""
    Episode.everything.unfired().filter(rule=rule).delete()


def forget_lapsed(now: datetime) -> int:
    """Removes what no event that is still waited for can be joined with; how many."""
    lapsed = Episode.everything.filter(state=Episode.State.LAPSED)
    longest = lapsed.aggregate(longest=Max("rule_version__window_seconds"))["longest"] or 0
    since = now - settings.ALERT_LATENESS - timedelta(seconds=longest) - _A_DAY
    return lapsed.filter(closes_at__lt=since).delete()[1].get(Episode._meta.label, 0)
