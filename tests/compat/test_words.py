"""Texts found for patterns, against trying texts out."""

import random

from compat import patterns
from compat.budget import Budget
from compat.solver.words import Question, find_word

PATTERNS = [
    "^a", "b$", "^[ab]+$", "^$", "c", "a|^b", "(^a|b)c$", "x*", "^x*$", "$", "^", "(a$|b)c", "^(ab|cd)*$", "[^a]",
    "^.b", "a{2,3}$", "(^|x)y", "(?:^a)?b", "^contexts_.*", "^events_.*",
]  # fmt: skip
TEXTS = ["", *"abcxyz_", *(a + b for a in "abcxy" for b in "abcxy"), "abab", "abcd", "contexts_a", "yab"]


def test_a_text_that_is_found_fits_and_none_means_none() -> None:
    pick = random.Random(3)
    for _ in range(1500):
        matching = frozenset(pick.sample(PATTERNS, pick.choice([0, 1, 2])))
        not_matching = frozenset(pick.sample(PATTERNS, pick.choice([0, 1, 2]))) - matching
        other_than = frozenset(pick.sample(TEXTS, pick.choice([0, 3])))

        def fits(text: str) -> bool:
            met = [all(patterns.matches(p, text) for p in matching)]  # noqa: B023 -- used at once
            met += [not patterns.matches(p, text) for p in not_matching]  # noqa: B023
            return all(met) and text not in other_than  # noqa: B023

        found = find_word(Question(matching, not_matching, other_than), Budget(20_000))
        known = [text for text in TEXTS if fits(text)]
        assert fits(found) if found is not None else not known, (matching, not_matching, other_than)


def test_names_beside_hundreds_of_others_are_found_soon() -> None:
    """Patterns that have failed for good do not make every beginning of every known name a state of its own."""
    names = frozenset(f"property_number_{i}" for i in range(300))
    both = Question(frozenset({"^contexts_.*", "^events_.*"}), frozenset(), names)
    assert find_word(both, Budget(2_000)) is None
