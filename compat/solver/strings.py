"""Texts: lengths, patterns and exceptions at once."""

from __future__ import annotations

from compat import formats
from compat.budget import Budget
from compat.errors import Exhausted
from compat.solver.case import Case
from compat.solver.nothing import NOTHING, Nothing
from compat.solver.words import Question, find_word

#: Steps for one text; a pattern that needs more is left to other means.
_STEPS = 8_000
#: A longer text would be no use to a reader, and slow to build.
_LONGEST = 200_000


def find_string(case: Case, budget: Budget) -> str | Nothing:
    """A shortest text of which all facts of the case are true."""
    question = Question(
        matching=frozenset(case.get("pattern")),
        not_matching=frozenset(case.get("not pattern")),
        other_than=frozenset(v for values in case.get("never") for v in values if isinstance(v, str)),
        shortest=max(case.get("min"), default=0),
        longest=min(case.get("max"), default=None),
    )
    if "format" in case.facts or "not format" in case.facts:
        return _of_format(question, case.get("format"), case.get("not format"), budget)
    word = find_word(question, budget.slice(_STEPS)) if question.shortest <= _LONGEST else _too_long(question)
    return NOTHING if word is None else word


def _of_format(question: Question, wanted: list[str], excluded: list[str], budget: Budget) -> str | Nothing:
    """Formats have no automata: texts are tried, and that none does is no proof."""
    if not set(wanted).isdisjoint(excluded):
        return NOTHING
    for text in formats.texts_for(*wanted, *excluded):
        budget.spend()
        fits = question.includes(text) and all(formats.accepts(name, text) for name in wanted)
        if fits and not any(formats.accepts(name, text) for name in excluded):
            return text
    asked = [*(f"is a {name}" for name in wanted), *(f"is no {name}" for name in excluded)]
    raise Exhausted(f"none of the texts that were tried {' and '.join(asked)}")


def _too_long(question: Question) -> str | None:
    if question.longest is not None and question.longest < question.shortest:
        return None
    raise Exhausted(f"a text of {question.shortest} characters is longer than the search builds")
