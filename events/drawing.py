"""Where the lines of a waterfall go: plain geometry for the template."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10

from events.waterfall import Row, Waterfall

WIDTH, _LABELS, _ROW, _TOP = 960, 300, 24, 28
_INDENT, _DEEPEST = 12, 14
_LETTERS = 38
#: Rows on one page; there is a map of the whole as soon as there are more.
PAGE = 200
_MAP_HEIGHT = 96


@dataclass(frozen=True, slots=True)
class Bar:
    row: Row
    y: int
    text_x: int
    label: str
    # From the row it hangs under, when that is on this page.
    branch: str
    x: float
    width: float
    # Where its time is written, on the side that has room.
    time_x: float
    time_anchor: str
    tone: str


@dataclass(frozen=True, slots=True)
class Tick:
    x: float
    at_ms: float


@dataclass(frozen=True, slots=True)
class Part:
    """A page of rows on the map."""

    first: int
    last: int
    y: float
    height: float
    current: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """All rows on one small picture, as paths by tone."""

    paths: dict[str, str]
    parts: tuple[Part, ...]
    height: int = _MAP_HEIGHT


@dataclass(frozen=True, slots=True)
class Drawing:
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    overview: Overview | None
    first: int
    total: int
    height: int
    width: int = WIDTH

    @property
    def last(self) -> int:
        return self.first + len(self.bars) - 1

    @property
    def previous(self) -> int | None:
        return self.first - PAGE if self.first else None

    @property
    def next(self) -> int | None:
        return self.first + PAGE if self.last + 1 < self.total else None


def draw(waterfall: Waterfall, *, first: int = 0) -> Drawing:
    """The page of rows that begins at `first`, counted among those that are shown."""
    rows = waterfall.rows
    first = max(0, min(first, len(rows) - 1)) // PAGE * PAGE if rows else 0
    shown = rows[first : first + PAGE]
    scale = (WIDTH - _LABELS) / (waterfall.total_ms or 1.0)
    lines = {row.number: index for index, row in enumerate(shown)}
    return Drawing(
        tuple(_bar(row, index, lines, scale) for index, row in enumerate(shown)),
        tuple(_ticks(waterfall.total_ms, scale)),
        _overview(rows, scale, first) if len(rows) > PAGE else None,
        first,
        len(rows),
        height=_TOP + _ROW * len(shown) + 4,
    )


def _bar(row: Row, index: int, lines: dict[int, int], scale: float) -> Bar:
    y = _TOP + index * _ROW
    text_x = 8 + min(row.depth, _DEEPEST) * _INDENT
    x, width = _LABELS + row.began_ms * scale, max(row.duration_ms * scale, 2.0)
    x = min(x, WIDTH - width)
    left = x + width > WIDTH - 70
    return Bar(
        row,
        y,
        text_x,
        _shortened(f"{row.name} · {row.node_id}", _LETTERS - 2 * min(row.depth, _DEEPEST)),
        _branch(row, index, lines),
        round(x, 2),
        round(width, 2),
        round(x - 4 if left else x + width + 4, 2),
        "end" if left else "start",
        _tone(row),
    )


def _branch(row: Row, index: int, lines: dict[int, int]) -> str:
    above = lines.get(row.parent) if row.parent is not None else None
    if above is None:
        return ""
    x = 8 + min(row.depth - 1, _DEEPEST) * _INDENT + 4
    return f"M{x} {_TOP + above * _ROW + 18}V{_TOP + index * _ROW + 12}h6"


def _tone(row: Row) -> str:
    if row.failed:
        return "bad"
    return "warn" if row.span.status == "incomplete" else "open" if row.span.is_open else "good"


def _shortened(text: str, letters: int) -> str:
    return text if len(text) <= letters else f"{text[: letters - 1]}…"


def _ticks(total_ms: float, scale: float) -> list[Tick]:
    """Some five round times."""
    if total_ms <= 0:
        return [Tick(_LABELS, 0.0)]
    rough = total_ms / 5
    power = 10.0 ** int(log10(rough)) if rough >= 1 else 0.1 if rough >= 0.1 else 0.01
    step = next(power * factor for factor in (1, 2, 5, 10, 100) if power * factor >= rough)
    count = int(total_ms / step)
    return [Tick(round(_LABELS + number * step * scale, 2), number * step) for number in range(count + 1)]


def _overview(rows: Sequence[Row], scale: float, first: int) -> Overview:
    line = _MAP_HEIGHT / len(rows)
    # The whole width: names have no room here.
    scale *= WIDTH / (WIDTH - _LABELS)
    paths: dict[str, list[str]] = {}
    for index, row in enumerate(rows):
        x, width = row.began_ms * scale, max(row.duration_ms * scale, 1.5)
        x = min(x, WIDTH - width)
        paths.setdefault(_tone(row), []).append(f"M{x:.1f} {(index + 0.5) * line:.1f}h{width:.1f}")
    parts = tuple(
        Part(
            start,
            min(start + PAGE, len(rows)) - 1,
            round(start * line, 2),
            round(min(PAGE, len(rows) - start) * line, 2),
            start == first,
        )
        for start in range(0, len(rows), PAGE)
    )
    return Overview({tone: "".join(path) for tone, path in paths.items()}, parts)
