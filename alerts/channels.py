"""Makes, edits, tests and deletes channels. They are shared by all rules, so changing one takes `alert` everywhere."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time

from django.db import IntegrityError, transaction
from django.utils import timezone

from access import audit
from access.actor import Actor
from access.delivery_health import expect_again, forget_health
from access.models import Delivery
from access.redeliver import redeliver_dead
from access.signing import PRIVATE, new_private_key, new_secret
from alerts.channel_kinds import KINDS
from alerts.channel_kinds.kind import PARTS
from alerts.errors import ChannelNameTaken, ChannelNotFound, InvalidChannel
from alerts.models import ABOUT as ABOUT_EPISODE
from alerts.models import Channel
from alerts.notify import write_messages
from alerts.quiet import check_quiet_hours
from alerts.told import about_test
from alerts.wording import check_templates

ABOUT = "alerts.channel"
MAX_GATHER_SECONDS, MAX_PER_MINUTE = 3_600, 10_000


@dataclass(frozen=True, slots=True)
class ChannelSpec:
    """What somebody wants a channel to be. `secret` "" keeps the one there is, or makes one; `kind` "" likewise."""

    name: str
    url: str = ""
    secret: str = ""
    # Of a webhook: v1 or v1a; "" keeps what there is.
    signature: str = ""
    recipients: Sequence[str] = ()
    title_template: str = ""
    text_template: str = ""
    quiet_from: time | None = None
    quiet_until: time | None = None
    time_zone: str = "UTC"
    gather_seconds: int = 0
    most_per_minute: int | None = None
    enabled: bool = True
    kind: str = ""


def create_channel(*, actor: Actor, spec: ChannelSpec) -> Channel:
    """Raises Forbidden, TargetRefused (naming OUTBOUND_ALLOW), SecretInvalid, InvalidChannel, ChannelNameTaken."""
    actor.require_everywhere("alert")
    with transaction.atomic():
        channel = Channel(kind=spec.kind or Channel.Kind.WEBHOOK, created_by=actor.label)
        _fill(channel, spec)
        _save(channel)
        _record(actor, "channel.create", channel)
    return channel


def edit_channel(*, actor: Actor, channel_id: int, spec: ChannelSpec) -> Channel:
    """Messages that wait already go where they were meant to go. Raises what `create_channel` does."""
    actor.require_everywhere("alert")
    with transaction.atomic():
        channel = _locked(channel_id)
        if spec.kind not in {"", channel.kind}:
            raise InvalidChannel(
                f"A channel stays what it is ({channel.kind}); make a new one for {spec.kind}.",
                pointer="/kind",
            )
        before = channel.secret
        _fill(channel, spec)
        _save(channel)
        if channel.enabled:
            expect_again(channel.target)
        _record(actor, "channel.edit", channel, new_secret=channel.secret != before)
    return channel


def delete_channel(*, actor: Actor, channel_id: int) -> None:
    """Takes it from its rules, too. Messages that wait already are still sent."""
    actor.require_everywhere("alert")
    with transaction.atomic():
        channel = _locked(channel_id)
        rules = sorted(channel.rules.living().values_list("name", flat=True))
        _record(actor, "channel.delete", channel, rules=rules)
        forget_health(channel.target)
        channel.delete()


def send_test(*, actor: Actor, channel_id: int) -> list[Delivery]:
    """Sends messages of type `alert.test`, by the same way as notifications: one, or one for each recipient."""
    actor.require_everywhere("alert")
    with transaction.atomic():
        channel = _locked(channel_id)
        number = str(uuid.uuid4())
        sent = write_messages(
            channel=channel,
            told=about_test(channel, actor, number, timezone.now()),
            message_id=f"test-{channel.pk}-{number}",
            about=ABOUT,
            about_id=channel.pk,
            # Somebody is waiting for the answer: once, and not again in half an hour.
            schedule=(),
        )
        _record(actor, "channel.test", channel, deliveries=[one.pk for one in sent])
    return sent


def redeliver_all(*, actor: Actor, channel_id: int) -> int:
    """Sends again the notifications that this channel could not deliver; how many. Tests are not.

    A receiver that was gone is told again. Raises ChannelNotFound, Forbidden.
    """
    actor.require_everywhere("alert")
    with transaction.atomic():
        channel = _locked(channel_id)
        expect_again(channel.target)
        return redeliver_dead(actor=actor, target=channel.target, about=ABOUT_EPISODE)


def _fill(channel: Channel, spec: ChannelSpec) -> None:
    """What the kind of the channel has, checked by it; whatever else was said is refused rather than forgotten."""
    if not spec.name.strip() or len(spec.name) > 100:
        raise InvalidChannel("A channel has a name of 1 to 100 characters.", pointer="/name")
    kind = KINDS[channel.kind]
    for part in PARTS:
        if getattr(spec, part) and part not in kind.parts:
            raise InvalidChannel(f"A channel of the kind {kind.name} has no {part}.", pointer=f"/{part}")
    check_templates(title=spec.title_template, text=spec.text_template)
    channel.title_template, channel.text_template = spec.title_template, spec.text_template
    channel.name, channel.enabled = spec.name, spec.enabled
    channel.url, channel.recipients = spec.url, list(spec.recipients)
    channel.secret = _secret(channel, spec)
    channel.quiet_from, channel.quiet_until = spec.quiet_from, spec.quiet_until
    channel.time_zone = spec.time_zone
    _set_together(channel, spec)
    check_quiet_hours(channel)
    kind.check(channel)


def _set_together(channel: Channel, spec: ChannelSpec) -> None:
    wait, most = spec.gather_seconds, spec.most_per_minute
    if isinstance(wait, bool) or not isinstance(wait, int) or not 0 <= wait <= MAX_GATHER_SECONDS:
        raise InvalidChannel(
            f"gather_seconds is a whole number from 0 to {MAX_GATHER_SECONDS}.", pointer="/gather_seconds"
        )
    if most is not None and (
        isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= MAX_PER_MINUTE
    ):
        raise InvalidChannel(
            f"most_per_minute is a whole number from 1 to {MAX_PER_MINUTE}.", pointer="/most_per_minute"
        )
    channel.gather_seconds, channel.most_per_minute = wait, most


def _secret(channel: Channel, spec: ChannelSpec) -> str:
    """Private keys are made here and never brought along: whoever brings one knows it."""
    if spec.secret.startswith(PRIVATE) or (spec.secret and spec.signature == Channel.Signature.V1A):
        raise InvalidChannel("The key pair of v1a is made here; leave the secret empty.", pointer="/secret")
    if spec.secret or spec.signature in {"", channel.signature}:
        return spec.secret or channel.secret
    if spec.signature == Channel.Signature.V1A:
        return new_private_key()
    if channel.pk:
        # One made now would be shown to nobody: secrets are shown when a channel is made.
        raise InvalidChannel(
            "To sign with v1 again, enter the secret that the receiver has.", pointer="/secret"
        )
    return new_secret()


def _locked(channel_id: int) -> Channel:
    try:
        return Channel.objects.select_for_update().get(pk=channel_id)
    except Channel.DoesNotExist:
        raise ChannelNotFound.of(channel_id) from None


def _save(channel: Channel) -> None:
    try:
        with transaction.atomic():
            channel.save()
    except IntegrityError:
        raise ChannelNameTaken(
            f"There is a channel named '{channel.name}' already.", pointer="/name"
        ) from None


def _record(actor: Actor, action: str, channel: Channel, **details: object) -> None:
    place = KINDS[channel.kind].place(channel)
    facts = {
        "name": channel.name,
        "kind": channel.kind,
        "place": place,
        "enabled": channel.enabled,
        **details,
    }
    audit.record(actor=actor, action=action, target=f"channel/{channel.pk}", details=facts)
