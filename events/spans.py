"""Operations out of events: a START and the SUCCESS, FAILURE or ERROR that ends it, by correlation, node and operation.

Where both name the same W3C span id, that decides. Pure: no database, and no clock but the one that is handed in.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple

Status = Literal["succeeded", "failed", "running", "incomplete", "event"]

_KIND = re.compile(r"(?P<kind>.+)[._](?P<phase>START|SUCCESS|FAILURE|ERROR)", re.IGNORECASE)
_FAILED = {"FAILURE", "ERROR"}
# Further apart than this, the clocks of a START and its end are not the same clock.
START_TOLERANCE = timedelta(seconds=1)
# Zones differ by quarters of an hour.
_QUARTER = 900.0
# Of so many open operations of one name, which one has ended is guessed.
_CANDIDATES = 32


class Moment(NamedTuple):
    """What is asked of one stored event."""

    position: int
    received_at: datetime
    occurred_at: datetime
    event_id: str
    event_type: str
    node_id: str
    correlation_id: str
    parent_id: str | None
    trace_id: str | None
    span_id: str | None
    error_code: str | None
    operation: str
    # What the end says that the operation took.
    took: timedelta | None
    valid: bool

    @property
    def phase(self) -> str:
        return phase_of(self.event_type)

    @property
    def kind(self) -> str:
        return _kind_and_phase(self.event_type)[0]


# A tree has thousands of events of few types.
@lru_cache(maxsize=1024)
def _kind_and_phase(event_type: str) -> tuple[str, str]:
    found = _KIND.fullmatch(event_type)
    return (found["kind"], found["phase"].upper()) if found else (event_type, "")


def phase_of(event_type: str) -> str:
    """START, SUCCESS, FAILURE or ERROR, where the type ends with one; else ""."""
    return _kind_and_phase(event_type)[1]


# Not frozen, which would triple what making one costs; nobody changes one.
@dataclass(slots=True)
class Span:
    """One operation, or an event that is none (then `start` and `end` are the same). At least one of the two is there."""

    start: Moment | None
    end: Moment | None
    status: Status
    # By the clock that stamped its end, which ONEX keeps in UTC; an open one ends when it began.
    began: datetime
    ended: datetime
    # How far START's clock is ahead of that one; None where only one of the two is known.
    start_skew: timedelta | None
    events: tuple[Moment, ...] = field(init=False)
    # The event that arrived first.
    first: Moment = field(init=False)
    node_id: str = field(init=False)

    def __post_init__(self) -> None:
        start, end = self.start, self.end
        if start is not None and end is not None and start is not end:
            self.events = (start, end)
            self.first = start if start.position < end.position else end
        else:
            self.first = start or end  # type: ignore[assignment]  # one of them is there
            self.events = (self.first,)
        self.node_id = self.events[0].node_id

    @property
    def named(self) -> Moment:
        """The event that names it: a START without an operation may have an end with one."""
        return next((event for event in self.events if event.operation), self.events[0])

    @property
    def is_open(self) -> bool:
        return self.end is None

    @property
    def is_event(self) -> bool:
        return self.start is self.end

    @property
    def lies(self) -> bool:
        """Whether START was stamped by another clock than the end."""
        return self.start_skew is not None and abs(self.start_skew) > START_TOLERANCE


def spans_of(moments: Sequence[Moment], *, now: datetime, incomplete_after: timedelta) -> list[Span]:
    """Every event is in exactly one span; in the order of arrival of their first events.

    An operation without an end is running, and incomplete when its START arrived longer than `incomplete_after` ago.
    """
    pairs = _pairs(sorted(moments, key=lambda moment: moment.position))
    skews = _start_skews(pairs)
    overdue = now - incomplete_after
    spans = [_span(start, end, skews, overdue) for start, end in pairs]
    return sorted(spans, key=lambda span: span.first.position)


_Pair = tuple[Moment | None, Moment | None]


def _pairs(moments: Iterable[Moment]) -> list[_Pair]:
    pairs: list[_Pair] = []
    by_span: dict[tuple[str, ...], list[Moment]] = {}
    by_name: dict[tuple[str, ...], list[Moment]] = {}
    for moment in moments:
        if not moment.phase:
            pairs.append((moment, moment))
        elif moment.span_id:
            by_span.setdefault((*_key(moment), moment.span_id), []).append(moment)
        else:
            by_name.setdefault((*_key(moment), moment.operation), []).append(moment)
    for key, group in by_span.items():
        matched, left = _matched(group)
        pairs += matched
        for moment in left:
            # Only one of the two may have known its span.
            by_name.setdefault((*key[:-1], moment.operation), []).append(moment)
    for group in by_name.values():
        matched, left = _matched(sorted(group, key=lambda moment: moment.position))
        pairs += matched
        pairs += [(moment, None) if moment.phase == "START" else (None, moment) for moment in left]
    return pairs


def _key(moment: Moment) -> tuple[str, str, str]:
    return moment.correlation_id, moment.node_id, moment.kind


def _matched(group: Sequence[Moment]) -> tuple[list[_Pair], list[Moment]]:
    """Starts with their ends, and what is left over. An end closes the start that its duration fits best, else the
    last that is open; one that arrived before its start is matched in a second round."""
    open_starts: list[Moment] = []
    early: list[Moment] = []
    pairs: list[_Pair] = []
    for moment in group:
        if moment.phase == "START":
            open_starts.append(moment)
        elif open_starts:
            pairs.append((_take(open_starts, moment), moment))
        else:
            early.append(moment)
    left: list[Moment] = []
    for end in early:
        if open_starts:
            pairs.append((_take(open_starts, end), end))
        else:
            left.append(end)
    return pairs, [*open_starts, *left]


def _take(starts: list[Moment], end: Moment) -> Moment:
    if end.took is None:
        return starts.pop()
    began = end.occurred_at - end.took

    def misfit(index: int) -> float:
        apart = (starts[index].occurred_at - began).total_seconds()
        return round(abs(apart - round(apart / _QUARTER) * _QUARTER), 3)

    last = len(starts) - 1
    return starts.pop(min(range(last, max(last - _CANDIDATES, -1), -1), key=misfit))


def _start_skews(pairs: Iterable[_Pair]) -> dict[str, timedelta]:
    """By node, how far its STARTs are ahead of the clock of their ends, where this is seen: for those without an end."""
    seen: dict[str, list[timedelta]] = {}
    for start, end in pairs:
        if start is not None and end is not None and start is not end and end.took is not None:
            seen.setdefault(start.node_id, []).append(start.occurred_at - (end.occurred_at - end.took))
    middle = {node: sorted(skews)[len(skews) // 2] for node, skews in seen.items()}
    return {node: skew for node, skew in middle.items() if abs(skew) > START_TOLERANCE}


def _span(start: Moment | None, end: Moment | None, skews: dict[str, timedelta], overdue: datetime) -> Span:
    if start is not None and start is end:
        failed = start.error_code is not None
        return Span(start, end, "failed" if failed else "event", start.occurred_at, start.occurred_at, None)
    if end is None:
        assert start is not None
        skew = skews.get(start.node_id)
        began = start.occurred_at - (skew or timedelta(0))
        status: Status = "incomplete" if start.received_at <= overdue else "running"
        return Span(start, None, status, began, began, skew)
    status = "failed" if end.phase in _FAILED else "succeeded"
    if end.took is not None:
        began = end.occurred_at - end.took
    else:
        began = end.occurred_at if start is None else min(start.occurred_at, end.occurred_at)
    skew = None if start is None else start.occurred_at - began
    return Span(start, end, status, began, end.occurred_at, skew)
