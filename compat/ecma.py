"""ECMA-262 patterns that browsers read and the linear engine does not, spelled so that it does.

The forms are those of ECMA-262's annex B (a lone bracket or brace, a hyphen beside a class) and the few others that the
engine lacks: `[]`, `[^]`, `[\\b]`, `\\0`, pairs of surrogates. What looks like another language's syntax (`\\A`, `(?i)`) is
left as it is and stays an error: its author means something that ECMA-262 does not say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_QUANTIFIER = re.compile(r"\{\d+(,\d*)?\}")
_SURROGATES = re.compile(r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_NUL = re.compile(r"\\0(?!\d)")
_ANY, _NONE = r"[\s\S]", r"[^\s\S]"
#: Escapes of one letter that stand for more than one character.
_SETS = "dDwWsS"
_LONG_ESCAPE = re.compile(r"\\(u\{[0-9a-fA-F]+\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|c[A-Za-z]|[pP]\{[^}]*\})")


def translated(pattern: str) -> str:
    """The same language in the engine's spelling; what is no pattern comes out as none."""
    work = _Translation(pattern)
    while work.rest:
        work.outside_a_class()
    return "".join(work.out)


@dataclass
class _Translation:
    pattern: str
    position: int = 0
    out: list[str] = field(default_factory=list)

    @property
    def rest(self) -> bool:
        return self.position < len(self.pattern)

    def put(self, text: str, taken: int) -> None:
        self.out.append(text)
        self.position += taken

    def outside_a_class(self) -> None:
        char = self.pattern[self.position]
        if char == "\\":
            self.put(*self.escape())
        elif char == "[":
            self.character_class()
        elif char in "{}]":
            self.lone(char)
        else:
            self.put(char, 1)

    def lone(self, char: str) -> None:
        """A brace or bracket that opens or closes nothing stands for itself."""
        quantifier = _QUANTIFIER.match(self.pattern, self.position) if char == "{" else None
        if quantifier is None:
            self.put("\\" + char, 1)
        else:
            self.put(quantifier[0], len(quantifier[0]))

    def escape(self) -> tuple[str, int]:
        """One escape: how the engine spells it, and how many characters of the pattern it takes."""
        surrogates = _SURROGATES.match(self.pattern, self.position)
        if surrogates is not None:
            high, low = (int(half, 16) for half in surrogates.groups())
            return f"\\u{{{0x10000 + ((high & 0x3FF) << 10 | low & 0x3FF):X}}}", len(surrogates[0])
        if _NUL.match(self.pattern, self.position):
            return r"\x00", 2
        long = _LONG_ESCAPE.match(self.pattern, self.position)
        taken = len(long[0]) if long else 2
        return self.pattern[self.position : self.position + taken], taken

    def character_class(self) -> None:
        negated = self.pattern.startswith("[^", self.position)
        begin = self.position + 1 + negated
        if self.pattern.startswith("]", begin):
            self.put(_ANY if negated else _NONE, begin + 1 - self.position)
            return
        self.put("[^" if negated else "[", begin - self.position)
        while self.rest and self.pattern[self.position] != "]":
            self.member()
        if self.rest:
            self.put("]", 1)

    def member(self) -> None:
        """One character, set or range of a class."""
        first = self.atom()
        if not self.pattern.startswith("-", self.position) or self.pattern.startswith("-]", self.position):
            self.out.append(first)
            return
        self.position += 1
        last = self.atom() if self.rest else ""
        # A range has two ends; beside a set the hyphen stands for itself.
        self.out.append(first + (r"\-" if _is_set(first) or _is_set(last) else "-") + last)

    def atom(self) -> str:
        if self.pattern[self.position] != "\\":
            char = self.pattern[self.position]
            self.position += 1
            return "\\" + char if char in "[&~^-" else char
        if self.pattern.startswith(r"\b", self.position):
            self.position += 2
            return r"\x08"
        text, taken = self.escape()
        self.position += taken
        return text


def _is_set(atom: str) -> bool:
    return len(atom) > 1 and atom[0] == "\\" and (atom[1] in _SETS or atom[1] in "pP")
