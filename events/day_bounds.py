"""On which days events were received that happened at a time: without knowing that, a search by time reads every day in vain."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db import connection
from django.db.models import Q

from events.partitions import bounds_of, existing

# Of a day with more types, nothing is known: reading them takes longer than it saves.
_MOST_TYPES = 200
# From one type to the next by the index, and to its first and last event.
_BOUNDS = """
WITH RECURSIVE kind (name, number) AS (
    (SELECT event_type, 1 FROM {day} ORDER BY event_type LIMIT 1)
    UNION ALL
    SELECT (SELECT event_type FROM {day} WHERE event_type > kind.name ORDER BY event_type LIMIT 1), number + 1
    FROM kind WHERE kind.name IS NOT NULL AND number <= %s
)
SELECT min(first), max(last), count(name) FROM kind, LATERAL (
    SELECT min(occurred_at) AS first, max(occurred_at) AS last FROM {day} WHERE event_type = kind.name
) AS times
"""


@dataclass(frozen=True, slots=True)
class _Times:
    """When the events of a day happened, by their producers' clocks; None: at any time."""

    first: datetime | None
    last: datetime | None

    def may_hold(self, since: datetime | None, until: datetime | None) -> bool:
        after = since is None or self.last is None or self.last >= since
        before = until is None or self.first is None or self.first < until
        return after and before


# Of days that are over, to which nothing is added any more.
_known: dict[str, _Times | None] = {}


def received_when(since: datetime | None, until: datetime | None) -> Q:
    """What is true of every event that happened in this time, and lets PostgreSQL leave days out."""
    if (since is None and until is None) or _rest_holds_something():
        return Q()
    holding = [day for day, times in _days() if times.may_hold(since, until)]
    if not holding:
        # What comes in from now on may, and nothing that is there.
        begin, _ = bounds_of(datetime.now(UTC).date())
        return Q(received_at__gte=begin)
    begin, end = bounds_of(min(holding))[0], bounds_of(max(holding))[1]
    return Q(received_at__gte=begin, received_at__lt=end)


def _days() -> Iterator[tuple[date, _Times]]:
    """The days with events."""
    # A batch that was begun before midnight is committed soon after it.
    settled = datetime.now(UTC).date() - timedelta(days=1)
    for name, day in existing().items():
        times = _known.get(name) if name in _known else _times(name)
        if day < settled:
            _known[name] = times
        if times is not None:
            yield day, times


def _times(name: str) -> _Times | None:
    """None of a day without events."""
    with connection.cursor() as cursor:
        cursor.execute(_BOUNDS.format(day=name), [_MOST_TYPES])
        first, last, types = cursor.fetchone()
    if not types:
        return None
    return _Times(None, None) if types > _MOST_TYPES else _Times(first, last)


def _rest_holds_something() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM events_event_rest)")
        return bool(cursor.fetchone()[0])


def forget() -> None:
    """What is known of days, for whoever puts events into days that are over."""
    _known.clear()
