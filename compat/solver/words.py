"""Shortest texts that match some patterns and do not match others, by walking all their automata at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol, TypeAlias

from compat import patterns
from compat.budget import Budget, Slice
from compat.solver.regex import LAST, Nfa, Ranges, automaton

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
    """A shortest text, or None when there is none at all. Raises Exhausted."""
    if not question.matching and not question.not_matching:
        return _plain(question)
    walkers: list[tuple[_Walker, bool]] = [(_Search(automaton(p)), True) for p in sorted(question.matching)]
    walkers += [(_Search(automaton(p)), False) for p in sorted(question.not_matching)]
    if question.other_than:
        walkers.append((_Words(question.other_than), False))
    alphabet = _alphabet([ranges for walker, _ in walkers for ranges in walker.ranges()])
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


def _alphabet(classes: list[Ranges]) -> list[int]:
    """One readable code point for each set of classes that code points can belong to."""
    classes = list(dict.fromkeys(classes))
    bounds = {0, 0xD800, 0xE000} | {
        point for ranges in classes for low, high in ranges for point in (low, high + 1)
    }
    bounds |= {ord(char) for char in _READABLE_STARTS}
    chosen: dict[tuple[bool, ...], int] = {}
    for point in sorted((b for b in bounds if b <= LAST and not 0xD800 <= b < 0xE000), key=_readability):
        signature = tuple(_inside(point, ranges) for ranges in classes)
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
    return any(low <= code <= high for low, high in ranges)
