"""Silences: notifications about some firing episodes wait until an hour, and who asks sees which they are.

A notification that a silence holds is written down and waits. When the silence ends, also early, it is sent if the episode
still fires; if that is over by then, nobody is told. That an episode is over is told at once to who heard of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from access import audit
from access.actor import Actor
from access.delivery import held_of, hold_again
from alerts.errors import InvalidSilence, SilenceNotFound
from alerts.matcher import Matcher, Unreadable, fit, read_matchers
from alerts.models import ABOUT, Channel, Episode, Silence, SilenceQuerySet
from alerts.models.channels import TARGET
from alerts.quiet import held_until
from events.changes import EVENT_TYPES

LONGEST = timedelta(days=366)
MAX_REASON = 10_000
# Of so many episodes a preview tells, and the list of what is hidden now.
SHOWN = 100
PREVIEW_SPAN = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Hidden:
    """What matchers would hide: firing episodes now, and how many began in the days before."""

    firing: list[Episode]
    firing_count: int
    recent_count: int
    rules: list[str]


def silences_for(actor: Actor, state: str = "") -> SilenceQuerySet:
    """The newest first. Needs the scope alert: matchers name rules and nodes."""
    actor.require("alert")
    return Silence.objects.in_state(state, timezone.now())


def find_silence(actor: Actor, silence_id: int) -> Silence:
    """Raises SilenceNotFound."""
    found = silences_for(actor).filter(pk=silence_id).first()
    if found is None:
        raise SilenceNotFound(f"There is no silence {silence_id}.", silence=silence_id)
    return found


def create_silence(
    *, actor: Actor, matchers: Any, reason: str, ends_at: datetime, starts_at: datetime | None = None
) -> Silence:
    """Reaches the rules that the actor may change. Raises Forbidden, InvalidSilence."""
    actor.require("alert")
    read = _read(matchers)
    now = timezone.now()
    begins = starts_at or now
    _check(reason, begins, ends_at, now)
    with transaction.atomic():
        silence = Silence.objects.create(
            matchers=[one.as_json() for one in read],
            reason=reason.strip(),
            starts_at=begins,
            ends_at=ends_at,
            prefixes=list(actor.readable_prefixes("alert")),
            created_by=actor.label,
        )
        _record(actor, "silence.created", silence, matchers=[str(one) for one in read])
        _hold_again(silence, now)
    return silence


def edit_silence(*, actor: Actor, silence_id: int, reason: str, ends_at: datetime) -> Silence:
    """Another end, or other words. Raises Forbidden, SilenceNotFound, InvalidSilence, also when it is over."""
    now = timezone.now()
    with transaction.atomic():
        silence = _locked(actor, silence_id, now)
        _check(reason, silence.starts_at, ends_at, now)
        silence.reason, silence.ends_at = reason.strip(), ends_at
        silence.save(update_fields=["reason", "ends_at"])
        _record(actor, "silence.edited", silence)
        _hold_again(silence, now)
    return silence


def expire_silence(*, actor: Actor, silence_id: int) -> Silence:
    """Ends it now: what it holds is sent, as far as it still fires. Raises Forbidden, SilenceNotFound, InvalidSilence."""
    now = timezone.now()
    with transaction.atomic():
        silence = _locked(actor, silence_id, now)
        # One that had not begun never will.
        silence.starts_at, silence.ends_at = min(silence.starts_at, now), now
        silence.ended_by = actor.label
        silence.save(update_fields=["starts_at", "ends_at", "ended_by"])
        _record(actor, "silence.expired", silence)
        _hold_again(silence, now)
    return silence


def preview_silence(*, actor: Actor, matchers: Any) -> Hidden:
    """Of the episodes that such a silence of the actor would reach. Raises Forbidden, InvalidSilence."""
    actor.require("alert")
    drafted = Silence(
        matchers=[one.as_json() for one in _read(matchers)], prefixes=list(actor.readable_prefixes("alert"))
    )
    since = timezone.now() - PREVIEW_SPAN
    rows = Episode.objects.visible_to(actor).select_related("rule__current", "rule_version")
    firing = [one for one in rows.firing() if reaches(drafted, one)]
    recent = [one for one in rows.filter(fired_at__gte=since) if reaches(drafted, one)]
    names = sorted({one.rule.name for one in (*firing, *recent)})
    return Hidden(firing[:SHOWN], len(firing), len(recent), names)


def silences_reaching(episode: Episode) -> list[Silence]:
    """Those that are active now; none of an episode that is over."""
    if episode.state != Episode.State.FIRING:
        return []
    return [one for one in Silence.objects.active(timezone.now()) if reaches(one, episode)]


def silenced_until(episode: Episode, silences: Iterable[Silence]) -> datetime | None:
    """When the last of those that reach it ends."""
    return max((one.ends_at for one in silences if reaches(one, episode)), default=None)


def reaches(silence: Silence, episode: Episode) -> bool:
    return _covers(silence.prefixes, episode.rule_version.event_types) and fit(
        read_matchers(silence.matchers), labels_of(episode)
    )


def labels_of(episode: Episode) -> dict[str, str]:
    """What matchers compare: texts."""
    group = {name: _as_text(value) for name, value in episode.group.items() if value is not None}
    return group | {"rule": episode.rule.name, "severity": episode.rule_version.severity}


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _covers(prefixes: Sequence[str], types: Sequence[str] | None) -> bool:
    """As far as who made the silence may change rules; the product's own events tell of every subject there is."""
    if "" in prefixes:
        return True
    if types is None or set(types) & set(EVENT_TYPES):
        return False
    return all(name.startswith(tuple(prefixes)) for name in types)


def _hold_again(silence: Silence, now: datetime) -> None:
    """What waits about episodes that the silence reaches waits as long as it has to now."""
    waiting = held_of(ABOUT)
    keys = {key for key, _ in waiting if key.isdigit()}
    rows = (
        Episode.objects.filter(pk__in=keys)
        .select_related("rule", "rule_version")
        .select_for_update(of=("self",))
    )
    active = list(Silence.objects.active(now))
    reached: Mapping[str, Episode] = {str(one.pk): one for one in rows if reaches(silence, one)}
    channels = {one.target: one for one in Channel.objects.all()}
    for key, target in waiting:
        if (episode := reached.get(key)) is None or not target.startswith(TARGET):
            continue
        channel = channels.get(target)
        quiet = held_until(channel, episode.rule_version.severity, now) if channel else None
        until = latest(quiet, silenced_until(episode, active))
        hold_again(about=ABOUT, about_id=key, target=target, until=until)


def latest(*moments: datetime | None) -> datetime | None:
    return max((one for one in moments if one is not None), default=None)


def _locked(actor: Actor, silence_id: int, now: datetime) -> Silence:
    find_silence(actor, silence_id)
    silence = Silence.objects.select_for_update().get(pk=silence_id)
    for prefix in silence.prefixes:
        actor.require("alert", prefix)
    if silence.ends_at <= now:
        raise InvalidSilence(f"Silence {silence_id} is over. Make a new one.", silence=silence_id)
    return silence


def _read(matchers: Any) -> tuple[Matcher, ...]:
    try:
        return read_matchers(matchers)
    except Unreadable as problem:
        raise InvalidSilence(str(problem), pointer=f"/matchers{problem.pointer}") from None


def _check(reason: str, begins: datetime, ends: datetime, now: datetime) -> None:
    if not reason.strip() or len(reason) > MAX_REASON or "\0" in reason:
        raise InvalidSilence("A silence says why: others will ask.", pointer="/reason")
    if ends <= max(begins, now):
        raise InvalidSilence("A silence ends after it begins, and in the future.", pointer="/ends_at")
    if ends - begins > LONGEST or begins - now > LONGEST:
        raise InvalidSilence(
            f"A silence lasts {LONGEST.days} days at most, and begins within as many.", pointer="/ends_at"
        )


def _record(actor: Actor, action: str, silence: Silence, **details: object) -> None:
    facts = {"reason": silence.reason, "ends_at": silence.ends_at.isoformat(), **details}
    audit.record(actor=actor, action=action, target=f"silence/{silence.pk}", details=facts)
