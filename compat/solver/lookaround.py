"""Lookaround at the ends of a pattern, said as further patterns that the same text matches or does not match.

`^(?!A)B` is found in the texts in which `^B` is found and `^(?:A)` is not; `B(?<!A)$` likewise, at the other end. Only
where the whole pattern is tied to that end is this so: elsewhere the two would have to agree about a place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

_BEFORE = {"(?=": True, "(?!": False}
_COUNTS = ("*", "+", "?", "{")
_BEHIND = {"(?<=": True, "(?<!": False}


@dataclass(frozen=True)
class Parts:
    """The texts that match `pattern` and all of `also` and none of `never`."""

    pattern: str
    also: frozenset[str] = frozenset()
    never: frozenset[str] = frozenset()

    @property
    def single(self) -> bool:
        return not self.also and not self.never


@lru_cache(maxsize=2_000)
def parts(pattern: str) -> Parts:
    """What the pattern says, as far as it can be said without lookaround."""
    also: set[str] = set()
    never: set[str] = set()
    rest = pattern
    if "(?" in pattern and not _has_choice(pattern):
        rest = _without_first(rest, also, never)
        rest = _without_last(rest, also, never)
    return Parts(rest, frozenset(also), frozenset(never))


def _without_first(pattern: str, also: set[str], never: set[str]) -> str:
    while pattern.startswith("^") and pattern[1:4] in _BEFORE:
        end = _closing(pattern, 1)
        if end is None or pattern[end + 1 : end + 2] in _COUNTS:
            break
        (also if _BEFORE[pattern[1:4]] else never).add(f"^(?:{pattern[4:end]})")
        pattern = f"^{pattern[end + 1 :]}"
    return pattern


def _without_last(pattern: str, also: set[str], never: set[str]) -> str:
    while pattern.endswith(")$"):
        start = next((at for at in _opens(pattern) if _closing(pattern, at) == len(pattern) - 2), None)
        if start is None or pattern[start : start + 4] not in _BEHIND:
            break
        (also if _BEHIND[pattern[start : start + 4]] else never).add(f"(?:{pattern[start + 4 : -2]})$")
        pattern = f"{pattern[:start]}$"
    return pattern


def _syntax(pattern: str) -> Iterator[tuple[int, str]]:
    """The characters that are neither escaped nor in a class."""
    in_class, escaped = False, False
    for at, char in enumerate(pattern):
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif in_class:
            in_class = char != "]"
        elif char == "[":
            in_class = True
        else:
            yield at, char


def _opens(pattern: str) -> list[int]:
    return [at for at, char in _syntax(pattern) if char == "("]


def _closing(pattern: str, opening: int) -> int | None:
    depth = 0
    for at, char in _syntax(pattern):
        if at >= opening and char in "()":
            depth += 1 if char == "(" else -1
            if depth == 0:
                return at
    return None


def _has_choice(pattern: str) -> bool:
    """Whether there is a `|` outside all groups."""
    depth = 0
    for _, char in _syntax(pattern):
        depth += (char == "(") - (char == ")")
        if char == "|" and depth == 0:
            return True
    return False
