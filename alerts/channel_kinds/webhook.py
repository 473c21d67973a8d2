"""JSON to an address, signed as Standard Webhooks says: with a shared secret (v1), or with a key pair (v1a)."""

from access.signing import key_of, new_secret, public_key_of
from alerts.channel_kinds.kind import TOGETHER, ChannelKind, Message, check_url, place_of_url
from alerts.models import Channel
from alerts.told import Told


def _check(channel: Channel) -> None:
    check_url(channel)
    channel.secret = channel.secret or new_secret()
    if public_key_of(channel.secret) is None:
        key_of(channel.secret)


def _messages(channel: Channel, told: Told) -> list[Message]:
    return [Message(channel.url, told.payload, secret=channel.secret)]


KIND = ChannelKind(
    "webhook", frozenset({"url", "secret", "signature", *TOGETHER}), _check, _messages, place_of_url
)
