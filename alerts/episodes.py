"""Stores what the evaluator decided: episodes, their evidence and the notifications, in the caller's transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max, QuerySet

from alerts import engine
from alerts.engine import Match, Step
from alerts.matches import Group
from alerts.models import Channel, Episode, Evidence, Rule
from alerts.notify import notify

# Events kept as evidence of one episode; `Episode.matches` counts all.
EVIDENCE_KEPT = 100


@dataclass(frozen=True, slots=True)
class Place:
    """Where steps are written: one group of one rule. `group` may be None where nothing new can begin."""

    rule: Rule
    group: Group | None
    stored: Mapping[int, Episode]
    channels: list[Channel]
    now: datetime


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
        firing=row.state == Episode.State.FIRING,
    )


def save(place: Place, steps: Sequence[Step], matches: Sequence[Match]) -> None:
    """Writes the steps of one group: first what ends, then what begins, since one episode may be open at a time."""
    for one in sorted(steps, key=lambda step: step.episode.firing):
        row = _write(place, one)
        _keep_evidence(row, matches)
        if one.fired:
            notify(episode=row, what="firing", channels=place.channels, now=place.now)
        if one.resolved:
            notify(episode=row, what="resolved", channels=place.channels, now=place.now)


def _write(place: Place, one: Step) -> Episode:
    known = one.episode
    row = place.stored[known.key] if known.key is not None else _new(place)
    row.state = Episode.State.FIRING if known.firing else Episode.State.RESOLVED
    row.started_at, row.fired_at, row.closes_at = known.started_at, known.fired_at, known.closes_at
    row.last_match_at, row.peak, row.matches = known.last_match_at, known.peak, known.matches
    row.resolved_at = None if known.firing else known.closes_at
    row.save()
    return row


def _new(place: Place) -> Episode:
    rule, edition, group = place.rule, place.rule.current, place.group
    assert edition is not None
    assert group is not None
    last = Episode.objects.filter(rule=rule, group_key=group.key).aggregate(last=Max("number"))["last"] or 0
    return Episode(
        rule=rule,
        rule_version=edition,
        group_key=group.key,
        group=group.readable(edition.group_by),
        number=last + 1,
    )


def _keep_evidence(row: Episode, matches: Sequence[Match]) -> None:
    """The first matches that were seen for it, up to the limit."""
    room = EVIDENCE_KEPT - row.evidence.count()
    if room <= 0:
        return
    inside = [match for match in matches if row.started_at <= match.at <= row.closes_at]
    kept = set(
        row.evidence.filter(position__in=[match.position for match in inside]).values_list(
            "position", flat=True
        )
    )
    Evidence.objects.bulk_create(
        Evidence(episode=row, position=match.position, received_at=match.received_at, occurred_at=match.at)
        for match in [match for match in inside if match.position not in kept][:room]
    )


def end_open(*, rule: Rule, why: str, now: datetime) -> int:
    """Ends every open episode of a rule that is not evaluated any more, and says why; how many there were."""
    channels = list(rule.channels.filter(enabled=True))
    open_ones = list(rule.episodes.filter(state=Episode.State.FIRING).select_related("rule_version", "rule"))
    for row in open_ones:
        row.state, row.resolved_at, row.ended_by = Episode.State.RESOLVED, now, why
        row.save(update_fields=["state", "resolved_at", "ended_by"])
        notify(episode=row, what="resolved", channels=channels, now=now)
    return len(open_ones)
