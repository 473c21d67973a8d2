"""Objects: which properties must be there, which may be, and what their values are.

Only properties that something asks for are added: what holds of all properties holds of absent ones.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any, Protocol

from compat.budget import Budget
from compat.errors import Exhausted, OutOfSteps
from compat.solver.case import Case, Literal, Some
from compat.solver.nothing import NOTHING, Nothing
from compat.solver.words import Question, find_word
from compat.values import frozen

#: Regions of new names that a set of patterns can cut out are tried one by one up to this many patterns.
_MOST_PATTERNS = 4
_NAME_STEPS = 2_000


class _Answer(Protocol):
    @property
    def value(self) -> Any: ...


_Find = Callable[[Iterable[Literal]], _Answer | None]


def find_object(case: Case, find: _Find, budget: Budget) -> dict[str, Any] | Nothing:
    """A smallest object of which all facts of the case are true."""
    excluded = {
        frozen(value): value for values in case.get("never") for value in values if isinstance(value, dict)
    }
    work = _Objects(case, find, budget)
    built = work.find(max(case.get("min"), default=0))
    if excluded and not isinstance(built, Nothing) and frozen(built) in excluded:
        varied = work.varied(built, excluded)
        built = built if varied is None else varied
    for _ in range(len(excluded)):
        if built is NOTHING or frozen(built) not in excluded:
            break
        size = len(built)
        built = work.find(size + 1)
        if built is NOTHING and size:
            raise Exhausted("another object of the same size may exist")
    return built


@dataclass
class _Objects:
    case: Case
    find_value: _Find
    budget: Budget
    _unsure: Exhausted | None = None

    def find(self, least: int) -> dict[str, Any] | Nothing:
        most = min(self.case.get("max"), default=None)
        if most is not None and least > most:
            return NOTHING
        self._unsure = None
        for chosen in self._choices(self.case.get("some"), self.case.get("bad name"), {}):
            built = self._built(chosen, least, most)
            if built is not NOTHING:
                return built
        if self._unsure is not None:
            raise self._unsure
        return NOTHING

    def _built(
        self, chosen: dict[str, list[Literal]], least: int, most: int | None
    ) -> dict[str, Any] | Nothing:
        """The object with the chosen properties and the required ones, filled up to the least number."""
        names = [*chosen, *(name for name in dict.fromkeys(self.case.get("required")) if name not in chosen)]
        if most is not None and len(names) > most:
            return NOTHING
        values: dict[str, Any] = {}
        for name in names:
            found = self._attempt(name, chosen.get(name, []))
            if found is None:
                return NOTHING
            values[name] = found.value
        return values if len(values) >= least else self._filled(values, least)

    def varied(
        self, built: dict[str, Any], excluded: Mapping[Hashable, dict[str, Any]]
    ) -> dict[str, Any] | None:
        """The same object with another value of one property, if one is found that nothing refuses."""
        everything = list(self.case.literals.values())
        for name in built:
            taken = [other[name] for other in excluded.values() if name in other]
            found = self._attempt(name, [(everything[0][0].child({"enum": taken}), False)])
            if found is None:
                continue
            other = {**built, name: found.value}
            if frozen(other) not in excluded and all(
                node.accepts(other) == truth for node, truth in everything
            ):
                return other
        return None

    def _filled(self, values: dict[str, Any], least: int) -> dict[str, Any] | Nothing:
        """Add mentioned names, then new ones; new names to which the same patterns apply are all alike."""
        self._fill(values, least, sorted(self._mentioned))
        for matching, outside in self._regions(()):
            self._fill(values, least, self._in_region(matching, outside, values), alike=True)
        return values if len(values) >= least else NOTHING

    def _fill(self, values: dict[str, Any], least: int, names: Iterable[str], *, alike: bool = False) -> None:
        for name in names:
            if len(values) >= least:
                return
            self.budget.spend()
            if name in values or name in self.case.get("forbidden"):
                continue
            found = self._attempt(name, [])
            if found is not None:
                values[name] = found.value
            elif alike:
                return

    def _attempt(self, name: str, literals: list[Literal]) -> _Answer | None:
        """A value for a property, or None; remembers when it could not be decided."""
        try:
            if not self._name_fits(name):
                return None
            return self.find_value([*literals, *self.case.of_property(name)])
        except OutOfSteps:
            raise
        except Exhausted as reason:
            self._unsure = reason
            return None

    def _name_fits(self, name: str) -> bool:
        return all(node.accepts(name) == truth for node, truth in self.case.get("names"))

    def _choices(
        self, wanted: list[Some], bad_names: list[Literal], chosen: dict[str, list[Literal]]
    ) -> Iterator[dict[str, list[Literal]]]:
        """All assignments of names to what must exist, sharing names where that is possible."""
        self.budget.spend()
        if wanted:
            some, rest = wanted[0], wanted[1:]
            for name in self._names_for(some, chosen):
                extended = {**chosen, name: [*chosen.get(name, []), *some.literals]}
                if self._attempt(name, extended[name]) is not None:
                    yield from self._choices(rest, bad_names, extended)
        elif bad_names:
            (node, truth), rest_of_names = bad_names[0], bad_names[1:]
            for name in self._names_where(node, truth, chosen):
                yield from self._choices([], rest_of_names, {**chosen, name: chosen.get(name, [])})
        else:
            yield chosen

    def _names_for(self, some: Some, chosen: dict[str, list[Literal]]) -> Iterator[str]:
        if some.name is not None:
            if some.name not in self.case.get("forbidden"):
                yield some.name
            return
        for name in sorted(self._mentioned | chosen.keys()):
            if some.includes(name) and name not in self.case.get("forbidden"):
                yield name
        wanted = () if some.pattern is None else (some.pattern,)
        for matching, outside in self._regions(wanted):
            fresh = next(self._in_region(matching, outside, chosen), None)
            if fresh is not None and some.includes(fresh):
                yield fresh

    def _names_where(self, node: Any, truth: bool, chosen: dict[str, list[Literal]]) -> Iterator[str]:  # noqa: FBT001
        """Names of which a node about names says so."""
        for name in sorted(self._mentioned | chosen.keys()):
            if node.accepts(name) == truth and name not in self.case.get("forbidden"):
                yield name
        found = self.find_value([(node, truth), *self.case.get("names"), *self._is_text(node)])
        if found is not None:
            yield found.value
            self._unsure = Exhausted("more names may do")

    def _is_text(self, node: Any) -> list[Literal]:
        text = node.child(
            {"type": "string", "not": {"enum": sorted(self._mentioned)}}
            if self._mentioned
            else {"type": "string"}
        )
        return [(text, True)]

    def _patterns(self) -> list[str]:
        """Every pattern that tells names apart."""
        shapes = [*self.case.get("shape"), *(some.outside for some in self.case.get("some") if some.outside)]
        found = [pattern for shape in shapes for pattern in shape.patterns()]
        found.extend(some.pattern for some in self.case.get("some") if some.pattern is not None)
        return list(dict.fromkeys(found))

    @cached_property
    def _mentioned(self) -> set[str]:
        shapes = [*self.case.get("shape"), *(some.outside for some in self.case.get("some") if some.outside)]
        names = {name for shape in shapes for name in shape.names()}
        names.update(self.case.get("required"), self.case.get("forbidden"))
        names.update(some.name for some in self.case.get("some") if some.name is not None)
        return names

    def _regions(self, wanted: tuple[str, ...]) -> Iterator[tuple[set[str], set[str]]]:
        """The ways in which patterns can apply to a new name: these do, those do not."""
        free = [pattern for pattern in self._patterns() if pattern not in wanted]
        if len(free) > _MOST_PATTERNS:
            self._unsure = Exhausted("too many patterns tell property names apart")
            free = free[:_MOST_PATTERNS]
        for size in range(len(free) + 1):
            for matching in combinations(free, size):
                yield {*wanted, *matching}, set(free) - set(matching)

    def _in_region(self, matching: set[str], outside: set[str], taken: Iterable[str]) -> Iterator[str]:
        """New names of one region until there are no more, or somebody has enough."""
        used = {*self._mentioned, *taken}
        while (name := self._new_name(matching, outside, used)) is not None:
            used.add(name)
            yield name

    def _new_name(self, matching: set[str], outside: set[str], taken: set[str]) -> str | None:
        try:
            return self._found_name(matching, outside, taken)
        except OutOfSteps:
            raise
        except Exhausted as reason:
            self._unsure = reason
            return None

    def _found_name(self, matching: set[str], outside: set[str], taken: set[str]) -> str | None:
        about_names = self.case.get("names")
        if not about_names:
            question = Question(frozenset(matching), frozenset(outside), frozenset(taken))
            return find_word(question, self.budget.slice(_NAME_STEPS))
        node = about_names[0][0]
        conditions: list[dict[str, Any]] = [{"pattern": pattern} for pattern in sorted(matching)]
        conditions += [{"not": {"pattern": pattern}} for pattern in sorted(outside)]
        text = {"type": "string", "allOf": [*conditions, {"not": {"enum": sorted(taken)}}]}
        found = self.find_value([(node.child(text), True), *about_names])
        return None if found is None else str(found.value)
