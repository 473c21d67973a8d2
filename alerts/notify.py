"""What the world is told about an episode: one outbox row per channel, in the transaction that changes it."""

from datetime import datetime
from typing import Any, Literal

from django.conf import settings
from django.urls import reverse

from access.delivery import enqueue_delivery
from access.models import Delivery
from alerts.models import Channel, Episode
from events.models import Event

ABOUT = "alerts.episode"
# Events shown in a notification; the episode's page has more.
EVENTS_TOLD = 5

What = Literal["firing", "resolved"]


def notify(*, episode: Episode, what: What, channels: list[Channel], now: datetime) -> list[Delivery]:
    """Writes one message per enabled channel. Telling the same thing again changes nothing."""
    if not channels:
        return []
    payload = payload_of(episode, what, now)
    return [
        enqueue_delivery(
            message_id=f"episode-{episode.pk}-{what}-{channel.pk}",
            about=ABOUT,
            about_id=episode.pk,
            url=channel.url,
            secret=channel.secret,
            payload=payload,
        )
        for channel in channels
    ]


def payload_of(episode: Episode, what: What, now: datetime) -> dict[str, Any]:
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
            "threshold": edition.threshold,
            "window_seconds": edition.window_seconds,
            "episode": {
                "id": episode.pk,
                "number": episode.number,
                "state": episode.state,
                "started_at": episode.started_at,
                "fired_at": episode.fired_at,
                "last_match_at": episode.last_match_at,
                "resolved_at": episode.resolved_at,
                "ended_by": episode.ended_by,
                "matches": episode.matches,
                "url": settings.PUBLIC_URL + reverse("episode", args=[episode.pk]),
            },
            "evidence": [_event(event) for event in first_events(episode)],
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


def _event(event: Event) -> dict[str, Any]:
    return {
        "event_id": event.event_id,
        "event_type": event.event_type,
        "node_id": event.node_id,
        "error_code": event.error_code,
        "correlation_id": event.correlation_id,
        "occurred_at": event.occurred_at,
        "url": settings.PUBLIC_URL + reverse("event", args=[event.event_id]),
    }
