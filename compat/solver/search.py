"""Is there an instance that some nodes accept and others refuse? A tableau: it builds one, or shows that none exists.

Questions about parts of an instance (a property's value, an item) are questions of the same kind. A question that comes up
again while it is being answered, one or more levels further inside an instance, is answered "no": a smallest instance
never contains a smaller one of its own kind. That is what makes recursive schemas decidable here, and why answers found
under such an assumption are only remembered once the assumed question itself has been answered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

from compat.budget import Budget
from compat.errors import Exhausted, OutOfSteps
from compat.solver.arrays import find_array
from compat.solver.case import Case, Contradiction, Literal, Move, Option
from compat.solver.choices import AnyOf
from compat.solver.keywords import failing, holding
from compat.solver.nodes import Node
from compat.solver.nothing import NOTHING
from compat.solver.numbers import find_number
from compat.solver.objects import find_object
from compat.solver.strings import find_string
from compat.values import TYPES, frozen, type_of

Goal: TypeAlias = frozenset[tuple[int, bool]]
MAX_DEPTH = 100
_DETOUR = 4


@dataclass(frozen=True)
class Found:
    """An instance; wrapped because null is one."""

    value: Any


@dataclass
class Search:
    """The answers given so far, and the questions being answered."""

    budget: Budget
    _known: dict[Goal, Found | None] = field(default_factory=dict)
    _asking: dict[Goal, int] = field(default_factory=dict)
    #: The outermost question that the answers since it was reset have assumed something about.
    _assumed: int = MAX_DEPTH + 1

    def find(self, literals: Iterable[Literal]) -> Found | None:
        """An instance for which all literals are true, or None when there is none. Raises Exhausted."""
        wanted = _simplified(literals)
        if wanted is None:
            return None
        goal = frozenset(wanted)
        if goal in self._known:
            return self._known[goal]
        if goal in self._asking:
            self._assumed = min(self._assumed, self._asking[goal])
            return None
        return self._ask(goal, list(wanted.values()))

    def _ask(self, goal: Goal, literals: list[Literal]) -> Found | None:
        depth = len(self._asking)
        if depth > MAX_DEPTH:
            raise Exhausted(f"an instance would have to be nested more than {MAX_DEPTH} levels deep")
        self.budget.spend()
        outer, self._assumed = self._assumed, MAX_DEPTH + 1
        self._asking[goal] = depth
        try:
            kinds = [kind for kind in TYPES if all(node.allows(kind) for node, truth in literals if truth)]
            answer = first(partial(self._of_kind, kind, literals) for kind in kinds)
        finally:
            del self._asking[goal]
            own, self._assumed = (
                self._assumed,
                min(outer, self._assumed if self._assumed < depth else MAX_DEPTH + 1),
            )
        if answer is not None or own >= depth:
            self._known[goal] = answer
        return answer

    def _of_kind(self, kind: str, literals: list[Literal]) -> Found | None:
        if kind in {"null", "boolean"}:
            return self._picked([None] if kind == "null" else [False, True], literals)
        case = Case(kind)
        try:
            self._add_all(case, [("literal", literal) for literal in literals])
        except Contradiction:
            return None
        return self._decide(case, literals)

    def _add_all(self, case: Case, moves: Iterable[Move]) -> None:
        """Make moves true, with everything that follows at once. Raises Contradiction."""
        todo = list(moves)
        while todo:
            self.budget.spend()
            name, value = move = todo.pop()
            if name == "literal" and not value[1] and case.entails(move):
                continue
            if name == "literal":
                todo.extend(self._consequences(case, *value))
            elif name == "choose":
                case.pending.append(value)
            elif name == "never true" or case.refutes(move):
                raise Contradiction
            else:
                case.add(name, value)

    def _consequences(self, case: Case, node: Node, truth: bool) -> Iterable[Move]:  # noqa: FBT001 -- a literal
        node = node.target
        if isinstance(node.schema, bool):
            if node.schema != truth:
                raise Contradiction
            return ()
        if (node.number, not truth) in case.literals:
            raise Contradiction
        if (node.number, truth) in case.literals:
            return ()
        case.literals[node.number, truth] = (node, truth)
        if truth:
            return holding(node, case.kind)
        return [("choose", _Refused(tuple(failing(node, case.kind))))]

    def _decide(self, case: Case, literals: list[Literal]) -> Found | None:
        """Take forced choices, branch on the smallest open one, and build an instance when none is left."""
        try:
            options = self._narrowest(case)
        except Contradiction:
            return None
        if "only" in case.facts:
            return self._picked(_narrowed(case), literals)
        if options is None:
            return self._build(case)
        return first(partial(self._branch, case, option, literals) for option in options)

    def _branch(self, case: Case, option: Option, literals: list[Literal]) -> Found | None:
        branch = case.copy()
        try:
            self._add_all(branch, option)
        except Contradiction:
            return None
        return None if self._hopeless(branch, option) else self._decide(branch, literals)

    def _hopeless(self, case: Case, option: Option) -> bool:
        """Whether a property that the option asks for can have no value, whatever else is chosen."""
        wanted = [value for name, value in option if name == "some" and value.name is not None]
        return any(self._impossible([*some.literals, *case.of_property(some.name)]) for some in wanted)

    def _impossible(self, literals: list[Literal]) -> bool:
        try:
            return self.find(literals) is None
        except OutOfSteps:
            raise
        except Exhausted:
            return False

    def _narrowest(self, case: Case) -> list[Option] | None:
        """The options of the open choice with the fewest, after taking all that leave no choice."""
        while True:
            best, forced = self._survey(case)
            if forced is None:
                break
            self._add_all(case, forced)
        if best is None:
            return None
        case.pending.remove(best[0])
        return best[1]

    def _survey(self, case: Case) -> tuple[tuple[Any, list[Option]] | None, Option | None]:
        best: tuple[Any, list[Option]] | None = None
        unlisted: Exhausted | None = None
        for place, choice in enumerate(case.pending):
            try:
                options = choice.options(case)
            except OutOfSteps:
                raise
            except Exhausted as reason:
                unlisted = reason
                continue
            self.budget.spend(1 + len(options) // 4)
            if not options:
                raise Contradiction
            if len(options) == 1:
                case.pending.remove(choice)
                return None, options[0]
            # What is ruled out stays so: only the rest is looked at the next time.
            left = choice.of(options) if isinstance(choice, AnyOf) else choice
            case.pending[place] = left
            if best is None or _width(left, options) < _width(*best):
                best = (left, options)
        if best is None and unlisted is not None:
            raise unlisted
        return best, None

    def _picked(self, values: list[Any], literals: list[Literal]) -> Found | None:
        for value in values:
            self.budget.spend()
            if all(node.accepts(value) == truth for node, truth in literals):
                return Found(value)
        return None

    def _build(self, case: Case) -> Found | None:
        if "beyond" in case.facts:
            raise Exhausted(f"{case.facts['beyond'][0]} is beyond the search")
        return BUILDERS[case.kind](case, self)


BUILDERS: dict[str, Callable[[Case, Search], Found | None]] = {
    "number": lambda case, search: _wrapped(find_number(case, search.budget)),
    "string": lambda case, search: _wrapped(find_string(case, search.budget)),
    "array": lambda case, search: _wrapped(find_array(case, search.find, search.budget)),
    "object": lambda case, search: _wrapped(find_object(case, search.find, search.budget)),
}


def _width(choice: Any, options: list[Option]) -> int:
    """What is to be refused is looked at early: it is what the question is about."""
    return len(options) * (1 if isinstance(choice, _Refused) else _DETOUR)


class _Refused(AnyOf):
    """A node refuses: one of its keywords fails."""


def first(attempts: Iterable[Callable[[], Found | None]]) -> Found | None:
    """The first instance found. None when all say that there is none; Exhausted when none was found and one gave up."""
    gave_up: Exhausted | None = None
    for attempt in attempts:
        try:
            answer = attempt()
        except OutOfSteps:
            raise
        except Exhausted as reason:
            gave_up = reason
            continue
        if answer is not None:
            return answer
    if gave_up is not None:
        raise gave_up
    return None


def _wrapped(value: Any) -> Found | None:
    return None if value is NOTHING else Found(value)


def _simplified(literals: Iterable[Literal]) -> dict[tuple[int, bool], Literal] | None:
    """The literals without repetition and without `true`; None when two contradict each other."""
    wanted: dict[tuple[int, bool], Literal] = {}
    for reference, truth in literals:
        node = reference.target
        if isinstance(node.schema, bool):
            if node.schema != truth:
                return None
        elif (node.number, not truth) in wanted:
            return None
        else:
            wanted[node.number, truth] = (node, truth)
    refused = [node for node, truth in wanted.values() if not truth]
    if refused and any(node.implies(other) for node, truth in wanted.values() if truth for other in refused):
        return None
    return wanted


def _narrowed(case: Case) -> list[Any]:
    """The values of this type that every enumeration of the case allows."""
    lists = sorted(case.get("only"), key=len)
    others = [{frozen(value) for value in values} for values in lists[1:]]
    return [
        value
        for value in lists[0]
        if type_of(value) == case.kind and all(frozen(value) in allowed for allowed in others)
    ]
