"""Going through all events of a query in the order of the log, a stretch of positions at a time, compressed ones included."""

from collections.abc import Iterator
from dataclasses import replace

from django.db.models import Q

from access.actor import Actor
from events.models import Event
from events.query import Filters, find_events
from events.search import judged, newest_cold_position

# Positions, most of which few queries ask for.
STRETCH = 5_000


def stretch(*, actor: Actor, filters: Filters, after: int, until: int) -> list[Event]:
    """The events that fit, of the positions from the one after `after` to `until`, in order."""
    here = Q(position__gt=after, position__lte=until)
    fits: Q = filters.where
    if filters.where and after < newest_cold_position():
        everything = find_events(actor=actor, filters=replace(filters, where=Q())).filter(
            here, document__isnull=True
        )
        cold = list(everything.values_list("position", "raw", "lints"))
        fits |= Q(position__in=judged(cold, filters.where))
    rows = find_events(actor=actor, filters=replace(filters, where=Q())).filter(here & fits)
    return list(rows.defer("document").order_by("position"))


def stretches(*, after: int, head: int) -> Iterator[tuple[int, int]]:
    while after < head:
        until = min(after + STRETCH, head)
        yield after, until
        after = until
