"""Open choices of a case. Their options are listed late, when what is known has already ruled most of them out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any, Protocol

from compat.errors import Exhausted
from compat.solver.case import Case, Option, Shape, Some
from compat.solver.nodes import Node

#: More combinations of branches than this are not listed.
_MOST_COVERINGS = 256


class Choice(Protocol):
    """Something of which one option is true."""

    def options(self, case: Case) -> list[Option]:
        """The options not known to be false; an empty option means that nothing is left to choose."""


@dataclass(frozen=True, eq=False)
class AnyOf:
    """At least one of the options is true."""

    listed: tuple[Option, ...]

    def options(self, case: Case) -> list[Option]:
        return remaining(self.listed, case)

    def of(self, options: list[Option]) -> AnyOf:
        """The same choice among these options."""
        return type(self)(tuple(options))


@dataclass(frozen=True, eq=False)
class ExactlyOne:
    """One node accepts, all others refuse."""

    nodes: tuple[Node, ...]

    def options(self, case: Case) -> list[Option]:
        possible = _possible(self.nodes, case)
        return remaining([_just(node, possible) for node in _listed_once(possible)], case)


@dataclass(frozen=True, eq=False)
class NotExactlyOne:
    """No node accepts, or two do."""

    nodes: tuple[Node, ...]

    def options(self, case: Case) -> list[Option]:
        possible = _possible(self.nodes, case)
        none: Option = tuple(("literal", (node, False)) for node in possible)
        pairs: list[Option] = [
            (("literal", (one, True)), ("literal", (other, True))) for one, other in combinations(possible, 2)
        ]
        return remaining([none, *pairs], case)


@dataclass(frozen=True, eq=False)
class _Coverage:
    """Which property names a schema evaluates, and what has to be true for that."""

    needs: Option = ()
    names: frozenset[str] = frozenset()
    members: tuple[str, ...] = ()
    everything: bool = False

    def __add__(self, other: _Coverage) -> _Coverage:
        return _Coverage(
            self.needs + other.needs,
            self.names | other.names,
            self.members + other.members,
            self.everything or other.everything,
        )


@dataclass(frozen=True, eq=False)
class CoveredProperties:
    """`unevaluatedProperties`: true or false of the names that nothing beside it evaluates."""

    node: Node
    rest: Node
    truth: bool

    def options(self, case: Case) -> list[Option]:
        listed = []
        for coverage in _coverages(self.node, case, own=True):
            if coverage.everything:
                listed += [coverage.needs] if self.truth else []
                continue
            rest = self.rest if self.truth else None
            shape = Shape(rest=rest, covered=coverage.names, covered_members=coverage.members)
            some = Some(((self.rest, False),), outside=shape)
            listed.append((*coverage.needs, ("shape", shape) if self.truth else ("some", some)))
        return remaining(listed, case)


def remaining(options: Any, case: Case) -> list[Option]:
    """The options that are not cheaply refuted, without the moves that are true anyway."""
    left: list[Option] = []
    for option in options:
        if any(name == "never true" or case.refutes((name, value)) for name, value in option):
            continue
        rest = tuple(move for move in option if not case.entails(move))
        if not rest:
            return [()]
        left.append(rest)
    return left


def _possible(nodes: tuple[Node, ...], case: Case) -> list[Node]:
    return [node for node in nodes if not case.refutes(("literal", (node, True)))]


def _listed_once(nodes: list[Node]) -> list[Node]:
    """Those that can hold alone: of two equal branches both do or neither."""
    times = Counter(nodes)
    return [node for node in nodes if times[node] == 1]


def _just(chosen: Node, among: list[Node]) -> Option:
    moves: list[Any] = [("literal", (node, False)) for node in among if node is not chosen]
    # Taken first: what the chosen one says settles most of the others.
    moves.append(("literal", (chosen, True)))
    return tuple(moves)


def _coverages(node: Node, case: Case, *, own: bool = False) -> list[_Coverage]:
    """Every way the branches of a node that holds can come out, with the names that are evaluated then."""
    schema = node.target.schema
    if isinstance(schema, bool):
        return [_Coverage()]
    parts = [[_own(schema, ignore_rest=own)]]
    if "$ref" in schema:
        parts.append(_held(node.world.referred(schema["$ref"]), case))
    parts.extend(_held(node.child(branch), case) for branch in schema.get("allOf", ()))
    parts.extend(_either(node.child(branch), case) for branch in schema.get("anyOf", ()))
    if "oneOf" in schema:
        parts.append(_one_held([node.child(branch) for branch in schema["oneOf"]], case))
    if "if" in schema:
        parts.append(_conditional(node, schema, case))
    parts.extend(
        _dependent(name, node.child(child), case)
        for name, child in schema.get("dependentSchemas", {}).items()
    )
    count = 1
    for part in parts:
        count *= len(part)
    if count > _MOST_COVERINGS:
        raise Exhausted("unevaluatedProperties beside too many independent branches")
    return [sum(combination, _Coverage()) for combination in product(*parts)]


def _own(schema: dict[str, Any], *, ignore_rest: bool) -> _Coverage:
    everything = "additionalProperties" in schema or ("unevaluatedProperties" in schema and not ignore_rest)
    names = frozenset(schema.get("properties", ()))
    return _Coverage(names=names, members=tuple(schema.get("patternProperties", ())), everything=everything)


def _held(node: Node, case: Case) -> list[_Coverage]:
    inner = _coverages(node, case)
    return [_Coverage((("literal", (node, True)),)) + coverage for coverage in inner]


def _either(node: Node, case: Case) -> list[_Coverage]:
    """A branch that may hold or fail; one that evaluates nothing may do as it likes."""
    inner = _coverages(node, case)
    if not any(coverage.names or coverage.members or coverage.everything for coverage in inner):
        return [_Coverage()]
    failed = _Coverage((("literal", (node, False)),))
    if case.refutes(("literal", (node, True))):
        return [failed]
    return [_Coverage((("literal", (node, True)),)) + coverage for coverage in inner] + [failed]


def _one_held(nodes: list[Node], case: Case) -> list[_Coverage]:
    possible = _possible(tuple(nodes), case)
    return [
        _Coverage(_just(node, possible)) + coverage
        for node in _listed_once(possible)
        for coverage in _coverages(node, case)
    ]


def _conditional(node: Node, schema: dict[str, Any], case: Case) -> list[_Coverage]:
    condition = node.child(schema["if"])
    then, otherwise = node.child(schema.get("then", True)), node.child(schema.get("else", True))
    yes = [one + other for one in _held(condition, case) for other in _held(then, case)]
    no = [_Coverage((("literal", (condition, False)),)) + coverage for coverage in _held(otherwise, case)]
    return yes + no


def _dependent(name: str, node: Node, case: Case) -> list[_Coverage]:
    held = [_Coverage((("required", name),)) + coverage for coverage in _held(node, case)]
    return [_Coverage((("forbidden", name),)), *held]
