"""Letting a quarantined event into the log after all, when the catalogue has come to accept it."""

from django.db import transaction
from django.utils import timezone

from access import audit
from access.actor import Actor
from events.errors import NotReleasable, QuarantinedEventNotFound
from events.ingest import Held, ingest_again
from events.models import QuarantinedEvent
from events.query import visible_types
from events.redrive import LET_IN
from events.store import Outcome


def release_event(*, actor: Actor, quarantined_id: int) -> Outcome:
    """Judges the event by the catalogue of today and stores it under its id, with the producer it came from.

    Raises QuarantinedEventNotFound, Forbidden without `ingest` on its type, and NotReleasable, with the violations,
    when it would be quarantined again, or was released before.
    """
    with transaction.atomic():
        row = (
            QuarantinedEvent.objects.select_for_update()
            .filter(visible_types(actor), pk=quarantined_id)
            .first()
        )
        if row is None:
            raise QuarantinedEventNotFound(
                f"There is no quarantined event {quarantined_id} that you may see.", id=quarantined_id
            )
        actor.require("ingest", row.event_type)
        if row.released_at is not None:
            raise NotReleasable(
                f"Event '{row.event_id}' was released before.", event_id=row.event_id, errors=[]
            )
        (outcome,) = ingest_again(held=[Held(bytes(row.raw), row.event_id, row.producer, row.received_at)])
        if outcome.status not in LET_IN:
            raise NotReleasable(
                f"Event '{row.event_id}' would be {outcome.status} today as well: "
                + "; ".join(problem["message"] for problem in outcome.errors[:3]),
                event_id=row.event_id,
                errors=outcome.errors,
            )
        row.released_at = timezone.now()
        row.save(update_fields=["released_at"])
        audit.record(
            actor=actor,
            action="event.released",
            target=f"event/{row.event_id}",
            details={"event_type": row.event_type, "status": outcome.status},
        )
    return outcome
