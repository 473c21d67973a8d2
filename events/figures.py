"""How many events of each type came in, hour by hour: for the catalogue's pages (settings SUBJECT_FIGURES and SUBJECT_TRAFFIC)."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncHour

from events.models import Event, QuarantinedEvent
from registry.figures import Hour


def of_subjects(names: Sequence[str], since: datetime) -> dict[str, list[Hour]]:
    """Stored events with those among them that violate their schema, and quarantined ones, which all count as violating.

    Two statements, whatever the number of names.
    """
    found: dict[str, list[Hour]] = {}
    for name, hour in (*_stored(names, since), *_quarantined(names, since)):
        found.setdefault(name, []).append(hour)
    return found


def of_all(since: datetime) -> dict[str, int]:
    """How many events of each type came in, stored or quarantined (setting SUBJECT_TRAFFIC)."""
    counted: Counter[str] = Counter()
    quarantined = QuarantinedEvent.objects.filter(released_at__isnull=True)
    for rows in (Event.objects.all(), quarantined):
        recent = rows.filter(received_at__gte=since).values_list("event_type")
        counted.update(dict(recent.annotate(count=Count("*")).order_by()))
    return counted


def _stored(names: Sequence[str], since: datetime) -> Iterator[tuple[str, Hour]]:
    for row in _by_hour(Event.objects.all(), names, since).annotate(bad=Count("violations")):
        yield row["event_type"], Hour(row["hour"], row["count"], row["bad"])


def _quarantined(names: Sequence[str], since: datetime) -> Iterator[tuple[str, Hour]]:
    for row in _by_hour(QuarantinedEvent.objects.filter(released_at__isnull=True), names, since):
        yield row["event_type"], Hour(row["hour"], row["count"], row["count"])


def _by_hour(rows: QuerySet[Any], names: Sequence[str], since: datetime) -> QuerySet[Any, dict[str, Any]]:
    chosen = rows.filter(event_type__in=names, received_at__gte=since)
    counted: QuerySet[Any, dict[str, Any]] = (
        chosen.values("event_type", hour=TruncHour("received_at")).annotate(count=Count("*")).order_by()
    )
    return counted
