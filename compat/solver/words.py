"""Shortest texts that match some patterns and do not match others, by walking all their automata at once."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import product
from typing import Protocol, TypeAlias

from compat import patterns
from compat.budget import Budget, Slice
from compat.errors import Exhausted, OutOfSteps
from compat.solver.lookaround import Parts, parts
from compat.solver.properties import LAST, Ranges
from compat.solver.regex import Nfa, automaton

#: Ranges up to which looking through them is quicker than halving.
_FEW = 8
#: Combinations of ways not to match that are looked at.
_MOST_WAYS = 16
#: Up to this length a text is built letter by letter.
_LONG = 4
#: Texts that are compared with the patterns for one step, and places at which one is changed.
_TRIED_A_STEP = 8
_MOST_PLACES = 64
#: Texts that are tried where a pattern has no automaton.
_MOST_TRIED = 12

State: TypeAlias = object


class _Walker(Protocol):
    """A deterministic automaton, made state by state."""

    def start(self) -> State: ...
    def step(self, state: State, code: int) -> State: ...
    def accepts(self, state: State) -> bool: ...
    def ranges(self) -> Iterable[Ranges]: ...


_MATCHED = "matched"
#: The state of a search in which nothing can match any more.
_HOPELESS: frozenset[int] = frozenset()
#: Among the states of a text of which nothing was read yet.
_BEGINNING = -1


@dataclass
class _Search:
    """Whether a pattern is found anywhere in the text read so far."""

    nfa: Nfa
    _steps: dict[tuple[State, int], State] = field(default_factory=dict)

    def start(self) -> State:
        begun = self._closed({self.nfa.start}, "^")
        return frozenset({_BEGINNING, *begun}) if isinstance(begun, frozenset) else begun

    def step(self, state: State, code: int) -> State:
        if state == _MATCHED:
            return state
        key = (state, code)
        if key not in self._steps:
            self._steps[key] = self._hopeful(self._closed({*self._read(state, code), self.nfa.start}, ""))
        return self._steps[key]

    def _hopeful(self, state: State) -> State:
        """Without what can no longer lead to a match, so that all hopeless states are one."""
        return state & self.nfa.hopeful if isinstance(state, frozenset) else state

    def accepts(self, state: State) -> bool:
        if state == _MATCHED:
            return True
        assert isinstance(state, frozenset)
        edges = "^$" if _BEGINNING in state else "$"
        return self._closed({member for member in state if member != _BEGINNING}, edges) == _MATCHED

    def ranges(self) -> Iterable[Ranges]:
        return (edge[0] for edge in self.nfa.reading if edge is not None)

    def _read(self, state: State, code: int) -> Iterable[int]:
        assert isinstance(state, frozenset)
        for member in state - {_BEGINNING}:
            edge = self.nfa.reading[member]
            if edge is not None and _inside(code, edge[0]):
                yield edge[1]

    def _closed(self, states: set[int], edges: str) -> State:
        """All states reachable silently, given which ends of the text this is; absorbing once accepted."""
        todo = list(states)
        while todo:
            state = todo.pop()
            for target, edge in self.nfa.silent[state]:
                if target not in states and (not edge or edge in edges):
                    states.add(target)
                    todo.append(target)
        return _MATCHED if self.nfa.accept in states else frozenset(states)


@dataclass(frozen=True)
class _Words:
    """A finite set of texts; the state is what was read while it is still a beginning of one, else None."""

    words: frozenset[str]

    @cached_property
    def _beginnings(self) -> frozenset[str]:
        return frozenset(word[:end] for word in self.words for end in range(1, len(word) + 1))

    def start(self) -> State:
        return ""

    def step(self, state: State, code: int) -> State:
        if state is None:
            return None
        read = f"{state}{chr(code)}"
        return read if read in self._beginnings else None

    def accepts(self, state: State) -> bool:
        return state in self.words

    def ranges(self) -> Iterable[Ranges]:
        return (((ord(char), ord(char)),) for word in self.words for char in word)


@dataclass(frozen=True)
class Question:
    """The texts that are wanted."""

    matching: frozenset[str] = frozenset()
    not_matching: frozenset[str] = frozenset()
    other_than: frozenset[str] = frozenset()
    shortest: int = 0
    longest: int | None = None

    def includes(self, text: str) -> bool:
        """Whether this very text is wanted."""
        long_enough = self.shortest <= len(text) and (self.longest is None or len(text) <= self.longest)
        return (
            long_enough
            and text not in self.other_than
            and all(patterns.matches(pattern, text) for pattern in self.matching)
            and not any(patterns.matches(pattern, text) for pattern in self.not_matching)
        )


def find_word(question: Question, budget: Budget | Slice) -> str | None:
    """A short text, or None when there is none at all. Raises Exhausted."""
    if not question.matching and not question.not_matching:
        return _plain(question)
    try:
        found = (_found(each, budget) for each in _without_lookaround(question))
        return next((word for word in found if word is not None), None)
    except OutOfSteps:
        raise
    except Exhausted:
        word = _tried(question, budget)
        if word is None:
            raise
        return word


def _without_lookaround(question: Question) -> Iterator[Question]:
    """Questions of which the texts together are those that are wanted."""
    wanted = [parts(pattern) for pattern in sorted(question.matching)]
    matching = {pattern for each in wanted for pattern in (each.pattern, *each.also)}
    never = {pattern for each in wanted for pattern in each.never}
    unwanted = [parts(pattern) for pattern in sorted(question.not_matching)]
    if all(each.single for each in unwanted):
        ways: Iterable[tuple[tuple[str, bool], ...]] = [tuple((each.pattern, False) for each in unwanted)]
    else:
        ways = product(*(_refusals(each) for each in unwanted))
    for count, way in enumerate(ways):
        if count == _MOST_WAYS:
            raise Exhausted("the patterns have too many lookarounds")
        yield replace(
            question,
            matching=frozenset(matching | {pattern for pattern, matches in way if matches}),
            not_matching=frozenset(never | {pattern for pattern, matches in way if not matches}),
        )


def _refusals(refused: Parts) -> list[tuple[str, bool]]:
    """The ways for a text not to match."""
    failing = [(pattern, False) for pattern in sorted(refused.also)]
    return [(refused.pattern, False), *failing, *((pattern, True) for pattern in sorted(refused.never))]


def _tried(question: Question, budget: Budget | Slice) -> str | None:
    """One of the shortest texts that nearly match, if it happens to do; that none does says nothing."""
    excluded: set[str] = set()
    for _ in range(_MOST_TRIED):
        walkers: list[tuple[_Walker, bool]] = [
            (_Search(automaton(pattern, loose=True)), True) for pattern in sorted(question.matching)
        ]
        word = _walked(walkers, replace(question, other_than=question.other_than | excluded), budget)
        if word is None or question.includes(word):
            return word
        excluded.add(word)
    return None


def _found(question: Question, budget: Budget | Slice) -> str | None:
    matching: list[tuple[_Walker, bool]] = [(_Search(automaton(p)), True) for p in sorted(question.matching)]
    refusing: list[tuple[_Walker, bool]] = [
        (_Search(automaton(p)), False) for p in sorted(question.not_matching)
    ]
    if refusing or question.shortest > _LONG:
        short = _walked(matching, replace(question, shortest=0), budget)
        changed = short if short is None else _changed(short, question, budget)
        if short is None or changed is not None:
            return changed
    return _walked([*matching, *refusing], question, budget)


def _changed(text: str, question: Question, budget: Budget | Slice) -> str | None:
    """What is wanted, if it is the text but for one character, or but for its length."""
    missing = question.shortest - len(text)
    near = _with_more_of_one(text, missing) if missing > 0 else _with_another(text)
    for count, each in enumerate(near):
        if count % _TRIED_A_STEP == 0:
            budget.spend()
        if question.includes(each):
            return each
    return None


def _with_more_of_one(text: str, missing: int) -> Iterator[str]:
    for at in range(len(text), -1, -1):
        for char in dict.fromkeys((*text[max(0, at - 1) : at + 1], "a")):
            yield f"{text[:at]}{char * missing}{text[at:]}"


def _with_another(text: str) -> Iterator[str]:
    yield text
    for char in "a0A-_ .!\n":
        yield f"{char}{text}"
        yield f"{text}{char}"
    for at in range(min(len(text), _MOST_PLACES)):
        for char in "a0A-_ .!":
            yield f"{text[:at]}{char}{text[at + 1 :]}"


def _walked(walkers: list[tuple[_Walker, bool]], question: Question, budget: Budget | Slice) -> str | None:
    if question.other_than:
        walkers = [*walkers, (_Words(question.other_than), False)]
    alphabet = _alphabet(frozenset(ranges for walker, _ in walkers for ranges in walker.ranges()))
    return _breadth_first(walkers, alphabet, question, budget)


def _plain(question: Question) -> str | None:
    """Without patterns only lengths and exceptions count."""
    length = question.shortest
    while question.longest is None or length <= question.longest:
        for letter in "abcdefghijklmnopqrstuvwxyz0123456789"[: len(question.other_than) + 1]:
            if length and (letter * length) not in question.other_than:
                return letter * length
        if not length and "" not in question.other_than:
            return ""
        if length and len(question.other_than) < 36:
            return None  # cannot happen: one of the letters is free
        length += 1
    return None


def _breadth_first(
    walkers: list[tuple[_Walker, bool]], alphabet: list[int], question: Question, budget: Budget | Slice
) -> str | None:
    """Layer by layer, so that the first text found is a shortest one and an empty queue is a proof."""
    first = (tuple(walker.start() for walker, _ in walkers), 0)
    came: dict[object, tuple[object, int] | None] = {first: None}
    queue = deque([(first, 0)])
    while queue:
        node, length = queue.popleft()
        states, counted = node
        if counted >= question.shortest and _all_agree(walkers, states):
            return _spelled(came, node)
        if question.longest is not None and length >= question.longest:
            continue
        for code in alphabet:
            budget.spend(_effort(states))
            following = tuple(walker.step(s, code) for (walker, _), s in zip(walkers, states, strict=True))
            target = (following, min(counted + 1, question.shortest))
            if target not in came and not _lost(walkers, following):
                came[target] = (node, code)
                queue.append((target, length + 1))
    return None


def _effort(states: tuple[State, ...]) -> int:
    """Steps are about as dear as the sets of states they move."""
    return 1 + sum(len(state) for state in states if isinstance(state, frozenset)) // 4


def _all_agree(walkers: list[tuple[_Walker, bool]], states: tuple[State, ...]) -> bool:
    return all(
        walker.accepts(state) == wanted for (walker, wanted), state in zip(walkers, states, strict=True)
    )


def _lost(walkers: list[tuple[_Walker, bool]], states: tuple[State, ...]) -> bool:
    """A pattern that must not match has matched for good, or one that must match never will."""
    return any(
        (state == _MATCHED and not wanted) or (state == _HOPELESS and wanted)
        for (_, wanted), state in zip(walkers, states, strict=True)
    )


def _spelled(came: dict[object, tuple[object, int] | None], node: object) -> str:
    letters: list[str] = []
    while (step := came[node]) is not None:
        node, code = step
        letters.append(chr(code))
    return "".join(reversed(letters))


@lru_cache(maxsize=512)
def _alphabet(classes: frozenset[Ranges]) -> list[int]:
    """One readable code point for each set of classes that code points can belong to."""
    bounds = {0, 0xD800, 0xE000} | {
        point for ranges in classes for low, high in ranges for point in (low, high + 1)
    }
    bounds |= {ord(char) for char in _READABLE_STARTS}
    chosen: dict[tuple[bool, ...], int] = {}
    listed = list(classes)
    for point in sorted((b for b in bounds if b <= LAST and not 0xD800 <= b < 0xE000), key=_readability):
        signature = tuple(_inside(point, ranges) for ranges in listed)
        chosen.setdefault(signature, point)
    return sorted(chosen.values(), key=_readability)


_READABLE_STARTS = "a0A -_."


def _readability(point: int) -> tuple[int, int]:
    tests: tuple[Callable[[int], bool], ...] = (
        lambda p: 97 <= p <= 122,
        lambda p: 48 <= p <= 57,
        lambda p: 65 <= p <= 90,
        lambda p: 32 < p < 127,
        lambda p: p == 32,
        lambda p: p > 159,
    )
    return next((rank for rank, test in enumerate(tests) if test(point)), len(tests)), point


def _inside(code: int, ranges: Ranges) -> bool:
    if len(ranges) < _FEW:
        return any(low <= code <= high for low, high in ranges)
    at = bisect_right(ranges, (code, LAST)) - 1
    return at >= 0 and ranges[at][0] <= code <= ranges[at][1]
