"""Whether every text that one pattern is found in, another is found in as well: seen from how the two are written.

Where both are built alike, and each character class, count and choice of the first lies within that of the second, so do
the texts: nothing in a regular expression excludes. Only what is written otherwise has to be asked of automata.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from compat.budget import Budget
from compat.errors import Exhausted
from compat.solver.lookaround import parts
from compat.solver.properties import Ranges
from compat.solver.regex import Tree, tree_of
from compat.solver.words import Question, find_word

_STEPS = 2_000


@lru_cache(maxsize=2_000)
def matches_no_more(narrow: str, wide: str) -> bool:
    """True is a proof; False where it is not so or would take long to find out."""
    if narrow == wide:
        return True
    try:
        if parts(wide).single and _within(tree_of(parts(narrow).pattern), tree_of(wide)):
            return True
        outside = Question(matching=frozenset({narrow}), not_matching=frozenset({wide}))
        return find_word(outside, Budget(_STEPS)) is None
    except Exhausted:
        return False


def _within(narrow: Tree, wide: Tree) -> bool:
    """Whether each piece of text that the first matches at a place, the second matches there as well."""
    if narrow == wide:
        return True
    if narrow[0] == "alt":
        return all(_within(option, wide) for option in narrow[1])
    if wide[0] == "alt":
        return any(_within(narrow, option) for option in wide[1])
    if wide[0] == "repeat":
        return _repeated_within(narrow if narrow[0] == "repeat" else ("repeat", narrow, 1, 1), wide)
    compared = _ALIKE.get(wide[0])
    return compared is not None and narrow[0] == wide[0] and compared(narrow[1], wide[1])


def _repeated_within(narrow: Tree, wide: Tree) -> bool:
    (_, inner, low, high), (_, outer, least, most) = narrow, wide
    return low >= least and (most is None or (high is not None and high <= most)) and _within(inner, outer)


def _sequence_within(narrow: list[Tree], wide: list[Tree]) -> bool:
    """Part by part; `^` and `$` only narrow, so they may be missing in the wide one."""
    at = 0
    for part in narrow:
        if at < len(wide) and _within(part, wide[at]):
            at += 1
        elif part[0] != "edge":
            return False
    return at == len(wide)


def _ranges_within(narrow: Ranges, wide: Ranges) -> bool:
    return all(any(low <= first and last <= high for low, high in wide) for first, last in narrow)


_ALIKE: dict[str, Callable[[Any, Any], bool]] = {"seq": _sequence_within, "chars": _ranges_within}
