"""Regular expressions as automata: the part of ECMA-262 that describes a regular language.

Read as jsonschema-rs reads them: code points, `\\d` and `\\w` are ASCII, `.` stops at line feeds only, `^` and `$` are
the ends of the text. Anything else (lookaround, backreferences, `\\b`) raises Exhausted: nothing is guessed. `loose`
leaves it out instead, which describes more texts than the pattern matches: a place to look for some that it does match.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, TypeAlias

from compat.errors import Exhausted
from compat.solver.properties import LAST, Ranges, code_points

#: States per pattern; counted repetition is written out.
MAX_STATES = 5_000
#: Read loosely, what may be repeated more often than this may be repeated for ever.
_MANY = 40

_DIGIT: Ranges = ((48, 57),)
_WORD: Ranges = ((48, 57), (65, 90), (95, 95), (97, 122))
_SPACE: Ranges = (
    (9, 13), (32, 32), (160, 160), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029),
    (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF),
)  # fmt: skip
_LINE_ENDS: Ranges = ((10, 10),)
_CONTROLS = {"n": 10, "r": 13, "t": 9, "v": 11, "f": 12, "0": 0}
_SYNTAX = "^$\\.*+?()[]{}|/"


def complement(ranges: Ranges) -> Ranges:
    """Every code point outside the ranges."""
    out, start = [], 0
    for low, high in ranges:
        if start < low:
            out.append((start, low - 1))
        start = high + 1
    return (*out, (start, LAST)) if start <= LAST else tuple(out)


def merged(ranges: list[tuple[int, int]]) -> Ranges:
    """The same code points, sorted and apart."""
    out: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if out and low <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(out[-1][1], high))
        else:
            out.append((low, high))
    return tuple(out)


_CLASSES: dict[str, Ranges] = {
    "d": _DIGIT, "D": complement(_DIGIT), "w": _WORD, "W": complement(_WORD), "s": _SPACE, "S": complement(_SPACE),
}  # fmt: skip


@dataclass
class Nfa:
    """Thompson's automaton: every state has silent edges (perhaps only at one end of the text) and at most one reading edge."""

    silent: list[list[tuple[int, str]]] = field(default_factory=list)
    reading: list[tuple[Ranges, int] | None] = field(default_factory=list)
    start: int = 0
    accept: int = 0

    def state(self) -> int:
        if len(self.silent) >= MAX_STATES:
            raise Exhausted(f"a pattern needs more than {MAX_STATES} automaton states")
        self.silent.append([])
        self.reading.append(None)
        return len(self.silent) - 1

    @cached_property
    def hopeful(self) -> frozenset[int]:
        """States that can still lead to a match once something was read: `^` no longer holds there."""
        into: dict[int, list[int]] = {}
        for state, (edges, reading) in enumerate(zip(self.silent, self.reading, strict=True)):
            targets = [target for target, edge in edges if edge != "^"]
            targets += [reading[1]] if reading is not None and reading[0] else []
            for target in targets:
                into.setdefault(target, []).append(state)
        found, todo = {self.accept}, [self.accept]
        while todo:
            for before in into.get(todo.pop(), ()):
                if before not in found:
                    found.add(before)
                    todo.append(before)
        return frozenset(found)


@lru_cache(maxsize=1024)
def automaton(pattern: str, *, loose: bool = False) -> Nfa:
    """The automaton of a pattern. Raises Exhausted for what no automaton of ours can say."""
    nfa = Nfa()
    nfa.start = nfa.state()
    nfa.accept = _build(tree_of(pattern, loose=loose), nfa, nfa.start)
    return nfa


def tree_of(pattern: str, *, loose: bool = False) -> Tree:
    """What a pattern is made of. Raises Exhausted."""
    parser = _Parser(pattern, loose=loose)
    tree = parser.alternation()
    if parser.position != len(pattern):
        raise Exhausted(f"the pattern {pattern!r} is not understood at {parser.position}")
    return tree


#: ("chars", ranges) | ("seq", parts) | ("alt", options) | ("repeat", tree, low, high) | ("edge", "^" or "$")
Tree: TypeAlias = tuple[Any, ...]


@dataclass
class _Parser:
    text: str
    position: int = 0
    loose: bool = False

    def peek(self) -> str:
        return self.text[self.position : self.position + 1]

    def take(self) -> str:
        char = self.peek()
        if not char:
            raise self.unknown("its end")
        self.position += 1
        return char

    def unknown(self, what: str) -> Exhausted:
        return Exhausted(f"{what} in the pattern {self.text!r} is beyond finite automata here")

    def alternation(self) -> Tree:
        options = [self.sequence()]
        while self.peek() == "|":
            self.take()
            options.append(self.sequence())
        return options[0] if len(options) == 1 else ("alt", options)

    def sequence(self) -> Tree:
        parts: list[Tree] = []
        while self.peek() not in {"", "|", ")"}:
            parts.append(self.repeated(self.atom()))
        return ("seq", parts)

    def atom(self) -> Tree:
        char = self.take()
        if char in "^$":
            return ("edge", char)
        if char == "(":
            return self.group()
        if char == "\\" and self.loose and self.peek() in {"b", "B"}:
            self.take()
            return ("seq", [])
        return ("chars", self.single(char))

    def single(self, char: str) -> Ranges:
        """One character of the text."""
        if char == ".":
            return complement(_LINE_ENDS)
        if char == "[":
            return self.char_class()
        if char == "\\":
            return self.escape(in_class=False)
        if char in "*+?":
            raise self.unknown(f"{char!r} without anything to repeat")
        return _point(ord(char))

    def group(self) -> Tree:
        looks = False
        if self.peek() == "?":
            self.take()
            looks = self.text.startswith(("=", "!", "<=", "<!"), self.position)
            if looks and self.loose:
                self.position += 2 if self.peek() == "<" else 1
            elif self.peek() == "<" and not looks:
                self.position = self.text.index(">", self.position) + 1
            elif self.take() != ":":
                raise self.unknown("lookaround or a flag")
        tree = self.alternation()
        if self.take() != ")":
            raise self.unknown("an open group")
        return ("seq", []) if looks else tree

    def repeated(self, tree: Tree) -> Tree:
        char = self.peek()
        if char in {"*", "+", "?"}:
            self.take()
            bounds = {"*": (0, None), "+": (1, None), "?": (0, 1)}[char]
        elif char == "{":
            counted = self.counted()
            if counted is None:
                return tree
            bounds = counted
        else:
            return tree
        if self.peek() == "?":  # laziness changes what is captured, not what matches
            self.take()
        return self.repeated(("repeat", tree, *bounds))

    def counted(self) -> tuple[int, int | None] | None:
        end = self.text.find("}", self.position)
        low, comma, high = self.text[self.position + 1 : end].partition(",")
        if end < 0 or not low.isdecimal() or (high and not high.isdecimal()):
            raise self.unknown("a brace that counts nothing")
        self.position = end + 1
        if not comma:
            return int(low), int(low)
        endless = not high or (self.loose and int(high) > _MANY)
        return int(low), None if endless else int(high)

    def escape(self, *, in_class: bool) -> Ranges:
        char = self.take()
        if char in _CLASSES:
            return _CLASSES[char]
        if char in "pP" and self.peek() == "{":
            return self.having_property(negated=char == "P")
        return _point(self.escaped_point(char, in_class=in_class))

    def escaped_point(self, char: str, *, in_class: bool) -> int:
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char == "b" and in_class:
            return 8
        if char == "c":
            return ord(self.take()) % 32
        if char in "xu":
            return self.code_point(char)
        if char.isalnum():
            raise self.unknown(f"'\\{char}'")
        return ord(char)

    def having_property(self, *, negated: bool) -> Ranges:
        end = self.text.find("}", self.position)
        name = self.text[self.position + 1 : end]
        points = code_points(name) if end > 0 else None
        if points is None:
            raise self.unknown(f"the property '{name}'")
        self.position = end + 1
        return complement(points) if negated else points

    def code_point(self, kind: str) -> int:
        if kind == "u" and self.peek() == "{":
            end = self.text.find("}", self.position)
            digits, self.position = self.text[self.position + 1 : end], end + 1
        else:
            width = 2 if kind == "x" else 4
            digits = self.text[self.position : self.position + width]
            self.position += width
        try:
            point = int(digits, 16)
        except ValueError:
            raise self.unknown(f"'\\{kind}{digits}'") from None
        if 0xD800 <= point <= 0xDFFF or point > LAST:
            raise self.unknown("a surrogate")
        return point

    def char_class(self) -> Ranges:
        negated = self.peek() == "^"
        if negated:
            self.take()
        ranges: list[tuple[int, int]] = []
        while self.peek() != "]":
            ranges.extend(self.class_member())
        self.take()
        return complement(merged(ranges)) if negated else merged(ranges)

    def class_member(self) -> Ranges:
        low = self.class_atom()
        if self.peek() != "-" or self.text[self.position + 1 : self.position + 2] in {"]", ""}:
            return low
        self.take()
        high = self.class_atom()
        if len(low) != 1 or len(high) != 1 or low[0][0] != low[0][1] or high[0][0] != high[0][1]:
            raise self.unknown("a range between classes")
        return ((low[0][0], high[0][0]),)

    def class_atom(self) -> Ranges:
        char = self.take()
        if char == "\\":
            return self.escape(in_class=True)
        if char in "[&~" and self.peek() in {":", char}:
            raise self.unknown("set notation")  # engines differ about these
        return _point(ord(char))


def _point(code: int) -> Ranges:
    return ((code, code),)


def _build(tree: Tree, nfa: Nfa, start: int) -> int:
    """Add the tree's states behind `start`; the state reached when it has matched."""
    kind = tree[0]
    if kind == "chars":
        end = nfa.state()
        middle = nfa.state()
        nfa.silent[start].append((middle, ""))
        nfa.reading[middle] = (tree[1], end)
        return end
    if kind == "edge":
        end = nfa.state()
        nfa.silent[start].append((end, str(tree[1])))
        return end
    if kind == "seq":
        for part in tree[1]:
            start = _build(part, nfa, start)
        return start
    if kind == "alt":
        end = nfa.state()
        for option in tree[1]:
            nfa.silent[_build(option, nfa, _fork(nfa, start))].append((end, ""))
        return end
    return _build_repeat(tree, nfa, start)


def _build_repeat(tree: Tree, nfa: Nfa, start: int) -> int:
    _, inner, low, high = tree
    assert isinstance(inner, tuple)
    assert isinstance(low, int)
    for _ in range(low):
        start = _build(inner, nfa, start)
    end = nfa.state()
    nfa.silent[start].append((end, ""))
    if high is None:
        loop = _fork(nfa, start)
        nfa.silent[_build(inner, nfa, loop)].append((loop, ""))
        nfa.silent[loop].append((end, ""))
        return end
    assert isinstance(high, int)
    for _ in range(high - low):
        start = _build(inner, nfa, _fork(nfa, start))
        nfa.silent[start].append((end, ""))
    return end


def _fork(nfa: Nfa, start: int) -> int:
    state = nfa.state()
    nfa.silent[start].append((state, ""))
    return state
