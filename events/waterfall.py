"""A tree of work on one line of time: operations under those that started them, what took the time, what is missing.

Pure. Depth is walked with stacks, never by recursion: a line of parents may be thousands long.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from events.skew import moved, shifts_of
from events.spans import Moment, Span, spans_of

Flag = Literal["orphan", "cycle", "incomplete", "start_missing", "clock"]


@dataclass(slots=True)
class Row:
    """One operation in its place; times are milliseconds since the first began, on clocks that were set right."""

    number: int
    span: Span
    correlation_id: str
    depth: int = 0
    # The number of the row it hangs under.
    parent: int | None = None
    began_ms: float = 0.0
    # An open operation goes on to the end of what it started.
    ended_ms: float = 0.0
    # The last thing that it or anything below it does.
    reach_ms: float = 0.0
    critical: bool = False
    # What was added to its node's clock.
    shift: timedelta = timedelta(0)
    flags: tuple[Flag, ...] = ()
    below: list["Row"] = field(default_factory=list)

    @property
    def duration_ms(self) -> float:
        return round(self.ended_ms - self.began_ms, 3)

    @property
    def failed(self) -> bool:
        return self.span.status == "failed"

    @property
    def valid(self) -> bool:
        return all(event.valid for event in self.span.events)

    @property
    def node_id(self) -> str:
        return self.span.node_id

    @property
    def name(self) -> str:
        named = self.span.named
        return f"{named.kind} {named.operation}" if named.operation else named.kind


@dataclass(frozen=True, slots=True)
class Waterfall:
    """Every row stands under its parent's; `rows` are those asked for."""

    rows: tuple[Row, ...]
    # How many there are without a filter.
    total: int
    began: datetime
    total_ms: float
    # Milliseconds to add to a node's clock, where it is contradicted.
    shifts: dict[str, float]
    # By node, how far the clock of its STARTs is ahead of that of its ends.
    start_skews: dict[str, float]

    @property
    def failed(self) -> int:
        return sum(row.failed for row in self.rows)

    @property
    def incomplete(self) -> int:
        return sum("incomplete" in row.flags for row in self.rows)

    @property
    def critical(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row.critical)


def waterfall_of(
    moments: Sequence[Moment],
    *,
    parents: Mapping[str, str | None],
    orphans: Iterable[str],
    cycles: Iterable[str],
    now: datetime,
    incomplete_after: timedelta,
    errors_only: bool = False,
) -> Waterfall:
    """`parents` of the correlations that are shown: None at the top, and never a circle."""
    spans: dict[str, list[Span]] = {}
    for span in spans_of(moments, now=now, incomplete_after=incomplete_after):
        spans.setdefault(span.events[0].correlation_id, []).append(span)
    order = _top_down(spans, parents)
    shifts = shifts_of(spans, parents, order)
    began = min(moved(span.began, shifts[span.node_id]) for its in spans.values() for span in its)
    rows = {name: _rows(spans[name], name, shifts, began) for name in order}
    tops = _hung(rows, parents, order)
    placed = _placed(tops)
    _reach(placed)
    _mark_critical(tops)
    _flag(placed, set(orphans), set(cycles))
    shown = _with_errors(placed) if errors_only else placed
    return Waterfall(
        tuple(shown),
        total=len(placed),
        began=began,
        total_ms=max(row.reach_ms for row in placed),
        shifts={node: _ms(shift) for node, shift in sorted(shifts.items()) if shift},
        start_skews=_start_skews(placed),
    )


_MILLISECOND = timedelta(milliseconds=1)


def _ms(length: timedelta) -> float:
    return round(length / _MILLISECOND, 3)


def _top_down(spans: Mapping[str, object], parents: Mapping[str, str | None]) -> list[str]:
    """Parents before what they started, level by level, each level in order of arrival."""
    started: dict[str | None, list[str]] = {}
    for name in spans:
        above = parents.get(name)
        started.setdefault(above if above in spans else None, []).append(name)
    order = list(started.get(None, []))
    for name in order:
        order += started.get(name, [])
    return order


def _rows(spans: Iterable[Span], name: str, shifts: Mapping[str, timedelta], began: datetime) -> list[Row]:
    rows = []
    for span in spans:
        shift = shifts[span.node_id]
        row = Row(0, span, name, shift=shift)
        row.began_ms = _ms(moved(span.began, shift) - began)
        is_moment = span.ended is span.began
        row.ended_ms = row.began_ms if is_moment else _ms(moved(span.ended, shift) - began)
        rows.append(row)
    return rows


def _hung(
    rows: Mapping[str, list[Row]], parents: Mapping[str, str | None], order: Iterable[str]
) -> list[Row]:
    """Hangs each row under the one that holds it: of its own node and correlation, else of the correlation above."""
    tops: list[Row] = []
    for name in order:
        above = parents.get(name)
        holders = [] if above is None else rows.get(above, [])
        by_node: dict[str, list[Row]] = {}
        for row in sorted(rows[name], key=lambda row: (row.began_ms, -row.ended_ms, row.span.first.position)):
            inside = by_node.setdefault(row.node_id, [])
            while inside and not _holds(inside[-1], row):
                inside.pop()
            holder = inside[-1] if inside else _holder(holders, row)
            (tops if holder is None else holder.below).append(row)
            if not row.span.is_event:
                inside.append(row)
    return tops


def _holds(outer: Row, inner: Row) -> bool:
    return outer.span.is_open or inner.ended_ms <= outer.ended_ms


def _holder(rows: Sequence[Row], inner: Row) -> Row | None:
    """The innermost operation that was going on when the other began; else the last before it, else the first of all."""
    operations = [row for row in rows if not row.span.is_event] or rows
    if len(operations) < 2:
        return operations[0] if operations else None
    before = [row for row in operations if row.began_ms <= inner.began_ms]
    estimated = any((inner.shift or row.shift) and row.node_id != inner.node_id for row in operations)
    if estimated or not before:
        # A clock that was set by estimate is too little to choose between what they did.
        return min(operations, key=lambda row: (row.began_ms, -row.ended_ms))
    # What never ended may have, long ago.
    going_on = [row for row in before if inner.began_ms <= row.ended_ms] or [
        row for row in before if row.span.is_open
    ]
    return max(going_on or before, key=lambda row: (row.began_ms, -row.ended_ms))


def _in_order(rows: list[Row]) -> list[Row]:
    """By the clock, or by arrival where one of the clocks is known to be wrong."""
    if len(rows) < 2:
        return rows
    if any(row.shift for row in rows):
        return sorted(rows, key=lambda row: row.span.first.position)
    return sorted(rows, key=lambda row: (row.began_ms, row.span.first.position))


def _placed(tops: list[Row]) -> list[Row]:
    """All rows, each behind the one it hangs under, numbered."""
    placed: list[Row] = []
    waiting = _in_order(tops)[::-1]
    while waiting:
        row = waiting.pop()
        row.number = len(placed)
        placed.append(row)
        row.below = _in_order(row.below)
        for child in reversed(row.below):
            child.parent, child.depth = row.number, row.depth + 1
            waiting.append(child)
    return placed


def _reach(placed: Sequence[Row]) -> None:
    for row in reversed(placed):
        below = max((child.reach_ms for child in row.below), default=row.began_ms)
        if row.span.is_open:
            row.ended_ms = max(row.ended_ms, below)
        row.reach_ms = max(row.ended_ms, below)


def _mark_critical(tops: list[Row]) -> None:
    """From the end back: of what was going on last, the one that ended last; before that began, the next one."""
    waiting = [(tops, max(row.reach_ms for row in tops))]
    while waiting:
        rows, until = waiting.pop()
        for row in sorted(rows, key=lambda row: row.reach_ms, reverse=True):
            if row.reach_ms <= until and not row.span.is_event:
                row.critical = True
                waiting.append((row.below, row.reach_ms))
                until = row.began_ms


def _flag(placed: Iterable[Row], orphans: set[str], cycles: set[str]) -> None:
    for row in placed:
        flags: list[Flag] = []
        if row.correlation_id in orphans and row.parent is None:
            flags.append("orphan")
        if row.correlation_id in cycles:
            flags.append("cycle")
        if row.span.status == "incomplete":
            flags.append("incomplete")
        if row.span.start is None:
            flags.append("start_missing")
        if row.shift or row.span.lies:
            flags.append("clock")
        row.flags = tuple(flags)


def _with_errors(placed: Sequence[Row]) -> list[Row]:
    """What failed, and what that hangs under."""
    kept: set[int] = set()
    for row in reversed(placed):
        if row.failed or row.number in kept:
            kept.add(row.number)
            if row.parent is not None:
                kept.add(row.parent)
    return [row for row in placed if row.number in kept]


def _start_skews(placed: Iterable[Row]) -> dict[str, float]:
    skews: dict[str, timedelta] = {}
    for row in placed:
        if row.span.lies and row.span.start_skew is not None:
            known = skews.get(row.node_id, timedelta(0))
            skews[row.node_id] = max(known, row.span.start_skew, key=abs)
    return {node: _ms(skew) for node, skew in sorted(skews.items())}
