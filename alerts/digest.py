"""Tells channels of what was gathered for them, in one message: a digest, or the usual message where it is one thing only."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Literal

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from alerts.gathering import ABOUT_DIGEST, is_over_limit
from alerts.kind_words import measured
from alerts.models import ABOUT, Channel, Episode, EpisodeEntry, Gathered, Severity, Silence
from alerts.notify import write_messages
from alerts.quiet import held_until
from alerts.silences import reaches
from alerts.told import Link, Told, about_episode

# Things that one digest takes, tells in words, and gives to a program.
MOST, _LINES, _LISTED = 1_000, 20, 30


def tell_together(now: datetime) -> int:
    """Writes what is due; how many things were told of."""
    due = Gathered.objects.filter(due_at__lte=now).order_by().values_list("channel", flat=True).distinct()
    return sum(_tell(key, now) for key in list(due))


@transaction.atomic
def _tell(channel_id: int, now: datetime) -> int:
    rows = Channel.objects.filter(pk=channel_id).select_for_update(skip_locked=True, no_key=True)
    channel = rows.first()
    if channel is None or is_over_limit(channel, now):
        return 0
    due = Gathered.objects.filter(channel=channel, due_at__lte=now)
    if not Channel.objects.told().filter(pk=channel_id).exists():
        due.delete()
        return 0
    with_words = due.select_related("episode__rule", "episode__rule_version").order_by("id")
    ripe = _without_held(channel, with_words, now)[:MOST]
    if not ripe:
        return 0
    if len(ripe) == 1 and _is_usual(ripe[0]):
        _tell_alone(channel, ripe[0], now)
    else:
        _tell_all(channel, ripe, now)
    Gathered.objects.filter(pk__in=[one.pk for one in ripe]).delete()
    return len(ripe)


def _is_usual(one: Gathered) -> bool:
    """Whether the usual message says it: that something fires which still does, for the first time; or that it is over."""
    if one.what == "resolved":
        return True
    is_first = one.why != Gathered.Why.FLAPPING and not one.episode.reminders
    return is_first and one.episode.state == Episode.State.FIRING


def _without_held(channel: Channel, due: Iterable[Gathered], now: datetime) -> list[Gathered]:
    """Those that no silence and no quiet hours hold; what these hold and is over is dropped."""
    silences = list(Silence.objects.active(now))
    ripe = []
    for one in due:
        held = one.what == "firing" and (
            held_until(channel, one.episode.rule_version.severity, now) is not None
            or any(reaches(silence, one.episode) for silence in silences)
        )
        if not held:
            ripe.append(one)
        elif one.episode.state == Episode.State.RESOLVED:
            one.delete()
    return ripe


def _tell_alone(channel: Channel, one: Gathered, now: datetime) -> None:
    what: Literal["firing", "resolved"] = "firing" if one.what == "firing" else "resolved"
    told = about_episode(one.episode, what, now)
    write_messages(
        channel=channel,
        told=told,
        message_id=f"{told.thread}-{what}-{channel.pk}",
        about=ABOUT,
        about_id=one.episode.pk,
    )


def _tell_all(channel: Channel, gathered: Sequence[Gathered], now: datetime) -> None:
    name = f"digest-{gathered[0].pk}"
    write_messages(
        channel=channel,
        told=_about(channel, name, gathered, now),
        message_id=f"{name}-{channel.pk}",
        about=ABOUT_DIGEST,
        about_id=channel.pk,
        in_its_words=False,
    )
    EpisodeEntry.objects.bulk_create(
        EpisodeEntry(
            episode=one.episode,
            kind=EpisodeEntry.Kind.GATHERED,
            text=f"{name}-{channel.pk}: {one.what}, {one.get_why_display()}",
            by=channel.name,
        )
        for one in gathered
    )


def _about(channel: Channel, name: str, gathered: Sequence[Gathered], now: datetime) -> Told:
    firing = [one for one in gathered if one.episode.state == Episode.State.FIRING]
    rules = Counter(one.episode.rule.name for one in gathered)
    said = ", ".join(f"{rule} ({count})" for rule, count in rules.most_common(3))
    more = f" and {len(rules) - 3} more rules" if len(rules) > 3 else ""
    severity = _worst([one.episode.rule_version.severity for one in gathered])
    inbox = settings.PUBLIC_URL + reverse("episodes")
    return Told(
        what="firing" if firing else "resolved",
        at=now,
        thread=name,
        severity=severity,
        title=f"{len(gathered)} notifications together: {said}{more}",
        sentence=_lines(gathered),
        facts=(("Firing now", str(len({one.episode.pk for one in firing}))),),
        links=(Link("Episodes", inbox), *_links(firing)),
        payload={
            "type": "alert.digest",
            "timestamp": now,
            "data": {
                "channel": channel.name,
                "severity": severity,
                "notifications": len(gathered),
                "firing": len({one.episode.pk for one in firing}),
                "episodes": [_listed(one) for one in gathered[:_LISTED]],
                "more": max(0, len(gathered) - _LISTED),
                "url": inbox,
            },
        },
    )


def _worst(severities: Sequence[str]) -> str:
    return max(severities, key=lambda one: list(Severity.values).index(one))


def _lines(gathered: Sequence[Gathered]) -> str:
    by_group = sorted(gathered, key=_group_of)
    lines = [_line(list(ones)) for _, ones in groupby(by_group, key=_group_of)]
    if len(lines) > _LINES:
        lines = [*lines[:_LINES], f"… and {len(lines) - _LINES} more groups."]
    return "\n".join(lines)


def _group_of(one: Gathered) -> tuple[str, str]:
    return one.episode.rule.name, one.episode.group_key


def _line(ones: Sequence[Gathered]) -> str:
    """`slow nodes, node_id n1: fired 6 times, firing now: 7 events within 1 min`."""
    last = ones[-1].episode
    group = ", ".join(f"{name} {value}" for name, value in last.group.items())
    fired = len({one.episode.pk for one in ones})
    times = f"fired {fired} times, " if fired > 1 else ""
    state = "firing" if last.state == Episode.State.FIRING else "over"
    return f"{last.rule.name}{', ' if group else ''}{group}: {times}{state} now: {measured(last)}"


def _links(firing: Sequence[Gathered]) -> list[Link]:
    shown = {one.episode.pk: one.episode for one in firing}
    return [
        Link(f"{episode.rule.name} #{episode.pk}", _page_of(episode)) for episode in list(shown.values())[:5]
    ]


def _page_of(episode: Episode) -> str:
    return f"{settings.PUBLIC_URL}{reverse('episode', args=[episode.pk])}"


def _listed(one: Gathered) -> dict[str, Any]:
    episode = one.episode
    return {
        "id": episode.pk,
        "rule": {"id": episode.rule_id, "name": episode.rule.name},
        "group": episode.group,
        "severity": episode.rule_version.severity,
        "what": one.what,
        "why": one.why,
        "state": episode.state,
        "fired_at": episode.fired_at,
        "resolved_at": episode.resolved_at,
        "url": _page_of(episode),
    }
