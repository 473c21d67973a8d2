"""Rules for keywords that combine schemas about one location."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from compat.changes.pairs import (
    ABSENT,
    EITHER,
    NARROWS,
    WIDENS,
    Found,
    Pair,
    Rule,
    Spot,
    followed,
    members_of,
    same_or_absent,
)
from compat.changes.words import described, short
from compat.dialects import Schema
from compat.values import pointer, text_of
from compat.verdict import Change


def boolean_schema(pair: Pair) -> Iterator[Change]:
    """`true` and `false` in the place of a schema."""
    old, new = pair.old.schema, pair.new.schema
    narrows = old is True or new is False
    sentence = f"{pair.name} {_allowed(old)} and now {_allowed(new)}"
    yield Change(
        kind="SCHEMA_ADDED" if narrows else "SCHEMA_REMOVED",
        old_pointer=pointer(pair.old.path),
        new_pointer=pointer(pair.new.path),
        old_value=old,
        new_value=new,
        breaks=NARROWS if narrows else WIDENS,
        sentence=sentence,
    )


def _allowed(schema: Schema) -> str:
    if isinstance(schema, bool):
        return "could be anything" if schema else "could not be there"
    return f"has to be {described(schema)}"


def combined(keyword: str, added: str, removed: str, *, sum_type: bool) -> Rule:
    """`anyOf` and `oneOf` grow wider with branches, `allOf` narrower."""

    def rule(pair: Pair) -> Found:
        old, new = pair.old.get(keyword), pair.new.get(keyword)
        if old is ABSENT or new is ABSENT:
            narrows = old is ABSENT
            kind = f"COMBINED_TYPE_{'CHANGED' if narrows else 'EXTENDED'}"
            sentence = f"{pair.name} {'now' if narrows else 'no longer'} has to satisfy {keyword}"
            yield pair.change(kind, keyword, NARROWS if narrows else WIDENS, sentence)
            return
        gone, come, matched = _matched(pair, keyword)
        yield from matched
        for index in come:
            sentence = f"{keyword} of {pair.name} has a new branch: {described(new[index])}"
            yield pair.change(
                added,
                keyword,
                WIDENS if sum_type else NARROWS,
                sentence,
                index,
                values=(ABSENT, new[index]),
            )
        for index in gone:
            sentence = f"{keyword} of {pair.name} lost a branch: {described(old[index])}"
            yield pair.change(
                removed,
                keyword,
                NARROWS if sum_type else WIDENS,
                sentence,
                index,
                values=(old[index], ABSENT),
            )

    return rule


def _matched(pair: Pair, keyword: str) -> tuple[list[int], list[int], list[Pair]]:
    """Branches that went, branches that came, and pairs that look like the same branch.

    Equal ones belong together (what they refer to may still have changed), then those that a tag tells from their
    siblings, the ones with most in common first.
    """
    old = [followed(pair.old.below(branch, keyword, i)) for i, branch in enumerate(pair.old.get(keyword))]
    new = [followed(pair.new.below(branch, keyword, i)) for i, branch in enumerate(pair.new.get(keyword))]
    tags_old, tags_new = [_tag(spot.schema) for spot in old], [_tag(spot.schema) for spot in new]
    likeness = {
        (i, j): alike
        for i, left in enumerate(old)
        for j, right in enumerate(new)
        if tags_old[i] == tags_new[j]
        if (alike := _likeness(left, right, near=i == j)) is not None
    }
    partners: dict[int, int] = {}
    for i, j in sorted(likeness, key=lambda both: (-likeness[both], both)):
        if i not in partners and j not in partners.values():
            partners[i] = j
    gone = [i for i in range(len(old)) if i not in partners]
    come = [j for j in range(len(new)) if j not in partners.values()]
    return gone, come, [pair.child(old[i], new[j]) for i, j in sorted(partners.items())]


def _likeness(old: Spot, new: Spot, *, near: bool) -> float | None:
    """None when the tags differ; otherwise how much the two have in common."""
    if old.schema == new.schema:
        return 3.0 + near
    if not isinstance(old.schema, dict) or not isinstance(new.schema, dict):
        return None
    left = set(members_of(old, "properties")) or set(old.schema)
    right = set(members_of(new, "properties")) or set(new.schema)
    return len(left & right) / max(1, len(left | right)) + 0.1 * near


def _tag(branch: Schema) -> tuple[Any, ...]:
    """What tells a branch from its siblings: its type and its constant properties."""
    if isinstance(branch, bool):
        return (branch,)
    members = branch.get("properties")
    consts = {
        name: text_of(child["const"] if "const" in child else child["enum"])
        for name, child in (members.items() if isinstance(members, dict) else ())
        if isinstance(child, dict) and ("const" in child or len(child.get("enum", ())) == 1)
    }
    return text_of(branch.get("type")), text_of(consts), text_of([branch.get("const"), branch.get("$ref")])


def tested(keyword: str, kind: str, words: str) -> Rule:
    """A keyword with one schema that tests: a change of it may go either way."""

    def rule(pair: Pair) -> Found:
        old, new = pair.old.get(keyword), pair.new.get(keyword)
        if same_or_absent(old, new):
            return
        narrows, widens = old is ABSENT, new is ABSENT
        breaks = NARROWS if narrows else WIDENS if widens else EITHER
        step = "ADDED" if narrows else "REMOVED" if widens else "CHANGED"
        yield pair.change(f"{kind}_{step}", keyword, breaks, f"{words} of {pair.name} was {step.lower()}")

    return rule


def required_of_part(keyword: str, kind: str, words: str, place: str) -> Rule:
    """A keyword with one schema that some part has to satisfy: what narrows that schema narrows the whole."""
    alone = tested(keyword, kind, words)

    def rule(pair: Pair) -> Found:
        old, new = pair.old.get(keyword), pair.new.get(keyword)
        if isinstance(old, dict) and isinstance(new, dict):
            yield pair.child(pair.old.below(old, keyword), pair.new.below(new, keyword), place)
        else:
            yield from alone(pair)

    return rule


def conditional(pair: Pair) -> Found:
    """Under one condition the consequences are compared; otherwise anything may follow from the new condition."""
    same_condition = same_or_absent(pair.old.get("if"), pair.new.get("if"))
    for keyword in ("if", "then", "else"):
        old, new = pair.old.get(keyword), pair.new.get(keyword)
        if same_or_absent(old, new):
            continue
        if keyword != "if" and same_condition and isinstance(old, dict) and isinstance(new, dict):
            yield pair.child(pair.old.below(old, keyword), pair.new.below(new, keyword))
            continue
        sentence = f"the condition ({keyword}) on {pair.name} changed"
        yield pair.change("CONDITION_CHANGED", keyword, EITHER, sentence)


def reference(pair: Pair) -> Found:
    """A reference beside other keywords (a plain one was followed already)."""
    old, new = pair.old.get("$ref"), pair.new.get("$ref")
    if not same_or_absent(old, new):
        yield pair.change(
            "REFERENCE_CHANGED", "$ref", EITHER, f"{pair.name} refers to {_short_or_nothing(new)} now"
        )


def _short_or_nothing(value: Any) -> str:
    return "nothing" if value is ABSENT else short(value)
