"""Arrays: how long, what at which place, how often, and whether twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, Protocol

from compat.budget import Budget
from compat.errors import Exhausted, OutOfSteps
from compat.solver.case import Case, Contains, Literal, SomeItem
from compat.solver.nothing import NOTHING, Nothing
from compat.values import frozen

#: Longer ones would be no use to a reader, and slow to build.
_LONGEST = 600
#: Demands on single items that are given places in every possible way.
_MOST_DEMANDS = 6
#: Places among which two equal items are looked for.
_REPEATING = 12


class _Answer(Protocol):
    @property
    def value(self) -> Any: ...


_Find = Callable[[Iterable[Literal]], _Answer | None]
_Places = dict[int, list[Literal]]


@dataclass(frozen=True)
class _Plan:
    """One way to meet the demands: what which place needs, what every place needs, and what has to be kept."""

    places: _Places
    everywhere: list[Literal]
    limits: list[Contains]
    most: int | None


def find_array(case: Case, find: _Find, budget: Budget) -> list[Any] | Nothing:
    """A shortest array of which all facts of the case are true."""
    never = {frozen(value) for values in case.get("never") for value in values if isinstance(value, list)}
    work = _Arrays(case, find, budget)
    built = work.find(max(case.get("min"), default=0))
    for _ in range(len(never)):
        if built is NOTHING or frozen(built) not in never:
            break
        size = len(built)
        built = work.find(size + 1)
        if built is NOTHING and size:
            raise Exhausted("another array of the same length may exist")
    return built


@dataclass
class _Arrays:
    case: Case
    find_item: _Find
    budget: Budget
    _unsure: Exhausted | None = None
    _longest_prefix: int = field(init=False)

    def __post_init__(self) -> None:
        self._longest_prefix = max((len(items.prefix) for items in self.case.get("items")), default=0)

    def find(self, least: int) -> list[Any] | Nothing:
        most = min(self.case.get("max"), default=None)
        self._unsure = None
        for demands, everywhere, limits in self._counts(self.case.get("contains"), [], [], []):
            for places in self._placings(demands, most):
                plan = _Plan(places, everywhere, limits, most)
                if any(self._overfull(plan, limit) for limit in limits):
                    continue
                built = self._arranged(plan, least)
                if built is not NOTHING:
                    return built
        if self._unsure is not None:
            raise self._unsure
        return NOTHING

    def _overfull(self, plan: _Plan, limit: Contains) -> bool:
        """Whether the demands alone are more items than a limit leaves room for: what they ask for always counts."""
        if limit.high is None or len(plan.places) <= limit.high:
            return False
        outside = (limit.node, False)
        return sum(self._is_impossible([*self._at(i, plan), outside]) for i in plan.places) > limit.high

    def _is_impossible(self, literals: list[Literal]) -> bool:
        try:
            return self.find_item(literals) is None
        except OutOfSteps:
            raise
        except Exhausted:
            return False

    def _placings(self, demands: list[SomeItem], most: int | None) -> Iterable[_Places]:
        if len(demands) <= _MOST_DEMANDS:
            return self._placed(demands, {}, most, frozenset())
        self._unsure = Exhausted("too many demands on the items of an array")
        return [self._apart(demands)]

    def _counts(
        self,
        open_counts: list[Contains],
        demands: list[SomeItem],
        everywhere: list[Literal],
        limits: list[Contains],
    ) -> Iterator[tuple[list[SomeItem], list[Literal], list[Contains]]]:
        """`contains` as demands on single items, on all items, and limits to be kept."""
        if not open_counts:
            yield [*self.case.get("some item"), *demands], everywhere, limits
            return
        count, rest = open_counts[0], open_counts[1:]
        if count.high == 0:
            yield from self._counts(rest, demands, [*everywhere, (count.node, False)], limits)
            return
        if count.high is not None and count.high < count.low:
            return
        matching = [SomeItem(((count.node, True),), 0, or_later=True, count=count)] * count.low
        limited = limits if count.high is None else [*limits, count]
        yield from self._counts(rest, [*demands, *matching], everywhere, limited)

    def _placed(
        self, demands: list[SomeItem], places: _Places, most: int | None, counted: frozenset[tuple[int, int]]
    ) -> Iterator[_Places]:
        """Every way of giving the demands places: beyond the longest prefix places are alike.

        `counted`: which count has taken which place already.
        """
        if not demands:
            yield places
            return
        self.budget.spend()
        demand, rest = demands[0], demands[1:]
        last = demand.index
        if demand.or_later:
            last = max(self._longest_prefix, demand.index) + len(demands) + len(places)
        for index in self._indices(demand.index, last, places):
            taken = (id(demand.count), index)
            if (most is not None and index >= most) or (demand.count is not None and taken in counted):
                continue
            extended = {**places, index: [*places.get(index, []), *demand.literals]}
            if self._attempt(index, extended[index]) is not None:
                yield from self._placed(rest, extended, most, counted | {taken})

    def _indices(self, first: int, last: int, places: _Places) -> Iterator[int]:
        """Free places from the first on, nearest first, and of the alike ones beyond the prefix only the nearest."""
        free_beyond = False
        for index in range(first, last + 1):
            beyond = index >= self._longest_prefix
            if index not in places:
                if beyond and free_beyond:
                    continue
                free_beyond = free_beyond or beyond
            yield index

    def _apart(self, demands: list[SomeItem]) -> _Places:
        places: _Places = {}
        for demand in demands:
            index = demand.index
            while index in places and demand.or_later:
                index += 1
            places[index] = [*places.get(index, []), *demand.literals]
        return places

    def _arranged(self, plan: _Plan, least: int) -> list[Any] | Nothing:
        length = max(least, max(plan.places, default=-1) + 1)
        if "repeated" in self.case.facts:
            return self._with_repetition(plan, max(length, 2))
        return self._filled(plan, length, {})

    def _with_repetition(self, plan: _Plan, length: int) -> list[Any] | Nothing:
        """Two equal items: one value that fits two places."""
        reach = max(length, self._longest_prefix + 2, max(plan.places, default=-1) + 3)
        for one, other in combinations(range(min(reach, _REPEATING)), 2):
            self.budget.spend()
            longer = max(length, other + 1)
            if plan.most is not None and longer > plan.most:
                continue
            found = self._find([*self._at(one, plan), *self._at(other, plan)])
            if found is not None:
                built = self._filled(plan, longer, {one: found.value, other: found.value})
                if built is not NOTHING:
                    return built
        if reach > _REPEATING:
            self._unsure = Exhausted("too many pairs of items may repeat")
        return NOTHING

    def _filled(self, plan: _Plan, length: int, given: dict[int, Any]) -> list[Any] | Nothing:
        """Items one after the other; those given already stay."""
        if plan.most is not None and length > plan.most:
            return NOTHING
        if length > _LONGEST:
            raise Exhausted(f"an array of {length} items is longer than the search builds")
        items: list[Any] = []
        for index in range(length):
            self.budget.spend()
            if index not in given:
                found = self._one_item(self._at(index, plan), plan.limits, items)
                if found is None:
                    return self._no_item(plan, length)
                items.append(found.value)
            else:
                items.append(given[index])
        return items if self._within(items, plan.limits) else self._no_item(plan, length)

    def _one_item(self, literals: list[Literal], limits: list[Contains], before: list[Any]) -> _Answer | None:
        """An item that keeps the limits, preferring one that does not count towards them."""
        if before and "unique" in self.case.facts:
            literals = [*literals, (self._any_node().child({"enum": list(before)}), False)]
        avoiding = [(limit.node, False) for limit in limits]
        found = self._find([*literals, *avoiding]) if avoiding else None
        return found or self._find(literals)

    def _no_item(self, plan: _Plan, length: int) -> Nothing:
        """A refusal is a proof unless an earlier item could have been chosen otherwise."""
        if plan.limits or ("unique" in self.case.facts and length > 1 and not self._all_alike()):
            self._unsure = Exhausted("other items might leave room for the rest")
        return NOTHING

    def _all_alike(self) -> bool:
        return self._longest_prefix == 0 and not self.case.get("some item") and not self.case.get("contains")

    def _within(self, items: list[Any], limits: list[Contains]) -> bool:
        for limit in limits:
            count = sum(limit.node.accepts(item) for item in items)
            if limit.high is not None and count > limit.high:
                return False
        return True

    def _at(self, index: int, plan: _Plan) -> list[Literal]:
        return [*plan.places.get(index, []), *plan.everywhere, *self._of_item(index)]

    def _of_item(self, index: int) -> list[Literal]:
        nodes = (items.at(index) for items in self.case.get("items"))
        return [(node, True) for node in nodes if node is not None]

    def _attempt(self, index: int, literals: list[Literal]) -> _Answer | None:
        return self._find([*literals, *self._of_item(index)])

    def _find(self, literals: list[Literal]) -> _Answer | None:
        try:
            return self.find_item(literals)
        except OutOfSteps:
            raise
        except Exhausted as reason:
            self._unsure = reason
            return None

    def _any_node(self) -> Any:
        return next(node for node, _ in self.case.literals.values())
