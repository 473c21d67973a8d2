"""Patterns that follow from others, and the texts that tell them apart: lookaround, Unicode properties, counts."""

import random
import unicodedata

import pytest

from compat import check, patterns
from compat.solver.inclusion import matches_no_more
from compat.solver.lookaround import parts
from compat.solver.properties import code_points


def of(pattern: str, **more: int) -> dict[str, object]:
    return {"type": "string", "pattern": pattern, **more}


NARROWER = [
    ("^[a-z]+$", "^[a-z0-9]+$"),
    ("^[a-z]{2,3}$", "^[a-z]{1,5}$"),
    ("[0-9a-f]{40}", "[0-9a-f-]{40}"),
    ("^arn:aws:[a-z]{2}(-gov|-iso)?:x$", "^arn:aws:[a-z]{2}(-gov|-iso|-eu)?:x"),
    ("^(?!aws:)[a-z:]*$", "^[a-z:]*$"),
    ("^[a-z.]*(?<!\\.)$", "^[a-z.]*$"),
    ("^(?=.*[A-Z])[a-zA-Z]{3,20}$", "^[a-zA-Z]*$"),
    ("^\\p{Lu}*$", "^\\p{L}*$"),
    ("^[\\p{L}\\p{N}]*$", "^[\\p{L}\\p{N}\\p{Z}_.]*$"),
]


@pytest.mark.parametrize(("narrow", "wide"), NARROWER)
def test_a_narrower_pattern_is_compatible_and_the_way_back_has_a_witness(narrow: str, wide: str) -> None:
    assert check(of(narrow), of(wide)).status == "compatible"
    back = check(of(wide), of(narrow))
    assert back.witness is not None
    text = back.witness.instance
    assert patterns.matches(wide, text)
    assert not patterns.matches(narrow, text)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"type": "string"}, of("^[\\w+=,.@-]{1,2048}$")),
        (of("^[a-z]*fleet-[a-zA-Z0-9-]+"), of("^[a-z]*fleet-[a-zA-Z0-9-]+", maxLength=128)),
        (of("lambda:GetLayer"), of("lambda:GetLayer", maxLength=22)),
        (of("arn:[a-z]+:[0-9]+"), of("^arn:[a-z]+:[0-9]+$")),
        (of("a(?!b)"), of("ab")),
    ],
)
def test_what_no_automaton_says_is_tried_out(old: dict[str, object], new: dict[str, object]) -> None:
    assert check(old, new).status == "incompatible"


PIECES = ["a", "b", "[ab]", ".", "a?", "(ab|c)", "b*", "[^a]", "a{1,2}", "(?:a|b){0,2}", "c+"]


def test_whatever_is_said_to_follow_holds_for_every_short_text() -> None:
    pick = random.Random(11)
    texts = [
        "",
        *"abc",
        *(x + y for x in "abc" for y in "abc"),
        *(x + y + z for x in "abc" for y in "abc" for z in "abc"),
    ]
    followed = 0
    for _ in range(3_000):
        narrow, wide = ("".join(pick.choices(PIECES, k=pick.choice([1, 2, 3]))) for _ in range(2))
        edges = pick.choice([("^", "$"), ("^", ""), ("", "")])
        narrow, wide = f"^{narrow}$", f"{edges[0]}{wide}{edges[1]}"
        if matches_no_more(narrow, wide):
            followed += 1
            assert all(patterns.matches(wide, text) for text in texts if patterns.matches(narrow, text)), (
                narrow,
                wide,
            )
    assert followed > 300


LOOKAROUND = ["^(?!a)", "^(?=a)", "^(?!b$)(?=[ab])", "^(?!ab)a*", "^(?![ab]{2})"]


def test_a_pattern_in_parts_matches_the_same_texts() -> None:
    texts = ["", *"abc", *(x + y for x in "abc" for y in "abc"), "aab", "abb", "bab"]
    for start in LOOKAROUND:
        for end in ["", "b", "[ab]*$", ".*(?<!a)$", ".(?<=b)$"]:
            whole = f"{start}{end}"
            said = parts(whole)
            assert not said.single
            for text in texts:
                by_parts = all(patterns.matches(each, text) for each in (said.pattern, *said.also))
                by_parts = by_parts and not any(patterns.matches(each, text) for each in said.never)
                assert by_parts == patterns.matches(whole, text), (whole, text)


@pytest.mark.parametrize("pattern", ["a(?!b)c", "^(?!a)b|c", "(?!a)b", "^a(?<!a)b", "^(?!a)*b", "^\\(?!a)$"])
def test_lookaround_elsewhere_stays_where_it_is(pattern: str) -> None:
    assert parts(pattern).pattern == pattern


@pytest.mark.parametrize("name", ["L", "Lu", "N", "P", "Z"])
def test_properties_are_those_of_the_engine(name: str) -> None:
    """Of what Python's Unicode has assigned, the two agree; the engine's may be newer."""
    found = code_points(name)
    assert found is not None
    inside = {point for low, high in found for point in range(low, high + 1)}
    for point in range(0x3000):
        category = unicodedata.category(chr(point))
        if category != "Cn":
            assert (point in inside) == category.startswith(name), hex(point)


def test_a_property_that_the_engine_does_not_know_is_none() -> None:
    assert code_points("Nonsense") is None
