"""Putting quarantined events out of sight that nobody is going to mend, and bringing them back: nothing is deleted."""

from django.db import transaction
from django.db.models.functions import Now

from access import audit
from access.actor import Actor
from events.held import HeldFilters, within
from events.models import QuarantinedEvent
from events.query import visible_quarantine


def set_aside(*, actor: Actor, filters: HeldFilters) -> int:
    """Takes what waits and fits out of the quarantine's lists; how many events. Raises Forbidden without `ingest` on any type.

    They stay byte for byte, count how often they are sent again, and come back with `bring_back`.
    """
    return _move(actor, filters, aside=True)


def bring_back(*, actor: Actor, filters: HeldFilters) -> int:
    """Undoes `set_aside` for what fits; how many events. Raises Forbidden without `ingest` on any type."""
    return _move(actor, filters, aside=False)


def _move(actor: Actor, filters: HeldFilters, *, aside: bool) -> int:
    actor.require("ingest")
    there = QuarantinedEvent.objects.filter(released_at__isnull=True, set_aside_at__isnull=aside)
    fitting = there & visible_quarantine(actor).filter(filters.condition())
    with transaction.atomic():
        # One statement: a re-drive that holds one of them is waited for, and what it let in is no longer here.
        moved = within(fitting, actor.readable_prefixes("ingest")).update(
            set_aside_at=Now() if aside else None
        )
        audit.record(
            actor=actor,
            action="quarantine.set_aside" if aside else "quarantine.brought_back",
            target="quarantine",
            details={"events": moved, **filters.chosen},
        )
    return moved
