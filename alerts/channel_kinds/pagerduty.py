"""PagerDuty's Events API v2: one incident for each episode, opened and resolved by its dedup_key."""

import re
from typing import Any

from django.conf import settings

from access.models import Delivery
from access.outbound import place_of
from alerts.channel_kinds.kind import ChannelKind, Message, cut
from alerts.errors import InvalidChannel
from alerts.models import Channel
from alerts.told import Told

_KEY = re.compile(r"[A-Za-z0-9]{32}")


def _check(channel: Channel) -> None:
    if not _KEY.fullmatch(channel.secret):
        raise InvalidChannel(
            "An integration key of PagerDuty has 32 letters and digits: "
            "Service → Integrations → Events API V2.",
            pointer="/secret",
        )


def _messages(channel: Channel, told: Told) -> list[Message]:
    if told.resolved:
        return [_message(channel, told, "resolve")]
    if told.what == "firing":
        return [_message(channel, told, "trigger")]
    # A test leaves no incident open.
    return [_message(channel, told, "trigger"), _message(channel, told, "resolve", suffix="-over")]


def _message(channel: Channel, told: Told, action: str, *, suffix: str = "") -> Message:
    body: dict[str, Any] = {
        "event_action": action,
        "dedup_key": f"{settings.PUBLIC_URL}/{told.thread}"[-255:],
    }
    if action == "trigger":
        body |= {
            "client": "Onex Registry",
            "client_url": told.links[0].url,
            "links": [{"href": link.url, "text": cut(link.label, 200)} for link in told.links],
            "payload": _payload(told),
        }
    return Message(
        settings.PAGERDUTY_EVENTS_URL,
        body,
        secret=channel.secret,
        suffix=suffix,
        transport=Delivery.Transport.KEYED,
    )


def _payload(told: Told) -> dict[str, Any]:
    return {
        "summary": cut(f"{told.title}. {told.sentence}", 1024),
        "source": settings.PUBLIC_URL,
        "severity": told.severity,
        "timestamp": told.at,
        "custom_details": dict(told.facts),
    }


def _place(_: Channel) -> str:
    return place_of(settings.PAGERDUTY_EVENTS_URL)


KIND = ChannelKind(
    "pagerduty", frozenset({"secret", "title_template", "text_template"}), _check, _messages, _place
)
