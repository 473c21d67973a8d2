"""One chain of work: the events of a correlation and of those it started, in an order that clocks cannot spoil.

Producers' clocks lie, so the order is by parentage and arrival: events stand in the order they were received, but
none of a correlation stands before the first event of the correlation that started it.
"""

from dataclasses import dataclass

from django.db import connection

from access.actor import Actor
from events.errors import CorrelationNotFound
from events.models import Event
from events.query import visible_to

MAX_DEPTH = 64
MAX_EVENTS = 5_000

# UNION, not UNION ALL: parents may form a cycle, which ends when it brings nothing new.
_FAMILY = """
WITH RECURSIVE family (id, depth) AS (
    SELECT %s::varchar COLLATE "C", 0
    UNION
    SELECT event.correlation_id, family.depth + 1
    FROM family JOIN events_event AS event ON event.parent_correlation_id = family.id
    WHERE event.correlation_id IS NOT NULL AND family.depth < %s
)
SELECT DISTINCT id FROM family LIMIT 2000
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One event in its place; `depth` is how many correlations above it are shown."""

    event: Event
    depth: int
    # The producer's clock says that it happened before the event shown above it.
    clock_disagrees: bool


@dataclass(frozen=True, slots=True)
class Correlation:
    correlation_id: str
    steps: tuple[Step, ...]
    # Correlations above it that its events name.
    parents: tuple[str, ...]
    # Correlations that are their own ancestors; their place is by arrival alone.
    cycles: tuple[str, ...]
    # There are more events than MAX_EVENTS.
    cut: bool

    @property
    def clocks_disagree(self) -> bool:
        return any(step.clock_disagrees for step in self.steps)


def correlate(*, actor: Actor, correlation_id: str, descendants: bool = True) -> Correlation:
    """Raises CorrelationNotFound when the actor may read no event of it."""
    ids = _family(correlation_id) if descendants else [correlation_id]
    found = list(
        Event.objects.filter(visible_to(actor), correlation_id__in=ids)
        .defer("document")
        .order_by("position")[: MAX_EVENTS + 1]
    )
    if not any(event.correlation_id == correlation_id for event in found):
        raise CorrelationNotFound(
            f"No event of correlation '{correlation_id}' is stored, or you may not read its types.",
            correlation_id=correlation_id,
        )
    events = found[:MAX_EVENTS]
    places = _places(events)
    events.sort(
        key=lambda event: (max(event.position, places.start(event)), places.depth(event), event.position)
    )
    parents = {e.parent_correlation_id for e in events if e.correlation_id == correlation_id} - {None}
    return Correlation(
        correlation_id,
        steps=tuple(_steps(events, places)),
        parents=tuple(sorted(parent for parent in parents if parent is not None)),
        cycles=tuple(sorted(places.cycles)),
        cut=len(found) > MAX_EVENTS,
    )


def _family(correlation_id: str) -> list[str]:
    """The correlation and all that it started, directly or further down."""
    with connection.cursor() as cursor:
        cursor.execute(_FAMILY, [correlation_id, MAX_DEPTH])
        return [found for (found,) in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class _Places:
    """Where each correlation may begin, and how deep below the top it lies."""

    starts: dict[str | None, int]
    depths: dict[str | None, int]
    cycles: set[str]

    def start(self, event: Event) -> int:
        return self.starts[event.correlation_id]

    def depth(self, event: Event) -> int:
        return self.depths[event.correlation_id]


def _places(events: list[Event]) -> _Places:
    first: dict[str, int] = {}
    parent: dict[str, str] = {}
    for event in events:
        assert event.correlation_id is not None
        first.setdefault(event.correlation_id, event.position)
        if event.parent_correlation_id is not None:
            parent.setdefault(event.correlation_id, event.parent_correlation_id)
    places = _Places({}, {}, set())
    for correlation_id in first:
        line = _line(correlation_id, parent, first, places.cycles)
        places.starts[correlation_id] = max(first[name] for name in line)
        places.depths[correlation_id] = len(line) - 1
    return places


def _line(correlation_id: str, parent: dict[str, str], known: dict[str, int], cycles: set[str]) -> list[str]:
    """The correlation and those above it that are shown; cut where it would come back to itself."""
    line = [correlation_id]
    while (above := parent.get(line[-1])) in known and len(line) <= MAX_DEPTH:
        assert above is not None
        if above in line:
            cycles.add(above)
            return [correlation_id]
        line.append(above)
    return line


def _steps(events: list[Event], places: _Places) -> list[Step]:
    return [
        Step(event, places.depth(event), number > 0 and event.occurred_at < events[number - 1].occurred_at)
        for number, event in enumerate(events)
    ]
