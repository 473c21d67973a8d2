"""E-mail, one message for each recipient, so that each arrives or fails by itself; an episode is one thread."""

import hashlib
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email
from django.template.loader import render_to_string

from access.models import Delivery
from access.transport import MAILTO
from alerts.channel_kinds.kind import TOGETHER, ChannelKind, Message, colour_of, cut
from alerts.errors import InvalidChannel
from alerts.models import Channel
from alerts.told import Told

MAX_RECIPIENTS = 50


def _check(channel: Channel) -> None:
    if not settings.SENDS_EMAIL:
        raise InvalidChannel("This deployment sends no e-mail: an operator sets EMAIL_URL.", pointer="/kind")
    channel.recipients = list(dict.fromkeys(channel.recipients))
    if not 1 <= len(channel.recipients) <= MAX_RECIPIENTS:
        raise InvalidChannel(f"Between 1 and {MAX_RECIPIENTS} addresses, please.", pointer="/recipients")
    for recipient in channel.recipients:
        try:
            validate_email(recipient)
        except ValidationError:
            raise InvalidChannel(
                f"'{recipient[:100]}' is no e-mail address.", pointer="/recipients"
            ) from None


def _messages(channel: Channel, told: Told) -> list[Message]:
    return [_to(recipient, channel, told) for recipient in channel.recipients]


def _to(recipient: str, channel: Channel, told: Told) -> Message:
    suffix = "-" + hashlib.sha256(recipient.encode()).hexdigest()[:12]
    mail = EmailMultiAlternatives(
        subject=_subject(told),
        body=render_to_string("alerts/mail.txt", {"told": told, "channel": channel}),
        from_email=settings.DEFAULT_FROM_EMAIL,
        to=[recipient],
        headers=_headers(channel, told, suffix),
    )
    html = {"told": told, "channel": channel, "colour": colour_of(told)}
    mail.attach_alternative(render_to_string("alerts/mail.html", html), "text/html")
    return Message(
        MAILTO + recipient,
        mail.message().as_bytes(linesep="\r\n"),  # type: ignore[call-arg]  # Django adds it
        suffix=suffix,
        transport=Delivery.Transport.EMAIL,
    )


def _subject(told: Told) -> str:
    """The same for one episode, since some programs thread by it; what happened stands in the first line."""
    again = "Re: " if told.resolved else ""
    return again + " ".join(cut(f"{told.severity}: {told.title}", 200).split())


def _headers(channel: Channel, told: Told, suffix: str) -> dict[str, str]:
    host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    first = f"<{told.thread}-{channel.pk}{suffix}@{host}>"
    # Nobody's holiday notice answers this, and no other robot either.
    headers = {"Auto-Submitted": "auto-generated", "Message-ID": first}
    if told.resolved:
        headers["Message-ID"] = f"<{told.thread}-{channel.pk}{suffix}-resolved@{host}>"
        headers["In-Reply-To"] = headers["References"] = first
    return headers


def _place(channel: Channel) -> str:
    count = len(channel.recipients)
    return "1 address" if count == 1 else f"{count} addresses"


KIND = ChannelKind(
    "email",
    frozenset({"recipients", "title_template", "text_template", *TOGETHER}),
    _check,
    _messages,
    _place,
)
