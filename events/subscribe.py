"""Makes, edits, pauses, tests and deletes subscriptions to changes of the catalogue."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet

from access import audit
from access.actor import Actor
from access.errors import ProductError
from access.models import Delivery
from access.outbound import check_target, place_of
from access.signing import key_of, new_secret
from events.changes import EVENT_TYPES
from events.cloudevents import ABOUT, send
from events.errors import InvalidSubscription, SubscriptionNameTaken, SubscriptionNotFound
from events.models import Subscription, SubscriptionQuerySet


@dataclass(frozen=True, slots=True)
class SubscriptionSpec:
    """What somebody wants to be told. `secret` "" keeps the one there is, or makes one; no `kinds` means all."""

    name: str
    url: str
    subject_prefix: str = ""
    kinds: Sequence[str] = ()
    format: str = Subscription.Format.STRUCTURED
    secret: str = ""
    enabled: bool = True


def create_subscription(*, actor: Actor, spec: SubscriptionSpec) -> Subscription:
    """Tells of what changes from now on. Takes the scopes alert and read on the whole prefix.

    Raises Forbidden, TargetRefused (naming OUTBOUND_ALLOW), SecretInvalid, InvalidSubscription, SubscriptionNameTaken.
    """
    _check(actor, spec)
    with transaction.atomic():
        row = Subscription(secret=new_secret(), created_by=actor.label)
        _write(row, spec)
        _record(actor, "subscription.create", row)
    return row


def edit_subscription(*, actor: Actor, subscription_id: int, spec: SubscriptionSpec) -> Subscription:
    """Messages that wait already go where they were meant to go. Raises what `create_subscription` does."""
    _check(actor, spec)
    with transaction.atomic():
        row = _locked(actor, subscription_id)
        _write(row, spec)
        _record(actor, "subscription.edit", row, new_secret=bool(spec.secret))
    return row


def switch_subscription(*, actor: Actor, subscription_id: int, enabled: bool) -> Subscription:
    """Pauses it or lets it go on; what was changed during the pause is not made up for."""
    with transaction.atomic():
        row = _locked(actor, subscription_id)
        if row.enabled != enabled:
            row.enabled = enabled
            row.save(update_fields=["enabled"])
            _record(actor, "subscription.resume" if enabled else "subscription.pause", row)
    return row


def delete_subscription(*, actor: Actor, subscription_id: int) -> None:
    """Messages that wait already are still sent."""
    with transaction.atomic():
        row = _locked(actor, subscription_id)
        _record(actor, "subscription.delete", row)
        row.delete()


def send_test(*, actor: Actor, subscription_id: int) -> Delivery:
    """Sends a CloudEvent of type `registry.test`, by the same way as changes."""
    with transaction.atomic():
        row = _locked(actor, subscription_id)
        event = {
            "specversion": "1.0",
            "id": str(uuid.uuid4()),
            "source": settings.PUBLIC_URL,
            "type": "registry.test",
            "time": datetime.now(UTC).isoformat(),
            "datacontenttype": "application/json",
            "data": {"subscription": row.name, "actor": actor.label.partition("/")[0]},
        }
        # Somebody is waiting for the answer: once, and not again in half an hour.
        delivery = send(row, event, message_id=f"test-{event['id']}", schedule=())
        _record(actor, "subscription.test", row, delivery=delivery.pk)
    return delivery


def subscriptions_for(actor: Actor) -> SubscriptionQuerySet:
    """Those that the actor may change. Raises Forbidden without the scope alert."""
    actor.require("alert")
    return Subscription.objects.visible_to(actor)


def find_subscription(actor: Actor, subscription_id: int) -> Subscription:
    """Raises SubscriptionNotFound also when the actor may not see it."""
    found = subscriptions_for(actor).filter(pk=subscription_id).first()
    if found is None:
        raise SubscriptionNotFound.of(subscription_id)
    return found


def deliveries_of(subscription: Subscription) -> QuerySet[Delivery]:
    """What was sent and what became of it, with every attempt; `behind`: it waits for an earlier one to the same address."""
    sent = Delivery.objects.filter(about=ABOUT, about_id=str(subscription.pk))
    earlier = sent.filter(state=Delivery.State.DUE, url=OuterRef("url"), id__lt=OuterRef("id"))
    return sent.annotate(behind=Exists(earlier)).prefetch_related("log")


def _check(actor: Actor, spec: SubscriptionSpec) -> None:
    """The person is asked first: others must not learn what this server may reach."""
    actor.require("alert", spec.subject_prefix)
    actor.require("read", spec.subject_prefix)
    if not spec.name.strip() or len(spec.name) > 100:
        raise InvalidSubscription("A subscription has a name of 1 to 100 characters.", pointer="/name")
    if len(spec.subject_prefix) > 255:
        raise InvalidSubscription("A prefix has at most 255 characters.", pointer="/subject_prefix")
    for index, kind in enumerate(spec.kinds):
        if kind not in EVENT_TYPES:
            raise InvalidSubscription(
                f"'{kind[:100]}' is no kind of change. They are: {', '.join(sorted(EVENT_TYPES))}.",
                pointer=f"/kinds/{index}",
            )
    if spec.format not in Subscription.Format.values:
        raise InvalidSubscription("The format is 'structured' or 'binary'.", pointer="/format")
    if len(spec.url) > 2000:
        raise InvalidSubscription("An address has at most 2000 characters.", pointer="/url")
    with _pointing_at("/url"):
        check_target(spec.url)
    if spec.secret:
        with _pointing_at("/secret"):
            key_of(spec.secret)


@contextmanager
def _pointing_at(pointer: str) -> Iterator[None]:
    """Says in which member the refused value stood."""
    try:
        yield
    except ProductError as refused:
        refused.facts.setdefault("pointer", pointer)
        raise


def _locked(actor: Actor, subscription_id: int) -> Subscription:
    found = subscriptions_for(actor).select_for_update().filter(pk=subscription_id).first()
    if found is None:
        raise SubscriptionNotFound.of(subscription_id)
    return found


def _write(row: Subscription, spec: SubscriptionSpec) -> None:
    row.name, row.url, row.subject_prefix = spec.name, spec.url, spec.subject_prefix
    row.kinds, row.format, row.enabled = sorted(set(spec.kinds)), spec.format, spec.enabled
    row.secret = spec.secret or row.secret
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise SubscriptionNameTaken(
            f"There is a subscription named '{spec.name}' already.", pointer="/name"
        ) from None


def _record(actor: Actor, action: str, row: Subscription, **details: object) -> None:
    facts = {
        "name": row.name,
        "subject_prefix": row.subject_prefix,
        "kinds": row.kinds,
        "place": place_of(row.url),
        "enabled": row.enabled,
        **details,
    }
    audit.record(actor=actor, action=action, target=f"subscription/{row.pk}", details=facts)
