"""In which order subjects come in, so that what a schema refers to is there before it."""

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter


def in_order(needs: Mapping[str, set[str]]) -> list[tuple[str, ...]]:
    """The names in groups, each after those it needs. Names that need each other are one group, and come in together."""
    group_of = {name: name for name in needs}
    while True:
        graph: dict[str, set[str]] = {group_of[name]: set() for name in sorted(needs)}
        for name in sorted(needs):
            wanted = {group_of[other] for other in needs[name] if other in group_of}
            graph[group_of[name]] |= wanted - {group_of[name]}
        sorter = TopologicalSorter({name: sorted(graph[name]) for name in sorted(graph)})
        try:
            groups = list(sorter.static_order())
        except CycleError as cycle:
            together = set(cycle.args[1])
            first = min(together)
            group_of = {name: first if group in together else group for name, group in group_of.items()}
            continue
        members: dict[str, list[str]] = {group: [] for group in groups}
        for name in sorted(needs):
            members[group_of[name]].append(name)
        return [tuple(members[group]) for group in groups]
