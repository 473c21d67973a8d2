"""`python -m benchmarks.growth_plot NAME RESULTS.json IMAGE.svg`: what `./run bench NAME --json` measured, as sizes grow.

NAME is `compat` (the cost of a verdict) or `catalogue` (of publishing and reading, and the rate of publishing).
"""

import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.compat import GROWTH

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 640, 360, 56, 24, 300
RIGHT = 500
COLOURS = ("#2563eb", "#d97706", "#059669", "#7c3aed", "#dc2626")
#: The operations of the catalogue that are drawn, by what they are called in the picture.
OPERATIONS = {
    "publish_p50": "publish",
    "list_page_p50": "page of subjects",
    "versions_p50": "versions",
    "by_id_p50": "by id",
}

Metrics = Mapping[str, Mapping[str, float]]
Series = dict[str, list[tuple[float, float]]]


def of_compat(metrics: Metrics) -> Series:
    return {
        shape.replace("_", " "): [(size, metrics[f"growth_{shape}_{size}_ms"]["value"]) for size in sizes]
        for shape, sizes in GROWTH.items()
    }


def of_catalogue(metrics: Metrics) -> Series:
    sizes = sorted(int(name.rpartition("_")[2]) for name in metrics if name.startswith("publish_p50_at_"))
    return {
        told: [(size, metrics[f"{name}_at_{size}"]["value"]) for size in sizes]
        for name, told in OPERATIONS.items()
    }


DRAWN = {
    "compat": (of_compat, "Milliseconds for one verdict against the size of the schemas", "size"),
    "catalogue": (
        of_catalogue,
        "Median milliseconds of an operation against the number of versions",
        "versions",
    ),
}


def plot(series: Series, label: str, across: str) -> str:
    """Both axes logarithmic, so that a straight line is a power of the size."""
    sizes = [size for points in series.values() for size, _ in points]
    scale = _Scale(10 ** math.floor(math.log10(min(sizes))), max(sizes))
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12" '
            f'role="img" aria-label="{label}">'
        ),
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        *_grid(scale, across),
    ]
    for colour, (told, points) in zip(COLOURS, series.items(), strict=False):
        at = [(scale.x(size), scale.y(spent)) for size, spent in points]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in at]
        x, y = at[-1]
        parts.append(f'<text x="{x + 8:.1f}" y="{y + 4:.1f}" fill="{colour}">{told}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _grid(scale: "_Scale", across: str) -> list[str]:
    parts = []
    for power in range(4):
        y = scale.y(10**power)
        parts.append(f'<line x1="{LEFT}" y1="{y}" x2="{RIGHT}" y2="{y}" stroke="#e5e7eb"/>')
        parts.append(
            f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end" fill="#374151">{10**power} ms</text>'
        )
    for size in scale.powers():
        x = scale.x(size)
        parts.append(f'<line x1="{x}" y1="{TOP}" x2="{x}" y2="{BOTTOM}" stroke="#e5e7eb"/>')
        parts.append(f'<text x="{x}" y="{BOTTOM + 18}" text-anchor="middle" fill="#374151">{size:,}</text>')
    middle = (LEFT + RIGHT) / 2
    return [
        *parts,
        f'<text x="{middle}" y="{BOTTOM + 40}" text-anchor="middle" fill="#374151">{across}</text>',
    ]


class _Scale:
    """Where a size, and a number of milliseconds, is drawn."""

    def __init__(self, smallest: float, largest: float) -> None:
        self._from, self._to = math.log10(smallest), math.log10(largest)

    def powers(self) -> list[int]:
        return [10**power for power in range(round(self._from), math.floor(self._to) + 1)]

    def x(self, size: float) -> float:
        return round(LEFT + (RIGHT - LEFT) * (math.log10(size) - self._from) / (self._to - self._from), 1)

    def y(self, milliseconds: float) -> float:
        scaled = math.log10(max(milliseconds, 1)) / 3
        return round(BOTTOM - (BOTTOM - TOP) * min(scaled, 1), 1)


if __name__ == "__main__":
    drawn, measured, image = sys.argv[1:]
    read, *words = DRAWN[drawn]
    metrics = json.loads(Path(measured).read_text(encoding="utf-8"))["metrics"]
    Path(image).write_text(plot(read(metrics), *words), encoding="utf-8")
