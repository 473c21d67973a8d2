"""The pictures of a run: where its events lie on its clock, and how late they left."""

from dataclasses import dataclass

from django.db import connection

from events.models import Replay

WIDTH, STRIP_HEIGHT, PLOT_HEIGHT = 960, 64, 120
_BARS, _STRETCHES = 240, 240
# Above the bars of the strip, for the mark of the playhead.
_TOP = 8

_DENSITY = """
SELECT least(floor(virtual / greatest(%(length)s, 0.000001) * %(bars)s), %(bars)s - 1)::int AS bar, count(*),
    count(*) FILTER (WHERE problem <> ''), count(*) FILTER (WHERE outcome <> '')
FROM events_replayitem WHERE replay_id = %(id)s GROUP BY bar ORDER BY bar
"""
_LATENESS = """
SELECT (index::bigint * %(stretches)s / greatest(%(total)s, 1))::int AS stretch,
    max(extract(epoch FROM sent_at - planned_at) * 1000)
FROM events_replayitem
WHERE replay_id = %(id)s AND planned_at IS NOT NULL AND sent_at IS NOT NULL GROUP BY stretch ORDER BY stretch
"""


@dataclass(frozen=True, slots=True)
class Bar:
    """Events of one stretch of the clock; the lower part failed."""

    x: float
    y: float
    height: float
    bad_height: float
    played: bool


@dataclass(frozen=True, slots=True)
class Strip:
    bars: tuple[Bar, ...]
    bar_width: float
    playhead: float
    # The most events that one bar stands for.
    most: int
    width: int = WIDTH
    height: int = STRIP_HEIGHT


@dataclass(frozen=True, slots=True)
class Plot:
    """The worst lateness of each stretch of events, as a path; `most_ms` is the top of the picture."""

    path: str
    most_ms: float
    width: int = WIDTH
    height: int = PLOT_HEIGHT


def strip_of(replay: Replay, stands_at: float) -> Strip:
    with connection.cursor() as cursor:
        cursor.execute(_DENSITY, {"id": replay.pk, "length": replay.length, "bars": _BARS})
        rows = cursor.fetchall()
    most = max((count for _, count, _, _ in rows), default=1)
    width = WIDTH / _BARS
    room = STRIP_HEIGHT - _TOP
    bars = tuple(
        Bar(
            round(bar * width, 2),
            round(STRIP_HEIGHT - max(room * count / most, 2), 2),
            round(max(room * count / most, 2), 2),
            round(room * bad / most, 2),
            played=played == count,
        )
        for bar, count, bad, played in rows
    )
    share = min(stands_at / replay.length, 1.0) if replay.length else float(replay.done >= replay.total)
    return Strip(bars, round(width * 0.8, 2), round(share * WIDTH, 1), most)


def plot_of(replay: Replay) -> Plot | None:
    """None before an event with a planned time has left."""
    with connection.cursor() as cursor:
        cursor.execute(_LATENESS, {"id": replay.pk, "total": replay.total, "stretches": _STRETCHES})
        rows = [(stretch, max(float(late), 0.0)) for stretch, late in cursor.fetchall()]
    if not rows:
        return None
    most = max(1.0, *(late for _, late in rows))
    step = WIDTH / _STRETCHES
    points = [
        f"{round(stretch * step, 1)} {round((PLOT_HEIGHT - 4) * (1 - late / most) + 2, 1)}"
        for stretch, late in rows
    ]
    first = points[0]
    return Plot(f"M{first}L{' '.join(points[1:] or [first])}", most)
