"""Sends again what was given up, and stops what is still being tried."""

from django.db import transaction
from django.utils import timezone

from access import audit
from access.actor import Actor
from access.delivery import ALERT_SCHEDULE
from access.errors import DeliveryNotFinished, DeliveryNotFound
from access.models import Delivery
from access.signals import deliveries_due

# Sent again at once; whoever has more dead messages than that asks once more.
REDELIVER_MOST = 1000


def redeliver(*, actor: Actor, delivery_id: int) -> Delivery:
    """Sends a finished message once more, under the same id and with a fresh schedule.

    Raises DeliveryNotFound, DeliveryNotFinished while it is still being tried, Forbidden.
    """
    with transaction.atomic():
        delivery = _locked(actor, delivery_id)
        if delivery.state == Delivery.State.DUE:
            raise DeliveryNotFinished(
                f"Delivery {delivery_id} is still being tried.", delivery_id=delivery_id
            )
        delivery.state, delivery.finished_at = Delivery.State.DUE, None
        delivery.schedule, delivery.next_attempt_at = list(ALERT_SCHEDULE), timezone.now()
        delivery.save(update_fields=["state", "finished_at", "schedule", "next_attempt_at"])
        audit.record(actor=actor, action="delivery.redelivered", target=f"delivery/{delivery_id}", details={})
        transaction.on_commit(lambda: deliveries_due.send(sender=Delivery))
    return delivery


def redeliver_dead(*, actor: Actor, target: str, about: str) -> int:
    """Sends again what could not be delivered through a target, the oldest first, up to REDELIVER_MOST; how many it is.

    Raises Forbidden.
    """
    actor.require_everywhere("alert")
    with transaction.atomic():
        # A worker or a second caller that looks at a row keeps it; both would do the same.
        dead = Delivery.objects.select_for_update(skip_locked=True).filter(
            target=target, about=about, state=Delivery.State.DEAD
        )
        chosen = list(dead.order_by("id").values_list("id", flat=True)[:REDELIVER_MOST])
        Delivery.objects.filter(pk__in=chosen).update(
            state=Delivery.State.DUE,
            finished_at=None,
            schedule=list(ALERT_SCHEDULE),
            next_attempt_at=timezone.now(),
        )
        if chosen:
            details: dict[str, object] = {"count": len(chosen), "first": chosen[0], "last": chosen[-1]}
            audit.record(actor=actor, action="delivery.redelivered_all", target=target, details=details)
            transaction.on_commit(lambda: deliveries_due.send(sender=Delivery))
    return len(chosen)


def cancel_delivery(*, actor: Actor, delivery_id: int) -> Delivery:
    """Stops trying; a finished delivery stays as it is. An attempt under way cannot be called back.

    Raises DeliveryNotFound, Forbidden.
    """
    with transaction.atomic():
        delivery = _locked(actor, delivery_id)
        if delivery.state == Delivery.State.DUE:
            delivery.state, delivery.finished_at = Delivery.State.CANCELLED, timezone.now()
            delivery.leased_until = None
            delivery.save(update_fields=["state", "finished_at", "leased_until"])
            audit.record(
                actor=actor, action="delivery.cancelled", target=f"delivery/{delivery_id}", details={}
            )
    return delivery


def _locked(actor: Actor, delivery_id: int) -> Delivery:
    actor.require_everywhere("alert")
    delivery = Delivery.objects.select_for_update().filter(pk=delivery_id).first()
    if delivery is None:
        raise DeliveryNotFound(f"There is no delivery {delivery_id}.", delivery_id=delivery_id)
    return delivery
