"""Where the lines of a chart of percentiles and the boxes of an icicle go: plain geometry for the templates."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from events.profiles import Bucket, Spent

WIDTH, HEIGHT, _LEFT, _BOTTOM, _TOP = 960, 220, 56, 22, 10
_ROW = 20
_DEEPEST = 24
# Narrower boxes cannot be seen, and of some letters' width none fits.
_THINNEST, _LETTER, _PAD = 1.0, 6.2, 4
LINES = ("p50", "p95", "p99")


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    # One path; where nothing was measured it begins anew.
    path: str
    # (x, y) of each point: one alone is no line.
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Chart:
    lines: tuple[Line, ...]
    levels: tuple[Tick, ...]
    first: datetime
    last: datetime
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    floor: int = HEIGHT - _BOTTOM


def draw_percentiles(buckets: Sequence[Bucket], since: datetime, until: datetime) -> Chart | None:
    """None when nothing was measured."""
    top = max((bucket.numbers.p99 or 0.0 for bucket in buckets if bucket.numbers.count), default=0.0)
    if not top:
        return None
    floor = HEIGHT - _BOTTOM

    def point(bucket: Bucket, value: float) -> tuple[float, float]:
        middle = (bucket.at + (bucket.until - bucket.at) / 2 - since) / (until - since)
        return round(_LEFT + middle * (WIDTH - _LEFT), 1), round(floor - value / top * (floor - _TOP), 1)

    lines = []
    for name in LINES:
        points, path, before = [], "", None
        for bucket in buckets:
            value = getattr(bucket.numbers, name)
            if value is None:
                continue
            x, y = point(bucket, value)
            path += f"{'L' if before == bucket.at else 'M'}{x} {y}"
            before = bucket.until
            points.append((x, y))
        lines.append(Line(name, path, tuple(points)))
    levels = tuple(
        Tick(round(floor - part * (floor - _TOP), 1), f"{top * part:,.3g}") for part in (0, 0.5, 1)
    )
    return Chart(tuple(lines), levels, since, until)


@dataclass(slots=True)
class _Node:
    own: float = 0.0
    below: dict[str, "_Node"] = field(default_factory=dict)

    def total(self) -> float:
        return self.own + sum(node.total() for node in self.below.values())


@dataclass(frozen=True, slots=True)
class Box:
    name: str
    x: float
    y: int
    width: float
    # What of the name fits.
    label: str
    share: float
    tone: str
    # The frames from the outermost to this one.
    path: tuple[str, ...]
    total_ms: float
    self_ms: float


@dataclass(frozen=True, slots=True)
class Icicle:
    boxes: tuple[Box, ...]
    height: int
    # The frames that were walked down: the picture is of the last one.
    focus: tuple[tuple[str, tuple[str, ...]], ...] = ()
    # Its share of all that was seen.
    share: float = 1.0
    width: int = WIDTH
    row: int = _ROW - 1


def draw_icicle(stacks: Iterable[tuple[tuple[str, ...], float]], focus: Sequence[str] = ()) -> Icicle | None:
    """The outermost frames on top, each as wide as its share of the time. None when there are no stacks.

    With a `focus`, only what is below these frames, as far as they are there.
    """
    root = _Node()
    for frames, own in stacks:
        node = root
        for frame in frames[:_DEEPEST]:
            node = node.below.setdefault(frame, _Node())
        node.own += own
    everything = root.total()
    if not everything:
        return None
    walked: list[str] = []
    for name in focus:
        if name not in root.below:
            break
        root = root.below[name]
        walked.append(name)
    boxes: list[Box] = []
    whole = root.total()
    _place(root, 0.0, tuple(walked), len(walked), whole=whole, boxes=boxes)
    return Icicle(
        tuple(boxes),
        max((box.y for box in boxes), default=0) + _ROW,
        tuple((name, tuple(walked[: depth + 1])) for depth, name in enumerate(walked)),
        whole / everything,
    )


def _place(node: _Node, x: float, path: tuple[str, ...], top: int, *, whole: float, boxes: list[Box]) -> None:
    """Below a node, from `x` on; `top` is how many frames lie above the picture."""
    for name, child in sorted(node.below.items()):
        total = child.total()
        width = total / whole * WIDTH if whole else 0.0
        if width >= _THINNEST:
            letters = int((width - 2 * _PAD) / _LETTER)
            label = name if len(name) <= letters else f"{name[: letters - 1]}…" if letters > 2 else ""
            # Neighbours differ, and a name has the same tone everywhere.
            tone = "abc"[sum(map(ord, name)) % 3]
            here = (*path, name)
            y, share = (len(path) - top) * _ROW, total / whole
            boxes.append(
                Box(name, round(x, 2), y, round(width, 2), label, share, tone, here, total, child.own)
            )
            _place(child, x, here, top, whole=whole, boxes=boxes)
        x += width


@dataclass(frozen=True, slots=True)
class Part:
    """One kind of time, as a part of a bar."""

    name: str
    ms: float
    share: float
    x: float
    width: float


def draw_spent(spent: Spent | None) -> tuple[Part, ...]:
    """Where the time of an operation went, on average; parts that are nothing are left out."""
    if spent is None or not spent.whole:
        return ()
    parts, x = [], 0.0
    for name, ms in (
        ("Own code", spent.own_code),
        ("Garbage collection", spent.collecting),
        ("Kernel", spent.kernel),
        ("Waiting", spent.waiting),
    ):
        share = ms / spent.whole
        if share > 0:
            width = round(share * WIDTH, 2)
            parts.append(Part(name, ms, share, round(x, 2), width))
            x += width
    return tuple(parts)
