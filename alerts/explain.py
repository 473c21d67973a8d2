"""Why a rule did, or did not, fire for a group at a moment: what its window held, and all that speaks against counting or telling.

It is worked out anew from the stored events by the rule's own condition, with the edition that applied then. Events whose retention
is over are missing from it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from access.actor import Actor
from alerts.aggregate import Aggregate
from alerts.compiled import Compiled
from alerts.errors import InvalidExplanation
from alerts.kind_words import Held, fires_at, held
from alerts.lists import find_rule
from alerts.matches import FUTURE_ALLOWED, LoggedEvent, read_arrived
from alerts.models import DELAYED, LOOKING, Episode, EpisodeQuerySet, Rule, RuleVersion, Silence
from alerts.numbers import join
from alerts.pairs import matches_of
from alerts.silences import reaches
from alerts.watermark import held_since
from alerts.words import duration
from events.models import LogHead

# Of so many matching events the window is worked out, and so many groups are offered.
MOST_EVENTS = 50_000
GROUPS_SHOWN = 20
STATEMENT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Explanation:
    """`groups`: those that the window held, the fullest first; `chosen` is the one that was asked for, also where it held nothing."""

    at: datetime
    edition: int
    fires_at: str
    chosen: Held | None
    groups: tuple[Held, ...]
    # Matching events of the chosen group within the window that count for nothing.
    late: int
    before_the_rule: int
    episode: Episode | None
    # Of a rule whose groups have to be over for a while: what was over then, or was last before, and had not fired.
    pending: Episode | None
    silences: tuple[Silence, ...]
    # The whole answer for a person, the most important first.
    sentences: tuple[str, ...] = ()


def explain_rule(
    *, actor: Actor, rule_id: int, at: datetime | None = None, group: Mapping[str, str] | None = None
) -> Explanation:
    """Of a group by the texts of its values; without one, of the only group there is, or of none: then groups are offered.

    Raises RuleNotFound, InvalidExplanation.
    """
    rule = find_rule(actor, rule_id)
    moment = at or timezone.now()
    edition = _edition_at(rule, moment)
    compiled = Compiled.of(edition)
    unknown = sorted(set(group or {}) - set(compiled.group_by))
    if unknown:
        raise InvalidExplanation(
            f"The rule does not group by '{unknown[0]}', but by {', '.join(compiled.group_by) or 'nothing'}.",
            pointer=f"/group/{unknown[0]}",
        )
    found = _within(compiled, moment)
    chosen = _chosen(compiled, group)
    mine = [one for one in found if _is_of(compiled, one, chosen)] if chosen is not None else []
    counts = [one for one in mine if not one.late and one.match.position > rule.starts_after]
    episode = None if chosen is None else _latest(Episode.objects.filter(fired_at__lte=moment), rule, chosen)
    unfired = Episode.everything.unfired().filter(started_at__lte=moment)
    explanation = Explanation(
        at=moment,
        edition=edition.number,
        fires_at=fires_at(edition),
        chosen=None if chosen is None else _held(compiled, chosen, counts),
        groups=_groups(compiled, found, rule),
        late=sum(one.late for one in mine),
        before_the_rule=sum(not one.late and one.match.position <= rule.starts_after for one in mine),
        episode=episode,
        pending=None if chosen is None else _latest(unfired, rule, chosen),
        silences=() if episode is None else _silences(episode, moment),
    )
    return replace(explanation, sentences=tuple(_sentences(rule, edition, explanation)))


def _edition_at(rule: Rule, moment: datetime) -> RuleVersion:
    """The one that applied then; before there was any, the first."""
    written = rule.versions.filter(created_at__lte=moment).order_by("-number").first()
    return written or rule.versions.order_by("number")[:1].get()


def _within(compiled: Compiled, moment: datetime) -> list[LoggedEvent]:
    """The events that count within the window that ends then, too late ones included."""
    first = moment - compiled.terms.window
    around = timedelta() if compiled.pairing is None else compiled.pairing.within
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{STATEMENT_SECONDS}s"])
        found = read_arrived(
            compiled,
            since=first - around - FUTURE_ALLOWED,
            until=moment + 2 * settings.ALERT_LATENESS,
            occurred=(first - around, moment),
            most=MOST_EVENTS,
        )
    found = [one for one in found if compiled.matches(one.fields)]
    return found if compiled.pairing is None else _paired(compiled, found, first, moment)


def _paired(
    compiled: Compiled, found: Sequence[LoggedEvent], first: datetime, moment: datetime
) -> list[LoggedEvent]:
    """Those that count within the window, since something followed them, or nothing did."""
    assert compiled.pairing is not None
    parts = [part for one in found if not one.late and (part := compiled.part_of(one.fields, one.match))]
    counted = {
        match.position
        for _, match in matches_of(compiled.pairing, parts, until=moment)
        if first <= match.at <= moment
    }
    return [one for one in found if one.match.position in counted]


def _chosen(compiled: Compiled, group: Mapping[str, str] | None) -> dict[str, str | None] | None:
    if not compiled.group_by:
        return {}
    if group is None:
        return None
    return {name: group.get(name) for name in compiled.group_by}


def _is_of(compiled: Compiled, event: LoggedEvent, chosen: Mapping[str, str | None]) -> bool:
    values = compiled.group_of(event.fields).readable(compiled.group_by)
    return all(_text(values[name]) == value for name, value in chosen.items())


def _text(value: object) -> str | None:
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def _held(compiled: Compiled, group: Mapping[str, Any], events: Sequence[LoggedEvent]) -> Held:
    hits = sum(compiled.is_hit(one.fields) is True for one in events) if compiled.hits else 0
    values = len({compiled.value_of(one.fields) for one in events}) if compiled.terms.distinct else None
    numbers = [number for one in events if (number := compiled.number_of(one.fields)) is not None]
    value = None
    if isinstance(compiled.judge, Aggregate) and numbers:
        value = float(compiled.judge.value(join(numbers)))
    return Held(dict(group), len(events), hits, values, value)


def _groups(compiled: Compiled, found: Sequence[LoggedEvent], rule: Rule) -> tuple[Held, ...]:
    events: dict[str, list[LoggedEvent]] = {}
    named: dict[str, dict[str, Any]] = {}
    for one in found:
        if one.late or one.match.position <= rule.starts_after:
            continue
        group = compiled.group_of(one.fields)
        events.setdefault(group.key, []).append(one)
        named.setdefault(group.key, group.readable(compiled.group_by))
    windows = [_held(compiled, named[key], ones) for key, ones in events.items()]
    return tuple(sorted(windows, key=lambda one: (-one.counted, str(one.group)))[:GROUPS_SHOWN])


def _latest(found: EpisodeQuerySet, rule: Rule, chosen: Mapping[str, str | None]) -> Episode | None:
    rows = found.filter(rule=rule).select_related("rule", "rule_version").order_by("-fired_at")
    for one in rows[:500]:
        if all(_text(one.group.get(name)) == value for name, value in chosen.items()):
            return one
    return None


def _silences(episode: Episode, moment: datetime) -> tuple[Silence, ...]:
    return tuple(one for one in Silence.objects.active(moment) if reaches(one, episode))


def _sentences(rule: Rule, edition: RuleVersion, found: Explanation) -> list[str]:
    told: list[str] = []
    if found.chosen is not None:
        told.append(held(edition, found.chosen))
        told.append(_course(found.episode, found.at))
        if found.pending is not None:
            told.append(_pending(found.pending, found.at))
    if found.late:
        bound = duration(int(settings.ALERT_LATENESS.total_seconds()))
        told.append(f"{found.late} more matching events arrived over {bound} late: those count for no rule.")
    if found.before_the_rule:
        told.append(
            f"{found.before_the_rule} more were stored before the rule began to count, at position {rule.starts_after:,}."
        )
    told += _standing(rule, edition, found.at)
    told += [
        f"Silence {one.pk} by {one.created_by} held its notifications until {one.ends_at:%Y-%m-%d %H:%M} UTC: {one.reason}"
        for one in found.silences
    ]
    return told


def _course(episode: Episode | None, moment: datetime) -> str:
    if episode is None:
        return "It had not fired for this group before."
    if episode.resolved_at is None or episode.resolved_at > moment:
        return f"Episode {episode.pk} was firing, since {episode.fired_at:%Y-%m-%d %H:%M:%S} UTC."
    return f"The episode before, {episode.pk}, was resolved at {episode.resolved_at:%Y-%m-%d %H:%M:%S} UTC."


def _pending(episode: Episode, moment: datetime) -> str:
    takes = duration(episode.rule_version.for_seconds)
    since = episode.fired_at - timedelta(seconds=episode.rule_version.for_seconds)
    if episode.state == Episode.State.LAPSED or episode.closes_at < min(moment, episode.fired_at):
        return (
            f"It was over from {since:%Y-%m-%d %H:%M:%S} to {episode.closes_at:%H:%M:%S} UTC, "
            f"and so not for {takes} without interruption."
        )
    return (
        f"It is pending: over since {since:%Y-%m-%d %H:%M:%S} UTC, "
        f"and it fires at {episode.fired_at:%H:%M:%S} UTC if it lasts for {takes}."
    )


def _standing(rule: Rule, edition: RuleVersion, moment: datetime) -> list[str]:
    """What keeps a rule from deciding."""
    told = []
    if rule.current_id != edition.pk:
        told.append(f"Edition {edition.number} applied then; the rule has been changed since.")
    if edition.created_at > moment:
        told.append("The rule did not exist yet.")
    if not rule.enabled:
        told.append("The rule is paused: it counts nothing.")
    if rule.problem:
        told.append(f"It has a problem: {rule.problem}")
    behind = LogHead.objects.get().position - rule.cursor
    if rule.enabled and behind > 0:
        told.append(f"It has not judged the newest {behind:,} events yet.")
    told += _waiting(edition, moment)
    if rule.evaluated_at is not None:
        told.append(f"It was evaluated last at {rule.evaluated_at:%Y-%m-%d %H:%M:%S} UTC.")
    return told


def _waiting(edition: RuleVersion, moment: datetime) -> list[str]:
    """What it waits for before it decides."""
    delay = duration(int(settings.ALERT_WATERMARK_DELAY.total_seconds()))
    told = []
    if edition.kind in LOOKING:
        told.append(f"It is decided {delay} after the end of its window, by what had arrived then.")
    elif edition.kind in DELAYED:
        told.append(f"It is decided {delay} after the time is up, by what had arrived then.")
    since = held_since(min(moment, timezone.now())) if Compiled.of(edition).is_wary else None
    if since is not None:
        told.append(
            "Events could not come in for a while. What is judged by what did not come is decided up to "
            f"{since:%Y-%m-%d %H:%M:%S} UTC only, until producers have had time to send what they kept."
        )
    return told
