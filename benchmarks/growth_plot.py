"""`python -m benchmarks.growth_plot compat.json docs/images/compat-growth.svg`: the cost of a verdict as schemas grow."""

import json
import math
import sys
from pathlib import Path

from benchmarks.compat import GROWTH

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 640, 360, 56, 24, 300
RIGHT = 500
COLOURS = {"properties": "#2563eb", "tagged_branches": "#d97706", "depth": "#059669"}


def plot(metrics: dict[str, dict[str, float]]) -> str:
    """Both axes logarithmic, so that a straight line is a power of the size."""
    series = {
        shape: [(size, metrics[f"growth_{shape}_{size}_ms"]["value"]) for size in sizes]
        for shape, sizes in GROWTH.items()
    }
    largest = max(size for points in series.values() for size, _ in points)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12" '
            'role="img" aria-label="Milliseconds for one verdict against the size of the schemas">'
        ),
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
    ]
    for power in range(4):
        y = _y(10**power)
        parts.append(f'<line x1="{LEFT}" y1="{y}" x2="{RIGHT}" y2="{y}" stroke="#e5e7eb"/>')
        parts.append(
            f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end" fill="#374151">{10**power} ms</text>'
        )
    for size in (1, 10, 100, 1000):
        x = _x(size, largest)
        parts.append(f'<line x1="{x}" y1="{TOP}" x2="{x}" y2="{BOTTOM}" stroke="#e5e7eb"/>')
        parts.append(f'<text x="{x}" y="{BOTTOM + 18}" text-anchor="middle" fill="#374151">{size}</text>')
    middle = (LEFT + RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{BOTTOM + 40}" text-anchor="middle" fill="#374151">size</text>')
    for shape, points in series.items():
        at = [(_x(size, largest), _y(spent)) for size, spent in points]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
        colour = COLOURS[shape]
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in at]
        x, y = at[-1]
        parts.append(
            f'<text x="{x + 8:.1f}" y="{y + 4:.1f}" fill="{colour}">{shape.replace("_", " ")}</text>'
        )
    return "\n".join([*parts, "</svg>", ""])


def _x(size: float, largest: float) -> float:
    return round(LEFT + (RIGHT - LEFT) * math.log10(size) / math.log10(largest), 1)


def _y(milliseconds: float) -> float:
    scaled = math.log10(max(milliseconds, 1)) / 3
    return round(BOTTOM - (BOTTOM - TOP) * min(scaled, 1), 1)


if __name__ == "__main__":
    measured = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    Path(sys.argv[2]).write_text(plot(measured["metrics"]), encoding="utf-8")
