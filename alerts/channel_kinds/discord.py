"""A webhook of Discord: one embed, in which nobody is called by name."""

from alerts.channel_kinds.kind import TOGETHER, ChannelKind, Message, check_url, colour_of, cut, place_of_url
from alerts.models import Channel
from alerts.told import Told


def _messages(channel: Channel, told: Told) -> list[Message]:
    fields = [
        {"name": cut(name, 256), "value": cut(value, 1000), "inline": len(value) < 40}
        for name, value in told.facts[:20]
    ]
    embed = {
        "title": cut(f"{told.what.capitalize()}: {told.title}", 256),
        "url": told.links[0].url,
        "description": cut(told.sentence, 1000),
        "color": int(colour_of(told)[1:], 16),
        "timestamp": told.at,
        "fields": fields,
    }
    body = {"username": "Onex Registry", "embeds": [embed], "allowed_mentions": {"parse": []}}
    return [Message(channel.url, body)]


KIND = ChannelKind(
    "discord",
    frozenset({"url", "title_template", "text_template", *TOGETHER}),
    check_url,
    _messages,
    place_of_url,
)
