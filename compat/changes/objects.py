"""Rules for keywords that speak about the members of an object."""

from __future__ import annotations

from typing import Any

from compat import patterns
from compat.changes.pairs import (
    ABSENT,
    EITHER,
    HARMLESS,
    NARROWS,
    WIDENS,
    Found,
    Pair,
    Rule,
    Spot,
    member_name,
    members_of,
    property_of,
    required_of,
    same_or_absent,
    unchanged,
)
from compat.changes.words import described
from compat.dialects import Schema
from compat.values import pointer, same
from compat.verdict import Change, Direction


def required(pair: Pair) -> Found:
    old, new = required_of(pair.old), required_of(pair.new)
    for name in new:
        if name not in old:
            default = "default" in (property_of(pair.new, name) or {})
            kind = "REQUIRED_ATTRIBUTE_WITH_DEFAULT_ADDED" if default else "REQUIRED_ATTRIBUTE_ADDED"
            sentence = f"{member_name(pair, name)} became required; what is sent without it is rejected"
            yield pair.change(kind, "required", NARROWS, sentence, values=(ABSENT, name))
    for name in old:
        if name not in new:
            sentence = f"{member_name(pair, name)} is no longer required; a reader of the old version still insists on it"
            yield pair.change(
                "REQUIRED_ATTRIBUTE_REMOVED", "required", WIDENS, sentence, values=(name, ABSENT)
            )


def properties(pair: Pair) -> Found:
    old, new = members_of(pair.old, "properties"), members_of(pair.new, "properties")
    for name, schema in new.items():
        if name in old and not unchanged(old[name], schema):
            yield pair.child(
                pair.old.below(old[name], "properties", name),
                pair.new.below(schema, "properties", name),
                name,
            )
        elif name not in old:
            yield _property_added(pair, name, schema)
    for name, schema in old.items():
        if name not in new:
            yield _property_removed(pair, name, schema)


def _openness(spot: Spot) -> str:
    """Confluent's three content models."""
    extra = spot.get("additionalProperties")
    if extra is False or spot.get("unevaluatedProperties") is False:
        return "PARTIALLY_OPEN" if spot.get("patternProperties") is not ABSENT else "CLOSED"
    return "OPEN" if extra in (ABSENT, True) and spot.get("patternProperties") is ABSENT else "PARTIALLY_OPEN"


def _property_added(pair: Pair, name: str, schema: Schema) -> Change:
    before = _openness(pair.old)
    required = name in required_of(pair.new)
    default = isinstance(schema, dict) and "default" in schema
    if before == "PARTIALLY_OPEN":
        return _added_where_some_are_allowed(pair, name, schema)
    if before == "OPEN" and (schema is True or schema == {}):
        kind = "PROPERTY_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL"
    else:
        needed = (
            "REQUIRED_PROPERTY_WITH_DEFAULT"
            if required and default
            else "REQUIRED_PROPERTY"
            if required
            else "OPTIONAL_PROPERTY"
        )
        kind = f"{needed}_ADDED_TO_{'OPEN' if before == 'OPEN' else 'UNOPEN'}_CONTENT_MODEL"
    breaks, sentence = _added_words(pair, name, schema, before)
    return pair.change(kind, "properties", breaks, sentence, name, values=(ABSENT, schema))


def _added_words(pair: Pair, name: str, schema: Schema, before: str) -> tuple[tuple[Direction, ...], str]:
    start = _member_words(pair, name, schema)
    if before == "CLOSED":
        return WIDENS, f"{start}; a reader of the old version refuses it"
    empty = schema is True or schema == {}
    if pair.world == "declared" and not _is_free_form(pair.old):
        return HARMLESS, f"{start}; the old version never declared it"
    breaks = HARMLESS if empty else NARROWS
    return breaks, start if empty else f"{start}; what is already sent under that name may be refused now"


def _added_where_some_are_allowed(pair: Pair, name: str, schema: Schema) -> Change:
    covering = _covering(pair.old, name)
    covered = covering is False or schema is True or schema == {} or same(covering, schema)
    kind = f"PROPERTY_ADDED_{'IS' if covered else 'NOT'}_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL"
    breaks = HARMLESS if same(covering, schema) else WIDENS if covered else EITHER
    sentence = f"{_member_words(pair, name, schema)}; before, {_allowed_extra(covering)}"
    return pair.change(kind, "properties", breaks, sentence, name, values=(ABSENT, schema))


def _covering(spot: Spot, name: str) -> Any:
    """What a property that is not declared has to be by its name: True, False or a schema."""
    for pattern, schema in members_of(spot, "patternProperties").items():
        if patterns.matches(pattern, name):
            return schema
    extra = spot.get("additionalProperties")
    if extra is ABSENT:
        extra = spot.get("unevaluatedProperties")
    return True if extra is ABSENT or extra == {} else extra


def _allowed_extra(covering: Any) -> str:
    if covering is False:
        return "no property of that name was allowed"
    return f"undeclared properties of that name are {described(covering)}"


def _member_words(pair: Pair, name: str, schema: Schema) -> str:
    needed = " required" if name in required_of(pair.new) else "n optional"
    return f"{member_name(pair, name)} was added as a{needed} property ({described(schema)})"


def _is_free_form(spot: Spot) -> bool:
    """A map: no property is declared, here or in what is combined with it."""
    combining = ("$ref", "allOf", "anyOf", "oneOf", "if", "dependentSchemas")
    return not members_of(spot, "properties") and all(spot.get(keyword) is ABSENT for keyword in combining)


def _property_removed(pair: Pair, name: str, schema: Schema) -> Change:
    after = _openness(pair.new)
    member = member_name(pair, name)
    if after == "CLOSED":
        kind = "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL"
        if schema is False:
            kind = "PROPERTY_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL"
        sentence = f"{member} was removed; the new version refuses what still carries it"
        return _removed(pair, kind, name, schema, HARMLESS if schema is False else NARROWS, sentence)
    if after == "PARTIALLY_OPEN":
        covering = _covering(pair.new, name)
        covered = schema is False or covering is True or same(covering, schema)
        kind = f"PROPERTY_REMOVED_{'IS' if covered else 'NOT'}_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL"
        breaks = HARMLESS if same(covering, schema) else WIDENS if covered else EITHER
        sentence = f"{member} was removed; {_allowed_extra(covering)}"
        return _removed(pair, kind, name, schema, breaks, sentence)
    kind = "PROPERTY_REMOVED_FROM_OPEN_CONTENT_MODEL"
    breaks = HARMLESS if pair.world == "declared" else WIDENS
    return _removed(
        pair, kind, name, schema, breaks, f"{member} is no longer described; it may be anything now"
    )


def _removed(  # noqa: PLR0917 -- a removed property has these parts
    pair: Pair, kind: str, name: str, schema: Schema, breaks: tuple[Direction, ...], sentence: str
) -> Change:
    refusing = "additionalProperties" if pair.new.get("additionalProperties") is not ABSENT else "properties"
    return Change(
        kind=kind,
        old_pointer=pointer((*pair.old.path, "properties", name)),
        new_pointer=pointer((*pair.new.path, refusing))
        if pair.new.get(refusing) is not ABSENT
        else pointer(pair.new.path),
        old_value=schema,
        new_value=None,
        breaks=breaks,
        sentence=sentence,
    )


def undeclared(keyword: str, kind: str, words: str) -> Rule:
    """`additionalProperties` and its kin, where absent means anything."""

    def rule(pair: Pair) -> Found:
        old, new = (
            True if value is ABSENT else value for value in (pair.old.get(keyword), pair.new.get(keyword))
        )
        if isinstance(old, dict) and isinstance(new, dict):
            yield pair.child(pair.old.below(old, keyword), pair.new.below(new, keyword), "*")
            return
        if same(old, new):
            return
        narrows = old is True or new is False
        if narrows:
            step = "REMOVED" if new is False else "NARROWED"
            sentence = (
                f"{words} of {pair.name} are refused now"
                if new is False
                else f"{words} of {pair.name} have to be {described(new)}"
            )
        else:
            step = "ADDED" if old is False else "EXTENDED"
            sentence = f"{words} of {pair.name} are allowed now"
        yield pair.change(f"{kind}_{step}", keyword, NARROWS if narrows else WIDENS, sentence)

    return rule


def pattern_properties(pair: Pair) -> Found:
    old, new = members_of(pair.old, "patternProperties"), members_of(pair.new, "patternProperties")
    for pattern in {**old, **new}:
        if pattern in old and pattern in new:
            yield pair.child(
                pair.old.below(old[pattern], "patternProperties", pattern),
                pair.new.below(new[pattern], "patternProperties", pattern),
                f"/{pattern}/",
            )
            continue
        kind = "PATTERN_PROPERTY_ADDED" if pattern in new else "PATTERN_PROPERTY_REMOVED"
        sentence = f"the rule for properties named like {pattern} of {pair.name} was {'added' if pattern in new else 'removed'}"
        values = (old.get(pattern, ABSENT), new.get(pattern, ABSENT))
        yield pair.change(kind, "patternProperties", EITHER, sentence, pattern, values=values)


def dependencies(keyword: str) -> Rule:
    def rule(pair: Pair) -> Found:
        old, new = members_of(pair.old, keyword), members_of(pair.new, keyword)
        for name in {**old, **new}:
            before, after = old.get(name, ABSENT), new.get(name, ABSENT)
            if same_or_absent(before, after):
                continue
            if isinstance(before, dict) and isinstance(after, dict):
                yield pair.child(pair.old.below(before, keyword, name), pair.new.below(after, keyword, name))
                continue
            yield _dependency(pair, keyword, name, before, after)

    return rule


def _dependency(pair: Pair, keyword: str, name: str, before: Any, after: Any) -> Change:
    kind = (
        "DEPENDENCY_ARRAY" if isinstance(before if after is ABSENT else after, list) else "DEPENDENCY_SCHEMA"
    )
    step, breaks = "CHANGED", EITHER
    if before is ABSENT:
        step, breaks = "ADDED", NARROWS
    elif after is ABSENT:
        step, breaks = "REMOVED", WIDENS
    elif isinstance(before, list) and isinstance(after, list):
        fewer, more = {*after} < {*before}, {*after} > {*before}
        step, breaks = ("NARROWED", WIDENS) if fewer else ("EXTENDED", NARROWS) if more else (step, breaks)
    sentence = f"what the presence of {member_name(pair, name)} asks for changed"
    return pair.change(f"{kind}_{step}", keyword, breaks, sentence, name, values=(before, after))
