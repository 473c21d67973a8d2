"""The projection of what the log takes, as a picture: two areas on each other, in units of 0 to 600 by 0 to 160."""

from collections.abc import Sequence
from dataclasses import dataclass

from events.storage import Projected

WIDTH, HEIGHT, TOP = 600, 160, 10


@dataclass(frozen=True, slots=True)
class Drawing:
    """Paths of what is compressed, from below, and of all."""

    cold: str
    total: str
    most: int
    first: Projected
    last: Projected


def draw_projection(projection: Sequence[Projected]) -> Drawing:
    most = max((one.bytes for one in projection), default=0) or 1
    return Drawing(
        cold=_area([one.cold for one in projection], most),
        total=_area([one.bytes for one in projection], most),
        most=most,
        first=projection[0],
        last=projection[-1],
    )


def _area(values: Sequence[int], most: int) -> str:
    step = WIDTH / max(len(values) - 1, 1)
    points = " L".join(
        f"{number * step:.1f} {HEIGHT - value / most * (HEIGHT - TOP):.1f}"
        for number, value in enumerate(values)
    )
    return f"M0 {HEIGHT} L{points} L{WIDTH} {HEIGHT}Z"
