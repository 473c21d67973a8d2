"""An incoming webhook of Slack, or of what understands the same (Mattermost, Rocket.Chat): one line and blocks."""

from typing import Any

from alerts.channel_kinds.kind import TOGETHER, ChannelKind, Message, check_url, colour_of, cut, place_of_url
from alerts.models import Channel
from alerts.told import Link, Told

# What Slack takes of a text in a section, and of fields.
_TEXT = 2900
_FIELDS = 10


def escaped(text: str) -> str:
    """So that nobody is called (<!channel>) or led astray (<https://…|here>) by what an event says."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _link(link: Link) -> str:
    return f"<{link.url}|{escaped(cut(link.label, 200))}>"


def _blocks(told: Told) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = [_section(escaped(cut(told.sentence, _TEXT)))]
    if told.facts:
        fields = [
            {"type": "mrkdwn", "text": f"*{escaped(cut(name, 100))}*\n{escaped(cut(value, 300))}"}
            for name, value in told.facts[:_FIELDS]
        ]
        blocks.append({"type": "section", "fields": fields})
    if told.links[1:]:
        blocks.append(_section("\n".join(map(_link, told.links[1:]))))
    return blocks


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _messages(channel: Channel, told: Told) -> list[Message]:
    headline = Link(told.title, told.links[0].url)
    body = {
        "text": f"*{told.what.capitalize()}* ({told.severity}): {_link(headline)}",
        "attachments": [
            {"color": colour_of(told), "fallback": escaped(told.sentence), "blocks": _blocks(told)}
        ],
    }
    return [Message(channel.url, body)]


KIND = ChannelKind(
    "slack",
    frozenset({"url", "title_template", "text_template", *TOGETHER}),
    check_url,
    _messages,
    place_of_url,
)
