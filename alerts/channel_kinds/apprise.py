"""The Apprise API, run by an operator beside this server: over a hundred services behind one address."""

from alerts.channel_kinds.kind import TOGETHER, ChannelKind, Message, check_url, cut, place_of_url
from alerts.models import Channel
from alerts.told import Told

_TYPES = {"info": "info", "warning": "warning", "error": "failure", "critical": "failure"}


def _messages(channel: Channel, told: Told) -> list[Message]:
    facts = "\n".join(f"{name}: {value}" for name, value in told.facts)
    body = {
        "title": cut(f"{told.what.capitalize()}: {told.title}", 250),
        "body": "\n\n".join(part for part in (told.sentence, cut(facts, 2000), told.links[0].url) if part),
        "type": "success" if told.resolved else _TYPES[told.severity],
        "format": "text",
    }
    return [Message(channel.url, body)]


KIND = ChannelKind(
    "apprise",
    frozenset({"url", "title_template", "text_template", *TOGETHER}),
    check_url,
    _messages,
    place_of_url,
)
