"""Makes, edits, tests and deletes channels. They are shared by all rules, so changing one takes `alert` everywhere."""

import uuid
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone

from access import audit
from access.actor import Actor
from access.delivery import enqueue_delivery
from access.errors import ProductError
from access.models import Delivery
from access.outbound import check_target, place_of
from access.signing import key_of, new_secret
from alerts.errors import ChannelNameTaken, ChannelNotFound, InvalidChannel
from alerts.models import Channel

ABOUT = "alerts.channel"


@dataclass(frozen=True, slots=True)
class ChannelSpec:
    """What somebody wants a channel to be. `secret` "" keeps the one there is, or makes one."""

    name: str
    url: str
    secret: str = ""
    enabled: bool = True


def create_channel(*, actor: Actor, spec: ChannelSpec) -> Channel:
    """Raises Forbidden, TargetRefused (naming OUTBOUND_ALLOW), SecretInvalid, InvalidChannel, ChannelNameTaken."""
    _check(actor, spec)
    with transaction.atomic():
        channel = Channel(
            name=spec.name,
            url=spec.url,
            secret=spec.secret or new_secret(),
            enabled=spec.enabled,
            created_by=actor.label,
        )
        _save(channel)
        _record(actor, "channel.create", channel)
    return channel


def edit_channel(*, actor: Actor, channel_id: int, spec: ChannelSpec) -> Channel:
    """Messages that wait already go where they were meant to go. Raises what `create_channel` does."""
    _check(actor, spec)
    with transaction.atomic():
        channel = _locked(channel_id)
        channel.name, channel.url, channel.enabled = spec.name, spec.url, spec.enabled
        channel.secret = spec.secret or channel.secret
        _save(channel)
        _record(actor, "channel.edit", channel, new_secret=bool(spec.secret))
    return channel


def delete_channel(*, actor: Actor, channel_id: int) -> None:
    """Takes it from its rules, too. Messages that wait already are still sent."""
    actor.require_everywhere("alert")
    with transaction.atomic():
        channel = _locked(channel_id)
        rules = sorted(channel.rules.living().values_list("name", flat=True))
        _record(actor, "channel.delete", channel, rules=rules)
        channel.delete()


def send_test(*, actor: Actor, channel_id: int) -> Delivery:
    """Sends a message of type `alert.test`, by the same way as notifications."""
    actor.require_everywhere("alert")
    with transaction.atomic():
        channel = _locked(channel_id)
        delivery = enqueue_delivery(
            message_id=f"test-{channel.pk}-{uuid.uuid4()}",
            about=ABOUT,
            about_id=channel.pk,
            url=channel.url,
            secret=channel.secret,
            payload={
                "type": "alert.test",
                "timestamp": timezone.now(),
                "data": {"channel": channel.name, "sent_by": actor.label},
            },
            # Somebody is waiting for the answer: once, and not again in half an hour.
            schedule=(),
        )
        _record(actor, "channel.test", channel, delivery=delivery.pk)
    return delivery


def _check(actor: Actor, spec: ChannelSpec) -> None:
    actor.require_everywhere("alert")
    if not spec.name.strip() or len(spec.name) > 100:
        raise InvalidChannel("A channel has a name of 1 to 100 characters.", pointer="/name")
    if len(spec.url) > 2000:
        raise InvalidChannel("An address has at most 2000 characters.", pointer="/url")
    try:
        check_target(spec.url)
    except ProductError as refused:
        refused.facts.setdefault("pointer", "/url")
        raise
    if spec.secret:
        try:
            key_of(spec.secret)
        except ProductError as unfit:
            unfit.facts.setdefault("pointer", "/secret")
            raise


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
    facts = {"name": channel.name, "place": place_of(channel.url), "enabled": channel.enabled, **details}
    audit.record(actor=actor, action=action, target=f"channel/{channel.pk}", details=facts)
