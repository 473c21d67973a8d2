"""What is told about an episode, in words that every kind of channel can put into its own shape."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from django.conf import settings
from django.urls import reverse

from access.actor import Actor
from alerts.kind_words import events, measured
from alerts.models import Channel, Episode, Kind, Severity
from events.models import Event

# Events shown in a notification; the episode's page has more.
EVENTS_TOLD = 5

What = Literal["firing", "resolved", "test"]


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Told:
    """One thing to tell. `thread` is the same for everything about one episode."""

    what: What
    at: datetime
    thread: str
    severity: str
    title: str
    sentence: str
    facts: tuple[tuple[str, str], ...]
    links: tuple[Link, ...]
    # The body of a webhook: type, timestamp, data.
    payload: Mapping[str, Any]

    @property
    def resolved(self) -> bool:
        return self.what == "resolved"


def about_episode(episode: Episode, what: Literal["firing", "resolved"], at: datetime) -> Told:
    events = first_events(episode)
    edition = episode.rule_version
    page = settings.PUBLIC_URL + reverse("episode", args=[episode.pk])
    group = ", ".join(f"{name} {value}" for name, value in episode.group.items())
    shown = [Link(f"{event.event_type} {event.event_id}", _page_of(event)) for event in events]
    return Told(
        what=what,
        at=at,
        thread=f"episode-{episode.pk}",
        severity=edition.severity,
        title=f"{episode.rule.name}: {group}" if group else episode.rule.name,
        sentence=_sentence(episode, what),
        facts=tuple((name, value) for name, value in _facts(episode) if value),
        links=(Link("Episode", page), *shown),
        payload=payload_of(episode, what, at, events),
    )


def about_test(channel: Channel, actor: Actor, number: str, at: datetime) -> Told:
    return Told(
        what="test",
        at=at,
        thread=f"test-{number}",
        severity=Severity.INFO,
        title=f"Test of the channel {channel.name}",
        sentence=f"{actor.label} tries whether notifications arrive here. Nothing is wrong.",
        facts=(),
        links=(Link("Channel", settings.PUBLIC_URL + reverse("channel", args=[channel.pk])),),
        payload={
            "type": "alert.test",
            "timestamp": at,
            "data": {"channel": channel.name, "sent_by": actor.label},
        },
    )


def _sentence(episode: Episode, what: What) -> str:
    if what == "firing":
        still = "Still firing, and nobody sees to it, since" if episode.reminders else "Firing since"
        return f"{still} {_moment(episode.fired_at)}: {measured(episode)}."
    if episode.ended_by:
        return f"Ended: {episode.ended_by}"
    lasted = (episode.resolved_at or episode.closes_at) - episode.fired_at
    if episode.rule_version.kind == Kind.ABSENCE:
        return f"Resolved after {_duration(lasted)}: heard of again, or forgotten."
    return (
        f"Resolved after {_duration(lasted)}: {measured(episode)} at most, {events(episode.matches)} in all."
    )


def _facts(episode: Episode) -> list[tuple[str, str]]:
    edition = episode.rule_version
    return [
        ("Severity", edition.severity),
        *((str(name), str(value)) for name, value in episode.group.items()),
        ("Began", _moment(episode.started_at)),
        ("Resolved", _moment(episode.resolved_at) if episode.resolved_at else ""),
        ("What to do", edition.description),
    ]


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _duration(length: timedelta) -> str:
    seconds = max(0, round(length.total_seconds()))
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds} s"


def payload_of(episode: Episode, what: What, now: datetime, events: list[Event]) -> dict[str, Any]:
    """The body in the shape of Standard Webhooks: type, timestamp, data."""
    edition, rule = episode.rule_version, episode.rule
    return {
        "type": f"alert.{what}",
        "timestamp": now,
        "data": {
            "rule": {
                "id": rule.pk,
                "name": rule.name,
                "edition": edition.number,
                "description": edition.description,
                "url": settings.PUBLIC_URL + reverse("rule", args=[rule.pk]),
            },
            "severity": edition.severity,
            "group": episode.group,
            "kind": edition.kind,
            "count": episode.peak,
            "share": episode.share,
            "percent": None if edition.percent is None else float(edition.percent),
            "value": episode.value,
            "limit": None if edition.limit is None else float(edition.limit),
            "factor": None if edition.factor is None else float(edition.factor),
            "threshold": edition.threshold,
            "window_seconds": edition.window_seconds,
            "episode": {
                "id": episode.pk,
                "number": episode.number,
                "reminders": episode.reminders,
                "state": episode.state,
                "started_at": episode.started_at,
                "fired_at": episode.fired_at,
                "last_match_at": episode.last_match_at,
                "resolved_at": episode.resolved_at,
                "ended_by": episode.ended_by,
                "matches": episode.matches,
                "url": settings.PUBLIC_URL + reverse("episode", args=[episode.pk]),
            },
            "evidence": [_event(event) for event in events],
        },
    }


def first_events(episode: Episode) -> list[Event]:
    positions = list(episode.evidence.values_list("position", flat=True)[:EVENTS_TOLD])
    return sorted(
        Event.everything.filter(position__in=positions).only(
            "position",
            "received_at",
            "occurred_at",
            "event_id",
            "event_type",
            "node_id",
            "error_code",
            "correlation_id",
        ),
        key=lambda event: (event.occurred_at, event.position),
    )


def _page_of(event: Event) -> str:
    return f"{settings.PUBLIC_URL}{reverse('event', args=[event.event_id])}"


def _event(event: Event) -> dict[str, Any]:
    return {
        "event_id": event.event_id,
        "event_type": event.event_type,
        "node_id": event.node_id,
        "error_code": event.error_code,
        "correlation_id": event.correlation_id,
        "occurred_at": event.occurred_at,
        "url": _page_of(event),
    }
