"""Statistics as they are asked for: sums over roll-ups, never over events.

Every number of events is an estimate of how many there were before sampling; `counted` are those that came in.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import DateTimeField, Func, Max, Q, QuerySet, Sum, Value

from access.actor import Actor
from events import changes
from events.errors import InvalidQuery, StatisticsNotFound
from events.fold import ORIGIN, WEIGHT
from events.models import Statistic
from events.query import pattern, visible_types
from events.sketch import Sketch
from events.timeframe import Frame
from registry.models import Subject

GroupBy = Literal["version", "producer"]
_SUMS = {
    "stored_weight": Sum("weight", filter=Q(quarantined=False), default=0),
    "bad_weight": Sum("violating_weight"),
    "held_weight": Sum("weight", filter=Q(quarantined=True), default=0),
    "counted": Sum("events"),
    "odd": Sum("misdated"),
    "last": Max("last_seen"),
}


@dataclass(frozen=True, slots=True)
class Tally:
    """What came in."""

    # Let into the log, and those among them that violate their schema; and what waits in quarantine.
    stored: float = 0.0
    violating: float = 0.0
    quarantined: float = 0.0
    counted: int = 0
    misdated: int = 0
    last_seen: datetime | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Tally":
        return cls(
            float(row["stored_weight"]) / WEIGHT,
            float(row["bad_weight"]) / WEIGHT,
            float(row["held_weight"]) / WEIGHT,
            int(row["counted"]),
            int(row["odd"]),
            row["last"],
        )

    def __add__(self, other: "Tally") -> "Tally":
        seen = [at for at in (self.last_seen, other.last_seen) if at]
        return Tally(
            self.stored + other.stored,
            self.violating + other.violating,
            self.quarantined + other.quarantined,
            self.counted + other.counted,
            self.misdated + other.misdated,
            max(seen, default=None),
        )

    @property
    def events(self) -> float:
        return self.stored + self.quarantined

    @property
    def valid(self) -> float:
        return max(self.stored - self.violating, 0.0)

    @property
    def violating_share(self) -> float | None:
        """Of all events, those that were stored although they violate their schema."""
        return self.violating / self.events if self.events else None

    @property
    def quarantined_share(self) -> float | None:
        return self.quarantined / self.events if self.events else None

    @property
    def violation_rate(self) -> float | None:
        """Both of them together."""
        return (self.violating + self.quarantined) / self.events if self.events else None

    @property
    def estimated(self) -> bool:
        """Whether some events were sampled, so that the numbers are estimates."""
        return round(self.events) != self.counted


def total_of(tallies: Iterable[Tally]) -> Tally:
    return sum(tallies, Tally())


@dataclass(frozen=True, slots=True)
class Group:
    """What one version judged, or one producer sent; "" where no version judged, or none was named."""

    name: str
    points: Mapping[datetime, Tally]
    times: Sketch = field(default_factory=Sketch)
    sizes: Sketch = field(default_factory=Sketch)

    @property
    def total(self) -> Tally:
        return total_of(self.points.values())


@dataclass(frozen=True, slots=True)
class SubjectStatistics:
    """One event type in a frame of time. `points` has every step of it."""

    subject: str
    frame: Frame
    groups: Sequence[Group]
    points: Mapping[datetime, Tally]
    # Execution times by step, and of the whole frame; sizes in bytes.
    times_at: Mapping[datetime, Sketch]
    times: Sketch
    sizes: Sketch

    @property
    def total(self) -> Tally:
        return total_of(self.points.values())


def summarise_subject(
    *, actor: Actor, subject: str, frame: Frame, group_by: GroupBy = "version"
) -> SubjectStatistics:
    """Raises Forbidden without `read` on it, StatisticsNotFound for what is neither a subject nor was ever counted."""
    changes.require(actor, "read", subject)
    if not (
        Subject.objects.filter(name=subject).exists() or Statistic.objects.filter(event_type=subject).exists()
    ):
        raise StatisticsNotFound(
            f"There is no subject '{subject}', and no event of this type was counted.", subject=subject
        )
    rows = _within(actor, frame).filter(event_type=subject)
    found: dict[str, dict[datetime, Tally]] = {}
    for (group, slot), tally in _tallies(rows, group_by, slot=_slot(frame)):
        found.setdefault(group, {})[slot] = tally
    times_at, times_of = _sketches(rows, frame, group_by, "time")
    sizes_at, sizes_of = _sketches(rows, frame, group_by, "size")
    nothing = Sketch()
    groups = [
        Group(name, points, times_of.get(name, nothing), sizes_of.get(name, nothing))
        for name, points in found.items()
    ]
    points = {at: total_of(g.points[at] for g in groups if at in g.points) for at in frame.slots()}
    return SubjectStatistics(
        subject, frame, groups, points, times_at, _merged(times_at.values()), _merged(sizes_at.values())
    )


def producers_of(*, actor: Actor, subject: str, frame: Frame) -> dict[str, dict[str, Tally]]:
    """By producer, and by version that judged what it sent. Raises Forbidden."""
    changes.require(actor, "read", subject)
    rows = _within(actor, frame).filter(event_type=subject)
    found: dict[str, dict[str, Tally]] = {}
    for (producer, version), tally in _tallies(rows, "producer", "version"):
        found.setdefault(producer, {})[version] = tally
    return found


def summarise_all(*, actor: Actor, frame: Frame, event_type: str = "") -> dict[str, Tally]:
    """Every event type that the actor may read and that had events, by name; `event_type` may be a pattern."""
    rows = _within(actor, frame).filter(pattern("event_type", event_type))
    return {name: tally for (name,), tally in _tallies(rows, "event_type")}


def points_of(
    *, actor: Actor, frame: Frame, names: Sequence[str], by: GroupBy | None = None
) -> dict[str, dict[str, dict[datetime, Tally]]]:
    """By event type, group ("" when no grouping is asked for) and step; steps without events are left out."""
    rows = _within(actor, frame).filter(event_type__in=names)
    found: dict[str, dict[str, dict[datetime, Tally]]] = {name: {} for name in names}
    columns = ["event_type", by] if by else ["event_type"]
    for (name, *group, slot), tally in _tallies(rows, *columns, slot=_slot(frame)):
        found[name].setdefault(group[0] if group else "", {})[slot] = tally
    return found


def _within(actor: Actor, frame: Frame) -> QuerySet[Statistic]:
    return Statistic.objects.filter(
        visible_types(actor),
        step=int(frame.tier.step.total_seconds()),
        bucket__gte=frame.start,
        bucket__lt=frame.end,
    )


def _tallies(
    rows: QuerySet[Statistic], *columns: str, **computed: Func
) -> Iterator[tuple[tuple[Any, ...], Tally]]:
    """For each combination of these columns that has events: their values, and what came in."""
    found: QuerySet[Statistic, Any] = rows.values(*columns, **computed).annotate(**_SUMS).order_by()
    for row in found:
        # What was released from the quarantine leaves nothing behind.
        if row["counted"]:
            yield tuple(row[name] for name in (*columns, *computed)), Tally.of(row)


def _slot(frame: Frame) -> Func:
    return Func(
        Value(frame.length),
        "bucket",
        Value(ORIGIN),
        template="date_bin(%(expressions)s::timestamptz)",
        output_field=DateTimeField(),
    )


_BINS = """
SELECT extract(epoch FROM date_bin(%s, bucket, %s))::bigint, kind, bin, sum(weight)::bigint, GROUPING(kind)
FROM ({rows}) AS statistic, unnest(bins, weights) AS part (bin, weight)
GROUP BY GROUPING SETS ((1, bin), (kind, bin))
"""


def _sketches(
    rows: QuerySet[Statistic], frame: Frame, group_by: GroupBy, kind: str
) -> tuple[dict[datetime, Sketch], dict[str, Sketch]]:
    """Histograms of stored events by step, and by group."""
    stored = rows.filter(quarantined=False).order_by()
    try:
        sql, parameters = stored.values_list(
            "bucket", group_by, f"{kind}_bins", f"{kind}_weights"
        ).query.sql_with_params()
    except EmptyResultSet:
        return {}, {}
    # Thousands of rows: numbers are read faster than times.
    moments = {int(moment.timestamp()): moment for moment in frame.slots()}
    at: dict[int, dict[int, int]] = {}
    of: dict[str, dict[int, int]] = {}
    named = f"SELECT * FROM ({sql}) AS named (bucket, kind, bins, weights)"  # noqa: S608 -- the rows are SQL of ours
    with connection.cursor() as cursor:
        asked: list[Any] = [frame.length, ORIGIN, *parameters]
        cursor.execute(_BINS.format(rows=named), asked)
        for slot, group, number, weight, by_slot in cursor.fetchall():
            bins = at.setdefault(slot, {}) if by_slot else of.setdefault(group, {})
            bins[number] = weight
    return {moments[slot]: Sketch(b) for slot, b in at.items()}, {name: Sketch(b) for name, b in of.items()}


def _merged(sketches: Iterable[Sketch]) -> Sketch:
    bins: dict[int, int] = {}
    for sketch in sketches:
        for number, weight in sketch.bins.items():
            bins[number] = bins.get(number, 0) + weight
    return Sketch(bins)


def in_order(found: Mapping[str, Tally], sort: str = "") -> Iterator[tuple[str, Tally]]:
    """The busiest first, unless SORTS says otherwise. Raises InvalidQuery for what it does not know."""
    key = SORTS.get(sort or "volume")
    if key is None:
        raise InvalidQuery(f"'sort' is one of {', '.join(SORTS)}, not '{sort}'.", parameter="sort")
    yield from sorted(found.items(), key=lambda item: (*key(item[1]), item[0]))


SORTS: dict[str, Callable[[Tally], tuple[float, ...]]] = {
    "volume": lambda tally: (-tally.events,),
    "violations": lambda tally: (-(tally.violation_rate or 0.0), -tally.events),
    "last_seen": lambda tally: (-tally.last_seen.timestamp() if tally.last_seen else 0.0,),
    "name": lambda _: (),
}
