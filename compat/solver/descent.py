"""Differences that lie deep: both schemas are walked side by side, and what differs below is built into an instance.

Case analysis has to rule out every way in which the reader might accept an instance; where a change is buried under many
unions that takes too long. Here one pair of places after the other is looked at, the outermost first: may the writer send
something there that the reader's own keywords refuse? What is found is put into an instance of the place around it. This is
a search by example: what it finds is to be confirmed, and that it finds nothing says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeAlias

from compat import patterns
from compat.budget import Budget
from compat.errors import Exhausted, OutOfSteps
from compat.solver.case import Literal
from compat.solver.nodes import Node
from compat.solver.parts import demanded_at
from compat.solver.search import Found, Search
from compat.solver.words import Question, find_word

#: Nodes that hold together, of which an instance is wanted.
Held: TypeAlias = tuple[Node, ...]
#: How many levels of the instance are looked at, one attempt after the other: what lies near is found first.
_LEVELS = (1, 2, 3, 5, 8, 12)
#: Steps for one question about one place.
_STEPS = 250
#: Differences of one place that are tried in the place around it.
_TRIED = 3
_UNIONS = ("anyOf", "oneOf")
#: Keywords that say something about the value as a whole, with those that they are read with.
_OWN: dict[str, tuple[str, ...]] = {
    **{
        keyword: (keyword,)
        for keyword in (
            "type", "enum", "const", "not", "required", "dependentRequired", "dependentSchemas", "propertyNames",
            "minProperties", "maxProperties", "minItems", "maxItems", "uniqueItems", "minLength", "maxLength", "pattern",
            "format", "multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
        )
    },
    "if": ("if", "then", "else"),
    "contains": ("contains", "minContains", "maxContains"),
}  # fmt: skip


def differences(sent: Node, read: Node, budget: Budget) -> Iterator[Any]:
    """Values that `sent` accepts and `read` probably refuses. Ends when the budget does.

    Places that were shown to differ in nothing are added to what is known to follow, on which `sent.implies(read)` builds.
    """
    try:
        for levels in _LEVELS:
            walk = _Walk(budget)
            yield from walk.differences((sent,), read, levels)
            if not walk.cut:
                yield from _Walk(budget, settles=True).differences((sent,), read, levels)
                return
    except OutOfSteps:
        return


@dataclass
class _Walk:
    budget: Budget
    #: Whether places are decided by case analysis where nothing else decides them.
    settles: bool = False
    #: Whether something lies deeper than was looked.
    cut: bool = False
    _seen: set[tuple[frozenset[int], int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._search = Search(self.budget)

    def differences(self, sent: Held, read: Node, levels: int) -> Iterator[Any]:
        """Values that all of `sent` accept and `read` refuses, down to so many levels of the value."""
        read = read.target
        pair = (frozenset(node.number for node in sent), read.number)
        if pair in self._seen:
            return
        self._seen.add(pair)
        self.budget.spend()
        if any(self._follows(node, read) for node in sent):
            return
        if isinstance(read.schema, bool):
            yield from self._some(sent)
            return
        cases = _cases(sent)
        for case in cases:
            yield from self.differences(case, read, levels)
        if not cases:
            yield from self._inside(sent, read, levels)
        if self.settles and len(sent) == 1:
            yield from self._settled(sent[0], read)

    def _inside(self, sent: Held, read: Node, levels: int) -> Iterator[Any]:
        yield from self._here(sent, read)
        if levels:
            yield from self._below(sent, read, levels - 1)
        else:
            self.cut = True
        yield from self._branches(sent, read, levels)

    def _follows(self, sent: Node, read: Node) -> bool:
        known = sent.world.implications
        looked = known.looked
        follows = sent.implies(read)
        self.budget.spend(known.looked - looked)
        return follows

    def _settled(self, sent: Node, read: Node) -> Iterator[Any]:
        """A difference of the two by case analysis, or the knowledge that there is none."""
        if self._follows(sent, read):
            return
        try:
            found = self._search_for([(sent, True), (read, False)])
        except Exhausted:
            return
        if found is None:
            sent.world.implications.learn(sent, read)
        else:
            yield found.value

    def _here(self, sent: Held, read: Node) -> Iterator[Any]:
        """By what the reader says about the value itself."""
        for part in read.parts:
            for own in _own_demands(part):
                yield from self._some(sent, (own, False))

    def _below(self, sent: Held, read: Node, levels: int) -> Iterator[Any]:
        for name, below, demanded in self._members(sent, read):
            for node in demanded:
                for value in _few(self.differences(below, node, levels)):
                    yield from self._some(sent, (_with_member(node, name, value), True))
        for below, node in self._items(sent, read):
            for value in _few(self.differences(below, node, levels)):
                yield from self._some(sent, (_with_item(node, value), True))

    def _members(self, sent: Held, read: Node) -> Iterator[tuple[str, Held, list[Node]]]:
        """Names a property may have, with what both sides say about its value."""
        parts = [part for node in sent for part in node.parts]
        for name in self._names([*parts, *read.parts]):
            demanded = demanded_at(name, read.parts)
            if demanded:
                below = tuple(demanded_at(name, parts)) or (read.child(schema=True),)
                yield name, below, demanded

    def _names(self, parts: list[Node]) -> dict[str, None]:
        """The names that are mentioned, one for each pattern, and one that nothing is said about."""
        mentioned = [part.schema for part in parts if isinstance(part.schema, dict)]
        names = dict.fromkeys(name for schema in mentioned for name in schema.get("properties", ()))
        for pattern in dict.fromkeys(
            each for schema in mentioned for each in schema.get("patternProperties", ())
        ):
            if not any(patterns.matches(pattern, name) for name in names):
                names |= self._word(Question(matching=frozenset({pattern})))
        known = frozenset(pattern for schema in mentioned for pattern in schema.get("patternProperties", ()))
        return names | self._word(Question(not_matching=known, other_than=frozenset(names), shortest=1))

    def _word(self, question: Question) -> dict[str, None]:
        try:
            word = find_word(question, self.budget.slice(_STEPS))
        except OutOfSteps:
            raise
        except Exhausted:
            return {}
        return {} if word is None else {word: None}

    def _items(self, sent: Held, read: Node) -> Iterator[tuple[Held, Node]]:
        """What both sides say about the first item. Later ones of a tuple are left to the case analysis."""
        below = tuple(_first_items([part for node in sent for part in node.parts]))
        for node in _first_items(read.parts):
            yield below or (read.child(schema=True),), node

    def _branches(self, sent: Held, read: Node, levels: int) -> Iterator[Any]:
        """What one branch refuses, where the whole union does, too."""
        known = read.world.implications
        for part in read.parts:
            for branches in _unions(part):
                near = [each for each in branches if not any(known.apart(node, each) for node in sent)]
                if not near:
                    yield from self._some(sent)
                for branch in near:
                    for value in self.differences(sent, branch, levels):
                        if not part.accepts(value):
                            yield value

    def _some(self, held: Held, *more: Literal) -> Iterator[Any]:
        """An instance, if one is found quickly."""
        with suppress(Exhausted):
            found = self._search_for([*((node, True) for node in held), *more])
            if found is not None:
                yield found.value

    def _search_for(self, literals: list[Literal]) -> Found | None:
        part = self._search.budget = self.budget.part(_STEPS)
        try:
            return self._search.find(literals)
        finally:
            self.budget.spend(part.spent)


def _own_demands(part: Node) -> Iterator[Node]:
    """Schemas that speak of the value as a whole, each of which follows from the part."""
    schema = part.schema
    assert isinstance(schema, dict)
    for keyword in schema:
        if keyword in _OWN:
            yield part.child({each: schema[each] for each in _OWN[keyword] if each in schema})
    if schema.get("additionalProperties") is False:
        yield part.child(_closed(schema))


def _closed(schema: dict[str, Any]) -> dict[str, Any]:
    """Only which names there may be."""
    members: dict[str, Any] = {
        keyword: dict.fromkeys(schema[keyword], True)
        for keyword in ("properties", "patternProperties")
        if keyword in schema
    }
    return {**members, "additionalProperties": False}


def _unions(part: Node) -> Iterator[list[Node]]:
    schema = part.schema
    assert isinstance(schema, dict)
    for keyword in _UNIONS:
        if keyword in schema:
            yield [part.child(branch) for branch in schema[keyword]]


def _cases(sent: Held) -> list[Held]:
    """One for each branch of a union of which none was chosen yet; none where there is no such union."""
    for node in sent:
        schema = node.target.schema
        keyword = next((each for each in _UNIONS if isinstance(schema, dict) and each in schema), None)
        if keyword is not None:
            others = tuple(other for other in sent if other is not node)
            return [(*others, each) for each in _committed(node.target, keyword)]
    unions = (branches for node in sent for part in node.parts for branches in _unions(part))
    opened = next((branches for branches in unions if not any(branch in sent for branch in branches)), ())
    return [(*sent, branch) for branch in opened]


def _committed(node: Node, keyword: str) -> Iterator[Node]:
    """The node with one of its branches in the place of the union, which asks for much less.

    That the other branches of a oneOf have to fail is left out: whether they do is looked at in the place around it.
    """
    schema = node.schema
    assert isinstance(schema, dict)
    rest = {each: value for each, value in schema.items() if each != keyword}
    for branch in schema[keyword]:
        yield node.child({**rest, "allOf": [*rest.get("allOf", ()), branch]})


def _first_items(parts: list[Node]) -> Iterator[Node]:
    for part in parts:
        assert isinstance(part.schema, dict)
        if "prefixItems" in part.schema or "items" in part.schema:
            yield part.child([*part.schema.get("prefixItems", ()), part.schema.get("items", True)][0])


def _with_member(place: Node, name: str, value: Any) -> Node:
    return place.child({"type": "object", "required": [name], "properties": {name: {"const": value}}})


def _with_item(place: Node, value: Any) -> Node:
    return place.child({"type": "array", "minItems": 1, "prefixItems": [{"const": value}]})


def _few(values: Iterator[Any]) -> Iterator[Any]:
    return islice(values, _TRIED)
