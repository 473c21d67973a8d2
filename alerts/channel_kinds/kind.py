"""What a kind of channel is: what has to be known of a channel, and how something is told through it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from access.models import Delivery
from access.outbound import check_target, place_of
from alerts.errors import InvalidChannel
from alerts.models import Channel
from alerts.told import Told

Part = Literal[
    "url",
    "secret",
    "signature",
    "recipients",
    "title_template",
    "text_template",
    "gather_seconds",
    "most_per_minute",
]
PARTS: tuple[Part, ...] = get_args(Part)
#: Of kinds that can tell of many things in one message.
TOGETHER: tuple[Part, ...] = ("gather_seconds", "most_per_minute")


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it leaves. `suffix` tells it from the others that one channel makes of one thing told."""

    url: str
    body: Mapping[str, Any] | bytes
    secret: str = ""
    suffix: str = ""
    transport: Delivery.Transport = Delivery.Transport.WEBHOOK


@dataclass(frozen=True, slots=True)
class ChannelKind:
    """`parts` are what such a channel has; `check` is given it before it is saved, and fills in what may be missing.

    `place` is what everybody who may see channels may see of where it leads.
    """

    name: str
    parts: frozenset[Part]
    check: Callable[[Channel], None]
    messages: Callable[[Channel, Told], list[Message]]
    place: Callable[[Channel], str]


def check_url(channel: Channel) -> None:
    """Raises TargetRefused (naming OUTBOUND_ALLOW), InvalidChannel."""
    if len(channel.url) > 2000:
        raise InvalidChannel("An address has at most 2000 characters.", pointer="/url")
    check_target(channel.url)


def place_of_url(channel: Channel) -> str:
    return place_of(channel.url)


COLOURS = {"info": "#2563eb", "warning": "#d97706", "error": "#dc2626", "critical": "#991b1b"}
RESOLVED = "#16a34a"


def colour_of(told: Told) -> str:
    return RESOLVED if told.resolved else COLOURS[told.severity]


def cut(text: str, most: int) -> str:
    """With an ellipsis where something is missing: services refuse a message that has one field too long."""
    return text if len(text) <= most else text[: most - 1] + "…"
