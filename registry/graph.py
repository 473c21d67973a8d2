"""Who refers to whom: the versions that a version uses, and those that use it, as far as they lead."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db.models import QuerySet

from access.actor import Actor
from registry.models import Reference, Version

#: Versions in one graph; a graph that is larger says that it was cut.
MOST = 200


@dataclass(frozen=True, slots=True)
class Edge:
    """`user` refers to `target` as `name`; `range` is what was asked for, "" where one version was named."""

    user: int
    target: int
    name: str
    range: str


@dataclass(frozen=True, slots=True)
class Graph:
    """`depth` by key: how many references away, below 0 for what the version uses, above for what uses it."""

    root: Version
    versions: dict[int, Version]
    depth: dict[int, int]
    edges: tuple[Edge, ...]
    # Versions that the actor may not read; the graph does not go through them.
    hidden: int = 0
    cut: bool = False

    def layers(self) -> list[list[Version]]:
        """What is used on the left, what uses it on the right, by name within."""
        steps = sorted(set(self.depth.values()))
        by_name = sorted(self.versions.values(), key=lambda version: (version.subject.name, version.number))
        return [[version for version in by_name if self.depth[version.pk] == step] for step in steps]

    @property
    def direct_users(self) -> list[Edge]:
        return [edge for edge in self.edges if edge.target == self.root.pk]


def graph_around(*, actor: Actor, version: Version) -> Graph:
    """Everything reachable both ways, live versions only on the side that uses it; raises Forbidden."""
    actor.require("read", version.subject.name)
    walk = _Walk(actor, version)
    walk.go(-1, lambda keys: Reference.objects.filter(version__in=keys), lambda use: use.target)
    live = Version.objects.live()
    walk.go(
        1, lambda keys: Reference.objects.filter(target__in=keys, version__in=live), lambda use: use.version
    )
    edges = sorted(walk.edges, key=lambda edge: (edge.user, edge.name))
    return Graph(version, walk.versions, walk.depth, tuple(edges), len(walk.hidden), walk.cut)


class _Walk:
    def __init__(self, actor: Actor, root: Version) -> None:
        self._actor = actor
        self._root = root
        self.versions: dict[int, Version] = {root.pk: root}
        self.depth: dict[int, int] = {root.pk: 0}
        self.edges: set[Edge] = set()
        self.hidden: set[int] = set()
        self.cut = False

    def go(
        self,
        step: int,
        uses_of: Callable[[Iterable[int]], QuerySet[Reference]],
        other: Callable[[Reference], Version],
    ) -> None:
        """One way, layer by layer, so that the depth is that of the shortest way."""
        layer, depth = [self._root.pk], 0
        while layer:
            depth += step
            found = []
            related = uses_of(layer).select_related(
                "version__subject", "version__identity", "target__subject", "target__identity"
            )
            for use in related.order_by("version__subject__name", "version__number", "name"):
                reached = other(use)
                if not self._actor.may("read", reached.subject.name):
                    self.hidden.add(reached.pk)
                elif self._take(reached, depth):
                    found.append(reached.pk)
                if {use.version_id, use.target_id} <= self.versions.keys():
                    self.edges.add(Edge(use.version_id, use.target_id, use.name, use.range))
            layer = found

    def _take(self, version: Version, depth: int) -> bool:
        """Whether it is new."""
        if version.pk in self.versions:
            return False
        if len(self.versions) >= MOST:
            self.cut = True
            return False
        self.versions[version.pk] = version
        self.depth[version.pk] = depth
        return True


def as_dot(graph: Graph) -> str:
    """The graph in the language of Graphviz, from what refers to what it refers to."""
    lines = ["digraph references {", "  rankdir=RL;", "  node [shape=box];"]
    for key, version in graph.versions.items():
        label = _quoted(f"{version.subject.name} {version.semver}")
        extra = ", penwidth=2" if key == graph.root.pk else ""
        lines.append(f"  v{key} [label={label}{extra}];")
    lines += [
        f"  v{edge.user} -> v{edge.target} [label={_quoted(f'{edge.name} {edge.range}'.strip())}];"
        for edge in graph.edges
    ]
    return "\n".join([*lines, "}", ""])


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
