"""Rules for keywords that speak about a value itself: types, enumerations, bounds."""

from __future__ import annotations

from typing import Any

from compat.changes.pairs import ABSENT, EITHER, NARROWS, WIDENS, Found, Pair, Rule, Spot, same_or_absent
from compat.changes.words import short
from compat.values import exact, frozen


def types(pair: Pair) -> Found:
    old, new = _type_set(pair.old), _type_set(pair.new)
    if old == new:
        return
    if old is None or (new is not None and _covers(old, new)):
        kind, breaks = "TYPE_NARROWED", NARROWS
    elif new is None or _covers(new, old):
        kind, breaks = "TYPE_EXTENDED", WIDENS
    else:
        kind, breaks = "TYPE_CHANGED", EITHER
    was, now = (("anything" if t is None else " or ".join(sorted(t))) for t in (old, new))
    yield pair.change(kind, "type", breaks, f"the type of {pair.name} changed from {was} to {now}")


def _type_set(spot: Spot) -> frozenset[str] | None:
    types = spot.get("type")
    if types is ABSENT:
        return None
    return frozenset([types] if isinstance(types, str) else types)


def _covers(wide: frozenset[str], narrow: frozenset[str]) -> bool:
    return all(name in wide or (name == "integer" and "number" in wide) for name in narrow)


def enumeration(pair: Pair) -> Found:
    old, new = _values(pair.old), _values(pair.new)
    if old is None and new is None:
        return
    keyword = _listing(pair.old if new is None else pair.new)
    if old is None or new is None:
        narrows = old is None
        sentence = (
            f"{pair.name} may now only be {short(new)}"
            if narrows
            else f"{pair.name} is no longer limited to {short(old)}"
        )
        kind = "ENUM_ARRAY_ADDED" if narrows else "ENUM_ARRAY_REMOVED"
        yield pair.change(kind, keyword, NARROWS if narrows else WIDENS, sentence)
        return
    keys_old, keys_new = {frozen(value) for value in old}, {frozen(value) for value in new}
    gone = [value for value in old if frozen(value) not in keys_new]
    come = [value for value in new if frozen(value) not in keys_old]
    if not gone and not come:
        return
    kind = "ENUM_ARRAY_CHANGED" if gone and come else "ENUM_ARRAY_NARROWED" if gone else "ENUM_ARRAY_EXTENDED"
    words = [f"no longer be {short(gone[0] if len(gone) == 1 else gone)}"] if gone else []
    words += [f"now be {short(come[0] if len(come) == 1 else come)}"] if come else []
    breaks = EITHER if gone and come else NARROWS if gone else WIDENS
    yield pair.change(kind, keyword, breaks, f"{pair.name} can {' and can '.join(words)}")


def _listing(spot: Spot) -> str:
    return "enum" if spot.get("const") is ABSENT else "const"


def _values(spot: Spot) -> list[Any] | None:
    if spot.get("const") is not ABSENT:
        return [spot.get("const")]
    values = spot.get("enum")
    return None if values is ABSENT else list(values)


def limit(keyword: str, kind: str, words: str, *, upper: bool) -> Rule:
    """A bound: raising an upper one or lowering a lower one lets more in."""

    def rule(pair: Pair) -> Found:
        old, new = pair.old.get(keyword), pair.new.get(keyword)
        if same_or_absent(old, new):
            return
        if isinstance(old, bool) or isinstance(new, bool):  # draft-04
            yield pair.change(
                f"{kind}_CHANGED", keyword, EITHER, f"{words} of {pair.name} became exclusive or inclusive"
            )
        elif old is ABSENT:
            yield pair.change(f"{kind}_ADDED", keyword, NARROWS, f"{words} of {pair.name} is now {new}")
        elif new is ABSENT:
            yield pair.change(
                f"{kind}_REMOVED", keyword, WIDENS, f"{words} of {pair.name} is no longer {old}"
            )
        else:
            grew = exact(new) > exact(old)
            breaks = WIDENS if grew == upper else NARROWS
            step = "INCREASED" if grew else "DECREASED"
            yield pair.change(
                f"{kind}_{step}", keyword, breaks, f"{words} of {pair.name} changed from {old} to {new}"
            )

    return rule


def multiple_of(pair: Pair) -> Found:
    old, new = pair.old.get("multipleOf"), pair.new.get("multipleOf")
    if same_or_absent(old, new):
        return
    if old is ABSENT or new is ABSENT:
        narrows = old is ABSENT
        sentence = (
            f"{pair.name} must {'now' if narrows else 'no longer'} be a multiple of {new if narrows else old}"
        )
        kind = "MULTIPLE_OF_ADDED" if narrows else "MULTIPLE_OF_REMOVED"
        yield pair.change(kind, "multipleOf", NARROWS if narrows else WIDENS, sentence)
        return
    wider, narrower = (exact(a) / exact(b) for a, b in ((old, new), (new, old)))
    kind, breaks = (
        ("MULTIPLE_OF_REDUCED", WIDENS)
        if wider.denominator == 1
        else ("MULTIPLE_OF_EXPANDED", NARROWS)
        if narrower.denominator == 1
        else ("MULTIPLE_OF_CHANGED", EITHER)
    )
    yield pair.change(kind, "multipleOf", breaks, f"{pair.name} must be a multiple of {new} instead of {old}")


def presence(keyword: str, kind: str, words: str) -> Rule:
    """A keyword whose values cannot be ordered by looking at them."""

    def rule(pair: Pair) -> Found:
        old, new = pair.old.get(keyword), pair.new.get(keyword)
        if same_or_absent(old, new):
            return
        if old is ABSENT or (old is False and keyword == "uniqueItems"):
            yield pair.change(f"{kind}_ADDED", keyword, NARROWS, f"{pair.name} now has {words} {short(new)}")
        elif new is ABSENT or (new is False and keyword == "uniqueItems"):
            yield pair.change(
                f"{kind}_REMOVED", keyword, WIDENS, f"{pair.name} no longer has {words} {short(old)}"
            )
        else:
            sentence = f"{words} of {pair.name} changed from {short(old)} to {short(new)}"
            yield pair.change(f"{kind}_CHANGED", keyword, EITHER, sentence)

    return rule
