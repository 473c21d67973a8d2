"""One chain of work: the events of a correlation and of those it started, in an order that clocks cannot spoil.

Producers' clocks lie, so the order is by parentage and arrival: events stand in the order they were received, but
none of a correlation stands before the first event of the correlation that started it.
"""

from dataclasses import dataclass

from django.db import connection
from django.db.models import Case, When

from access.actor import Actor
from events.errors import CorrelationNotFound
from events.models import Event
from events.query import visible_to

MAX_EVENTS = 5_000
MAX_CORRELATIONS = 2_000

# UNION, not UNION ALL, and nothing but the id: parents may form a cycle, which ends when it brings nothing new.
_FAMILY = """
WITH RECURSIVE family (id) AS (
    SELECT %s::varchar COLLATE "C"
    UNION
    SELECT event.correlation_id
    FROM family JOIN events_event AS event ON event.parent_correlation_id = family.id
    WHERE event.correlation_id IS NOT NULL
)
SELECT id FROM family LIMIT %s
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
    # There are more events than MAX_EVENTS, or more correlations than MAX_CORRELATIONS.
    cut: bool

    @property
    def clocks_disagree(self) -> bool:
        return any(step.clock_disagrees for step in self.steps)


def correlate(*, actor: Actor, correlation_id: str, descendants: bool = True) -> Correlation:
    """Raises CorrelationNotFound when the actor may read no event of it."""
    family = _family(correlation_id) if descendants else [correlation_id]
    ids = family[:MAX_CORRELATIONS]
    found = list(
        Event.objects.filter(visible_to(actor), correlation_id__in=ids)
        .defer("document")
        # Its own events first: whatever is cut, it is shown.
        .order_by(Case(When(correlation_id=correlation_id, then=0), default=1), "position")[: MAX_EVENTS + 1]
    )
    if not any(event.correlation_id == correlation_id for event in found):
        raise CorrelationNotFound(
            f"No event of correlation '{correlation_id}' is stored, or you may not read its types.",
            correlation_id=correlation_id,
        )
    events = sorted(found[:MAX_EVENTS], key=lambda event: event.position)
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
        cut=len(found) > MAX_EVENTS or len(family) > MAX_CORRELATIONS,
    )


def _family(correlation_id: str) -> list[str]:
    """The correlation, then what it started, directly or further down: one more than MAX_CORRELATIONS at most."""
    with connection.cursor() as cursor:
        cursor.execute(_FAMILY, [correlation_id, MAX_CORRELATIONS + 1])
        found = [name for (name,) in cursor.fetchall()]
    return list(dict.fromkeys([correlation_id, *found]))


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
        _place(correlation_id, parent, first, places)
    return places


def _place(correlation_id: str, parent: dict[str, str], first: dict[str, int], places: _Places) -> None:
    """Places the correlation and those above it; a cycle, and what hangs on it, stands by arrival alone."""
    line: dict[str, None] = {}
    name: str | None = correlation_id
    while name in first and name not in places.depths and name not in line:
        line[name] = None
        name = parent.get(name)
    if name is not None and name in line:
        path = list(line)
        places.cycles.update(path[path.index(name) :])
    for each in reversed(line):
        above = parent.get(each)
        if above in places.cycles or above not in places.depths:
            above = None
        places.starts[each] = max(first[each], places.starts.get(above, 0))
        places.depths[each] = places.depths.get(above, -1) + 1


def _steps(events: list[Event], places: _Places) -> list[Step]:
    return [
        Step(event, places.depth(event), number > 0 and event.occurred_at < events[number - 1].occurred_at)
        for number, event in enumerate(events)
    ]
