"""The graph of references in the browser: a drawing, and the table that says the same."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from access.caller import caller
from registry.graph import Graph, graph_around
from registry.lookup import find_any_version
from registry.models import Version

_WIDTH, _HEIGHT, _BETWEEN, _BELOW = 210, 46, 70, 16
#: Characters of a name that fit into a box.
_LONGEST = 28


@dataclass(frozen=True, slots=True)
class Box:
    version: Version
    x: int
    y: int
    root: bool

    @property
    def shown(self) -> str:
        name = self.version.subject.name
        return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


@dataclass(frozen=True, slots=True)
class Drawing:
    """Layers from left to right: what is used, the version itself, what uses it."""

    boxes: tuple[Box, ...]
    # SVG paths, from what refers to what it refers to.
    lines: tuple[str, ...]
    width: int
    height: int


@require_safe
def graph(request: HttpRequest, subject: str, version: str) -> HttpResponse:
    actor = caller(request)
    actor.require("read", subject)
    found = find_any_version(subject, version)
    around = graph_around(actor=actor, version=found)
    rows = [(around.versions[edge.user], around.versions[edge.target], edge) for edge in around.edges]
    context = {"version": found, "graph": around, "drawing": _drawn(around), "rows": rows}
    return render(request, "registry/graph.html", context)


def _drawn(graph: Graph) -> Drawing:
    layers = graph.layers()
    tallest = max(len(layer) for layer in layers)
    height = tallest * (_HEIGHT + _BELOW) + _BELOW
    boxes = {}
    for column, layer in enumerate(layers):
        top = (height - len(layer) * (_HEIGHT + _BELOW) + _BELOW) // 2
        for row, version in enumerate(layer):
            x, y = column * (_WIDTH + _BETWEEN) + 1, top + row * (_HEIGHT + _BELOW)
            boxes[version.pk] = Box(version, x, y, version.pk == graph.root.pk)
    lines = tuple(_line(boxes[edge.user], boxes[edge.target]) for edge in graph.edges)
    return Drawing(tuple(boxes.values()), lines, len(layers) * (_WIDTH + _BETWEEN) - _BETWEEN + 2, height)


def _line(user: Box, target: Box) -> str:
    """A curve from the left side of what refers to the right side of what it refers to."""
    begin, end = (user.x, user.y + _HEIGHT // 2), (target.x + _WIDTH, target.y + _HEIGHT // 2)
    bend = max(_BETWEEN // 2, (begin[0] - end[0]) // 2)
    return f"M{begin[0]} {begin[1]} C{begin[0] - bend} {begin[1]} {end[0] + bend} {end[1]} {end[0]} {end[1]}"
