"""What is wrong with each node's clock, as one tree of work shows it, and by how much.

Three things a true clock never says: that work began before the work that started it, that it went on after that had
ended although its events arrived while that was still going on, and that something happened after it was received.
A node whose clock says so is moved into the middle of where its work can have been. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from events.spans import Span

# Synchronised clocks are this far apart at times.
TOLERANCE = timedelta(milliseconds=10)
# Arrival is stamped by another machine, and its clock is not perfect either.
ARRIVAL_TOLERANCE = timedelta(seconds=1)


@dataclass(slots=True)
class _Bounds:
    """What has to be added to a node's clock: at least `low`, at most `high`; `wrong` when nothing will not do."""

    low: timedelta = timedelta.min
    high: timedelta = timedelta.max
    # At most, too, but far from where it is when events take their time to arrive.
    arrived: timedelta = timedelta.max
    wrong: bool = False

    def at_least(self, shift: timedelta, tolerance: timedelta) -> None:
        self.low = max(self.low, shift)
        self.wrong |= shift > tolerance

    def at_most(self, shift: timedelta, tolerance: timedelta | None) -> None:
        """`tolerance` None: it helps to place a wrong clock, but proves nothing."""
        self.high = min(self.high, shift)
        self.wrong |= tolerance is not None and shift < -tolerance

    def arrived_after(self, wait: timedelta) -> None:
        self.arrived = min(self.arrived, wait)
        self.wrong |= wait < -ARRIVAL_TOLERANCE

    def narrow(self, low: timedelta, high: timedelta) -> None:
        """Believes one more source, as far as it does not contradict the others, which have to say something."""
        said = self.low > timedelta.min and self.high < timedelta.max
        low, high = max(self.low, low), min(self.high, high)
        if said and low <= high:
            self.low, self.high = low, high

    @property
    def shift(self) -> timedelta:
        if not self.wrong:
            return timedelta(0)
        if self.low == timedelta.min:
            return min(self.high, self.arrived)
        # Bounds that contradict each other: causes come before effects, whatever else.
        known = self.low < self.high < timedelta.max
        return (self.low + self.high) / 2 if known else self.low


@dataclass(slots=True)
class _Window:
    """The work of one node within a correlation, by its own clock."""

    began: datetime
    ended: datetime
    # Positions of its events.
    first: int
    last: int = 0
    is_open: bool = False

    def add(self, span: Span) -> None:
        self.began = min(self.began, span.began)
        self.ended = max(self.ended, span.ended)
        for event in span.events:
            self.last = max(self.last, event.position)
        self.is_open |= span.is_open

    def moved(self, shift: timedelta) -> "_Window":
        return (
            replace(self, began=moved(self.began, shift), ended=moved(self.ended, shift)) if shift else self
        )


@dataclass(slots=True)
class _Tree:
    """Correlation → node → window, and who started whom."""

    windows: dict[str, dict[str, _Window]]
    parents: Mapping[str, str | None]
    nodes: dict[str, list[str]] = field(default_factory=dict)
    below: dict[str, list[str]] = field(default_factory=dict)
    shifts: dict[str, timedelta] = field(default_factory=dict)

    def above(self, correlation: str, node: str) -> list[_Window]:
        """What the started work's parent did on other nodes whose clocks are settled, on right clocks."""
        parent = self.parents.get(correlation)
        windows = {} if parent is None else self.windows.get(parent, {})
        return [
            window.moved(self.shifts[name])
            for name, window in windows.items()
            if name in self.shifts and name != node
        ]

    def started(self, correlation: str, node: str) -> list[_Window]:
        """What it started on other nodes whose clocks are not settled."""
        return [
            window
            for child in self.below.get(correlation, [])
            for name, window in self.windows[child].items()
            if name not in self.shifts and name != node
        ]


def shifts_of(
    spans: Mapping[str, Sequence[Span]], parents: Mapping[str, str | None], order: Iterable[str]
) -> dict[str, timedelta]:
    """By node, what to add to its clock; zero where nothing contradicts it.

    `spans` by correlation, `order` with parents before what they started. The clock of the first node is believed
    unless arrival contradicts it.
    """
    tree = _tree(spans, parents)
    arrivals = _arrivals(spans)
    for correlation in order:
        for node in tree.windows[correlation]:
            if node not in tree.shifts:
                tree.shifts[node] = _shift(tree, node, arrivals[node])
    return tree.shifts


def moved(at: datetime, shift: timedelta) -> datetime:
    """Clocks may say any year, and stay there when what is added leads out of the calendar."""
    try:
        return at + shift
    except OverflowError:
        return at


def _tree(spans: Mapping[str, Sequence[Span]], parents: Mapping[str, str | None]) -> _Tree:
    tree = _Tree({}, parents)
    for correlation, its in spans.items():
        if (above := parents.get(correlation)) is not None:
            tree.below.setdefault(above, []).append(correlation)
        windows = tree.windows.setdefault(correlation, {})
        for span in its:
            node = span.node_id
            if node not in windows:
                windows[node] = _Window(span.began, span.ended, span.first.position)
                tree.nodes.setdefault(node, []).append(correlation)
            windows[node].add(span)
    return tree


def _arrivals(spans: Mapping[str, Sequence[Span]]) -> dict[str, _Bounds]:
    """Nothing happens after it was received. A START may be stamped by a clock of its own: its end speaks for it."""
    found: dict[str, _Bounds] = {}
    for its in spans.values():
        for span in its:
            bounds = found.setdefault(span.node_id, _Bounds())
            bounds.arrived_after(span.events[-1].received_at - span.ended)
    return found


def _shift(tree: _Tree, node: str, bounds: _Bounds) -> timedelta:
    for correlation in tree.nodes[node]:
        above = tree.above(correlation, node)
        if above:
            own, started = tree.windows[correlation][node], tree.started(correlation, node)
            _bound(bounds, own, above, contradicted=any(window.began < own.began for window in started))
    if bounds.wrong:
        for correlation in tree.nodes[node]:
            own = tree.windows[correlation][node]
            for window in tree.started(correlation, node):
                bounds.narrow(*_around(own, window))
    return bounds.shift


def _bound(bounds: _Bounds, own: _Window, above: Sequence[_Window], *, contradicted: bool) -> None:
    """What the work that started this one says; `contradicted`: what this one started does not fit, either."""
    began = min(window.began for window in above)
    ended = max(window.ended for window in above)
    bounds.at_least(began - own.began, TOLERANCE)
    is_open = own.is_open or any(window.is_open for window in above)
    if not is_open and own.ended - own.began <= ended - began:
        proves = contradicted or own.first < max(window.last for window in above)
        bounds.at_most(ended - own.ended, TOLERANCE if proves else None)


def _around(own: _Window, inner: _Window) -> tuple[timedelta, timedelta]:
    """Between which shifts the one window holds the other."""
    fits = not own.is_open and not inner.is_open and inner.ended - inner.began <= own.ended - own.began
    return (inner.ended - own.ended if fits else timedelta.min), inner.began - own.began
