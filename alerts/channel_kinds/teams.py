"""A workflow of Microsoft Teams that posts what a webhook receives: an Adaptive Card."""

from alerts.channel_kinds.kind import TOGETHER, ChannelKind, Message, check_url, cut, place_of_url
from alerts.models import Channel
from alerts.told import Told

_STYLES = {"info": "accent", "warning": "warning", "error": "attention", "critical": "attention"}


def _messages(channel: Channel, told: Told) -> list[Message]:
    heading = {
        "type": "Container",
        "style": "good" if told.resolved else _STYLES[told.severity],
        "bleed": True,
        "items": [_text(f"{told.what.capitalize()}: {told.title}", weight="Bolder")],
    }
    facts = [{"title": cut(name, 100), "value": cut(value, 300)} for name, value in told.facts]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [heading, _text(told.sentence), {"type": "FactSet", "facts": facts}],
        "actions": [
            {"type": "Action.OpenUrl", "title": cut(link.label, 60), "url": link.url} for link in told.links
        ],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return [Message(channel.url, {"type": "message", "attachments": [attachment]})]


def _text(text: str, **how: str) -> dict[str, object]:
    return {"type": "TextBlock", "text": cut(text, 1000), "wrap": True, **how}


KIND = ChannelKind(
    "teams",
    frozenset({"url", "title_template", "text_template", *TOGETHER}),
    check_url,
    _messages,
    place_of_url,
)
