"""Where the bars and lines of a chart go: plain geometry for the template, which draws it without any script."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import floor, log10
from typing import NamedTuple

from events.sketch import ZERO, Sketch, value_of

WIDTH, HEIGHT = 720, 190
_LEFT, _TOP, _BOTTOM = 64, 10, 24
_INNER_WIDTH, _INNER_HEIGHT = WIDTH - _LEFT - 16, HEIGHT - _TOP - _BOTTOM
_TICKS, _LABELS = 4, 6
_COLUMNS = 30
_SPARK_HEIGHT, _SPARK_WIDTH = 24, 120

Say = Callable[[float], str]


class Bar(NamedTuple):
    x: float
    y: float
    width: float
    height: float
    tone: str
    # What it stands for, in words.
    told: str


class Line(NamedTuple):
    path: str
    tone: str


class Label(NamedTuple):
    x: float
    y: float
    text: str


class Key(NamedTuple):
    tone: str
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """`sentence` says what it shows, for whoever does not see it."""

    id: str
    sentence: str
    bars: Sequence[Bar]
    lines: Sequence[Line]
    ticks: Sequence[Label]
    labels: Sequence[Label]
    legend: Sequence[Key]
    # Whether it runs through time, so that its end is looked at first.
    over_time: bool = True
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT


class Series(NamedTuple):
    """Values by step, None where there is none."""

    key: Key
    values: Sequence[float | None]


def stacked(
    name: str,
    at: Sequence[datetime],
    series: Sequence[Series],
    *,
    sentence: str,
    say: Say,
    share: bool = False,
) -> Chart:
    """A bar for each step, its parts one on the other; with `share` every bar is the whole of its step."""
    sums = [sum(one.values[n] or 0.0 for one in series) for n in range(len(at))]
    most = 1.0 if share else _round_up(max(sums, default=0.0))
    width = _INNER_WIDTH / max(len(at), 1)
    bars: list[Bar] = []
    for n, moment in enumerate(at):
        whole, y = (sums[n] if share else 1.0) or 1.0, float(_TOP + _INNER_HEIGHT)
        for one in series:
            value = (one.values[n] or 0.0) / whole
            height = value / most * _INNER_HEIGHT
            if height <= 0:
                continue
            # What is not nothing is seen.
            height = max(height, 1.0)
            y -= height
            told = f"{moment:%Y-%m-%d %H:%M} UTC, {one.key.text}: {say(value)}"
            gap = min(1.0, width / 4)
            bars.append(Bar(_r(_LEFT + n * width), _r(y), _r(width - gap), _r(height), one.key.tone, told))
    return Chart(name, sentence, bars, (), _ticks(most, say), _times(at, width), [one.key for one in series])


def lines(name: str, at: Sequence[datetime], series: Sequence[Series], *, sentence: str, say: Say) -> Chart:
    """A line for each series; it is broken where there is no value."""
    most = _round_up(max((value for one in series for value in one.values if value is not None), default=0.0))
    width = _INNER_WIDTH / max(len(at), 1)
    drawn = [Line(_path(one.values, width, most), one.key.tone) for one in series]
    return Chart(name, sentence, (), drawn, _ticks(most, say), _times(at, width), [one.key for one in series])


def histogram(name: str, sketch: Sketch, *, sentence: str, say: Say, count: Say) -> Chart:
    """How the values are spread; each column is as many times wider in value as the one before it."""
    columns = _columns(sketch)
    most = _round_up(max((weight for _, _, weight in columns), default=0.0))
    width = _INNER_WIDTH / max(len(columns), 1)
    base = _TOP + _INNER_HEIGHT
    bars = []
    for n, (low, high, weight) in enumerate(columns):
        height = max(weight / most * _INNER_HEIGHT, 1.0) if weight else 0.0
        told = f"{say(low)} to {say(high)}: {count(weight)}"
        bars.append(Bar(_r(_LEFT + n * width), _r(base - height), _r(width - 1), _r(height), "part-1", told))
    step = max(1, len(columns) // _LABELS)
    labels = [
        Label(_r(_LEFT + (n + 0.5) * width), HEIGHT - 8, say((columns[n][0] * columns[n][1]) ** 0.5))
        for n in range(step // 2, len(columns), step)
    ]
    return Chart(name, sentence, bars, (), _ticks(most, count), labels, (), over_time=False)


def _columns(sketch: Sketch) -> list[tuple[float, float, float]]:
    """Lowest value, highest value and weight of each of some columns."""
    numbers = [number for number in sketch.bins if number != ZERO]
    found = [(0.0, 0.0, float(sketch.bins[ZERO]))] if ZERO in sketch.bins else []
    if not numbers:
        return found
    first, last = min(numbers), max(numbers)
    each = max(1, -(-(last - first + 1) // _COLUMNS))
    for begin in range(first, last + 1, each):
        weight = sum(sketch.bins.get(number, 0) for number in range(begin, begin + each))
        found.append((value_of(begin), value_of(begin + each - 1), float(weight)))
    return found


def _path(values: Sequence[float | None], width: float, most: float) -> str:
    path = []
    for n, value in enumerate(values):
        if value is None:
            continue
        x = _r(_LEFT + (n + 0.5) * width)
        y = _r(_TOP + _INNER_HEIGHT * (1 - value / most))
        if n and values[n - 1] is not None:
            path.append(f"L{x} {y}")
        elif n + 1 < len(values) and values[n + 1] is not None:
            path.append(f"M{x} {y}")
        else:
            # A value that stands alone is a dash.
            path.append(f"M{_r(x - 2)} {y}h4")
    return "".join(path)


def _ticks(most: float, say: Say) -> list[Label]:
    return [
        Label(_LEFT - 6, _r(_TOP + _INNER_HEIGHT * (1 - n / _TICKS)), say(most * n / _TICKS))
        for n in range(0, _TICKS + 1, 2)
    ]


def _times(at: Sequence[datetime], width: float) -> list[Label]:
    """Some of the steps by name: whole days by their date where there are several, else the time."""
    span = at[-1] - at[0] if at else timedelta()
    dated = span > timedelta(days=2)
    form = "%H:%M" if not dated else "%d %b" if span <= timedelta(days=300) else "%b %Y"
    named = [n for n, moment in enumerate(at) if not dated or moment.hour == 0] or list(range(len(at)))
    step = max(1, -(-len(named) // _LABELS))
    return [
        Label(_r(_LEFT + (n + 0.5) * width), HEIGHT - 8, f"{at[n]:{form}}") for n in named[step // 2 :: step]
    ]


def _round_up(most: float) -> float:
    """A number that is read easily, not below this one."""
    if most <= 0:
        return 1.0
    power = 10.0 ** floor(log10(most))
    return next(power * factor for factor in (1, 2, 4, 6, 8, 10, 20) if power * factor >= most * (1 - 1e-9))


def _r(number: float) -> float:
    return round(number, 2)


@dataclass(frozen=True, slots=True)
class Sparkline:
    """The row of bars beside a name: `registry/_sparkline.html` draws it."""

    values: Sequence[float]
    bad: Sequence[float]
    sentence: str
    width: int = _SPARK_WIDTH

    def bars(self) -> Iterator[Mapping[str, float]]:
        most = max(self.values, default=0.0) or 1.0
        each = self.width / max(len(self.values), 1)
        for n, (value, bad) in enumerate(zip(self.values, self.bad, strict=True)):
            height, bad_height = _spark(value, most), _spark(min(bad, value), most)
            yield {
                "x": _r(n * each),
                "width": _r(max(each - 1, each * 0.75)),
                "height": height,
                "y": _SPARK_HEIGHT - height,
                "bad_height": bad_height,
                "bad_y": _SPARK_HEIGHT - bad_height,
            }


def _spark(value: float, most: float) -> float:
    return max(1.0, _r(value / most * _SPARK_HEIGHT)) if value > 0 else 0.0
