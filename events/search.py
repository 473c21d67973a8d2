"""Pages of stored events, within a time; conditions on fields look into compressed events, too, so many at a time.

PostgreSQL judges these as it judges the others: their documents are handed to it in the place of the table.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import Max, Q, QuerySet
from django.http import HttpRequest
from psycopg.errors import QueryCanceled

from access.actor import Actor
from access.keyset import PAGE_SIZE, Page, page_of
from events.documents import derived
from events.errors import QueryTooSlow
from events.models import ColdPartition, Event
from events.partitions import bounds_of
from events.query import Filters, find_events

_CHUNK = 1_000
_INSTEAD = (
    'WITH "events_event" AS (SELECT * FROM unnest(%s::bigint[], %s::jsonb[]) AS given (position, document)) '
)
# Position, bytes, lints.
Candidate = tuple[int, bytes | memoryview, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """A page. Where the search ended before it was full, `looked_until` is the position that it came to, and the page's
    cursor goes on from there; `cold` compressed events were looked into."""

    page: Page[Event]
    cold: int = 0
    looked_until: int | None = None

    @property
    def sentence(self) -> str:
        """What was not looked at, for a person; empty when all was."""
        if self.looked_until is None:
            return ""
        return (
            f"Of the compressed events {self.cold:,} were looked into, as far as position {self.looked_until:,}. The page's "
            "link goes on from there; a type, a correlation or a time beside the condition makes it quicker."
        )


@contextmanager
def limited() -> Iterator[None]:
    """Raises QueryTooSlow for statements that take longer than EVENT_SEARCH_SECONDS."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT set_config('statement_timeout', %s, true)",
                    [f"{settings.EVENT_SEARCH_SECONDS * 1000:.0f}ms"],
                )
            yield
    except OperationalError as late:
        if not isinstance(late.__cause__, QueryCanceled):
            raise
        raise QueryTooSlow(
            f"Looking for these events took longer than {settings.EVENT_SEARCH_SECONDS:g} s and was given up. Name a type, a "
            "correlation or a shorter time beside the other filters, or export the events: that takes its time.",
            seconds=settings.EVENT_SEARCH_SECONDS,
        ) from late


def search_events(*, actor: Actor, filters: Filters, request: HttpRequest, size: int = PAGE_SIZE) -> Found:
    """The page that the address asks for, the newest first. Raises InvalidCursor, QueryTooSlow."""
    with limited():
        page: Page[Event] = page_of(request, _rows(actor, filters), size=size, key="position")
        newest = _newest_cold() if filters.where else None
        if newest is None or _is_newer_than(page, newest, request, size):
            return Found(page)
        return _with_cold(actor, filters, request, size, newest)


def _rows(actor: Actor, filters: Filters) -> QuerySet[Event]:
    return find_events(actor=actor, filters=filters).defer("document")


def _newest_cold() -> ColdPartition | None:
    return ColdPartition.objects.filter(dictionary__isnull=False).order_by("-last_position").first()


def _is_newer_than(page: Page[Event], newest: ColdPartition, request: HttpRequest, size: int) -> bool:
    """Whether no compressed event can be on the page."""
    if not request.GET.get("after") and (before := request.GET.get("before")):
        return int(before) > newest.last_position
    return (
        page.next is not None and len(page.items) == size and page.items[-1].position > newest.last_position
    )


def _with_cold(
    actor: Actor, filters: Filters, request: HttpRequest, size: int, newest: ColdPartition
) -> Found:
    after = request.GET.get("after", "")
    upwards = not after and bool(request.GET.get("before"))
    cursor = int(after or request.GET.get("before") or 0) or None
    everything = replace(filters, where=Q())
    fitting, looked_at, until = _look(
        _candidates(actor, everything, newest), filters.where, cursor, upwards=upwards, size=size
    )
    rows = find_events(actor=actor, filters=everything).filter(filters.where | Q(position__in=fitting))
    if until is not None:
        # What is beyond was not looked into, so nothing beyond may be shown as if it were all there is.
        rows = rows.filter(Q(position__lte=until) if upwards else Q(position__gte=until))
    page: Page[Event] = page_of(request, rows.defer("document"), size=size, key="position")
    if until is None or (page.previous if upwards else page.next) is not None:
        return Found(page, looked_at)
    more = replace(page, previous=str(until)) if upwards else replace(page, next=str(until))
    return Found(more, looked_at, until)


def _candidates(actor: Actor, filters: Filters, newest: ColdPartition) -> QuerySet[Event]:
    _, end = bounds_of(newest.day)
    return find_events(actor=actor, filters=filters).filter(
        document__isnull=True, position__lte=newest.last_position, received_at__lt=end
    )


def _look(
    candidates: QuerySet[Event], where: Q, cursor: int | None, *, upwards: bool, size: int
) -> tuple[list[int], int, int | None]:
    """Positions that fit, as many as a page takes; how many were looked into; and how far, unless that is all."""
    fitting: list[int] = []
    looked_at, ends_at = 0, time.monotonic() + settings.EVENT_SEARCH_SECONDS / 2
    while True:
        part = candidates.order_by("position" if upwards else "-position")
        if cursor is not None:
            part = part.filter(**{"position__gt" if upwards else "position__lt": cursor})
        rows: list[Candidate] = list(part.values_list("position", "raw", "lints")[:_CHUNK])
        fitting += judged(rows, where)
        looked_at += len(rows)
        if len(rows) < _CHUNK:
            return fitting, looked_at, None
        cursor = rows[-1][0]
        if len(fitting) > size or looked_at >= settings.EVENT_COLD_SEARCH or time.monotonic() > ends_at:
            return fitting, looked_at, cursor


def all_fitting(*, actor: Actor, filters: Filters, most: int) -> tuple[QuerySet[Event], int | None]:
    """All events that fit, unordered, and the position before which nothing was looked for; None where all was.

    Of compressed events the newest are looked into until one more than `most` fit. Raises QueryTooSlow.
    """
    newest = _newest_cold() if filters.where else None
    if newest is None:
        return find_events(actor=actor, filters=filters), None
    everything = replace(filters, where=Q())
    with limited():
        fitting, _, until = _look(
            _candidates(actor, everything, newest), filters.where, None, upwards=False, size=most
        )
    rows = find_events(actor=actor, filters=everything).filter(
        filters.where | Q(position__in=fitting), position__gte=until or 0
    )
    return rows, until


def judged(rows: Sequence[Candidate], where: Q) -> list[int]:
    """The positions of those whose documents fit, by the condition that PostgreSQL asks of documents in rows."""
    texts = {
        position: text.decode()
        for position, raw, lints in rows
        if (text := derived(bytes(raw), lints)) is not None
    }
    # Of what stands in the place of the table there is no column beside these: which rows may be asked for is decided already.
    sql, params = Event.everything.filter(where).values_list("position").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(_INSTEAD + sql, [list(texts), list(texts.values()), *params])
        return [position for (position,) in cursor.fetchall()]


def newest_cold_position() -> int:
    """Behind it, all events have documents that can be asked for; 0 where nothing is compressed."""
    cold = ColdPartition.objects.filter(dictionary__isnull=False)
    return int(cold.aggregate(last=Max("last_position"))["last"] or 0)
