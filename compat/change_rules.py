"""One small rule per keyword: what kind of change is it, which direction does it break, and how does one say it.

Kinds carry the names of Confluent's JSON Schema differences where one exists, so that policies written in those names can
be judged over the same list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from compat.dialects import Dialect, Schema
from compat.values import exact, frozen, pointer, same, text_of
from compat.verdict import Change, Direction, World

ANNOTATIONS = {
    "title": "TITLE_CHANGED", "description": "DESCRIPTION_CHANGED", "default": "DEFAULT_CHANGED", "$id": "ID_CHANGED",
    "id": "ID_CHANGED", "$comment": "COMMENT_CHANGED", "examples": "EXAMPLES_CHANGED", "deprecated": "DEPRECATED_CHANGED",
    "readOnly": "READ_ONLY_CHANGED", "writeOnly": "WRITE_ONLY_CHANGED", "format": "FORMAT_CHANGED",
    "contentEncoding": "CONTENT_CHANGED", "contentMediaType": "CONTENT_CHANGED", "contentSchema": "CONTENT_CHANGED",
}  # fmt: skip
_NARROWS: tuple[Direction, ...] = ("backward",)
_WIDENS: tuple[Direction, ...] = ("forward",)
_EITHER: tuple[Direction, ...] = ("backward", "forward")
_HARMLESS: tuple[Direction, ...] = ()
_ABSENT = object()


@dataclass(frozen=True)
class Spot:
    """A subschema where it stands in its document."""

    schema: Schema
    path: tuple[str | int, ...]
    dialect: Dialect
    resolver: Any

    def get(self, keyword: str) -> Any:
        return self.schema.get(keyword, _ABSENT) if isinstance(self.schema, dict) else _ABSENT

    def below(self, schema: Schema, *parts: str | int) -> Spot:
        return Spot(schema, (*self.path, *parts), self.dialect, self.resolver)


@dataclass(frozen=True)
class Pair:
    """The same instance location seen by both schemas."""

    old: Spot
    new: Spot
    #: Names and indices that lead to the location in an instance.
    place: tuple[str, ...]
    world: World

    @property
    def name(self) -> str:
        """How a sentence calls the location."""
        return f"`{'.'.join(self.place)}`" if self.place else "the value"

    def child(self, old: Spot, new: Spot, *place: str) -> Pair:
        return Pair(old, new, (*self.place, *place), self.world)

    def change(
        self,
        kind: str,
        keyword: str,
        breaks: tuple[Direction, ...],
        sentence: str,
        *more: str | int,
        values: Any = None,
    ) -> Change:
        old, new = values or (self.old.get(keyword), self.new.get(keyword))
        return Change(
            kind=kind,
            old_pointer=pointer((*self.old.path, keyword, *more))
            if old is not _ABSENT
            else pointer(self.old.path),
            new_pointer=pointer((*self.new.path, keyword, *more))
            if new is not _ABSENT
            else pointer(self.new.path),
            old_value=None if old is _ABSENT else old,
            new_value=None if new is _ABSENT else new,
            breaks=breaks,
            sentence=sentence,
        )


_Found: TypeAlias = Iterator[Change | Pair]
_Rule: TypeAlias = Callable[[Pair], _Found]


def rules_for(old: dict[str, Any], new: dict[str, Any]) -> list[_Rule]:
    """The rules that have something to look at, each once, in the order of the table."""
    present = old.keys() | new.keys()
    return list(dict.fromkeys(rule for keyword, rule in _RULES.items() if keyword in present))


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
        breaks=_NARROWS if narrows else _WIDENS,
        sentence=sentence,
    )


def _allowed(schema: Schema) -> str:
    if isinstance(schema, bool):
        return "could be anything" if schema else "could not be there"
    return f"has to be {_described(schema)}"


def _described(schema: Schema) -> str:
    """A few words for a schema."""
    if isinstance(schema, bool):
        return "anything" if schema else "absent"
    for keyword in ("const", "enum"):
        if keyword in schema:
            return _short(schema[keyword])
    return _types_text(schema["type"]) if "type" in schema else "what its schema says"


def _short(value: Any) -> str:
    text = text_of(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _types_text(types: Any) -> str:
    return types if isinstance(types, str) else " or ".join(types)


def _type(pair: Pair) -> _Found:
    old, new = _type_set(pair.old), _type_set(pair.new)
    if old == new:
        return
    if old is None or (new is not None and _covers(old, new)):
        kind, breaks = "TYPE_NARROWED", _NARROWS
    elif new is None or _covers(new, old):
        kind, breaks = "TYPE_EXTENDED", _WIDENS
    else:
        kind, breaks = "TYPE_CHANGED", _EITHER
    was, now = (("anything" if t is None else " or ".join(sorted(t))) for t in (old, new))
    yield pair.change(kind, "type", breaks, f"the type of {pair.name} changed from {was} to {now}")


def _type_set(spot: Spot) -> frozenset[str] | None:
    types = spot.get("type")
    if types is _ABSENT:
        return None
    return frozenset([types] if isinstance(types, str) else types)


def _covers(wide: frozenset[str], narrow: frozenset[str]) -> bool:
    return all(name in wide or (name == "integer" and "number" in wide) for name in narrow)


def _enum(pair: Pair) -> _Found:
    old, new = _values(pair.old), _values(pair.new)
    if old is None and new is None:
        return
    keyword = (
        "const" if "const" in {*_keys(pair.old), *_keys(pair.new)} - {"enum"} and _no_enum(pair) else "enum"
    )
    if old is None or new is None:
        narrows = old is None
        sentence = (
            f"{pair.name} may now only be {_short(new)}"
            if narrows
            else f"{pair.name} is no longer limited to {_short(old)}"
        )
        kind = "ENUM_ARRAY_ADDED" if narrows else "ENUM_ARRAY_REMOVED"
        yield pair.change(kind, keyword, _NARROWS if narrows else _WIDENS, sentence)
        return
    keys_old, keys_new = {frozen(value) for value in old}, {frozen(value) for value in new}
    gone = [value for value in old if frozen(value) not in keys_new]
    come = [value for value in new if frozen(value) not in keys_old]
    if not gone and not come:
        return
    kind = "ENUM_ARRAY_CHANGED" if gone and come else "ENUM_ARRAY_NARROWED" if gone else "ENUM_ARRAY_EXTENDED"
    words = [f"no longer be {_short(gone[0] if len(gone) == 1 else gone)}"] if gone else []
    words += [f"now be {_short(come[0] if len(come) == 1 else come)}"] if come else []
    breaks = _EITHER if gone and come else _NARROWS if gone else _WIDENS
    yield pair.change(kind, keyword, breaks, f"{pair.name} can {' and can '.join(words)}")


def _keys(spot: Spot) -> set[str]:
    return set(spot.schema) if isinstance(spot.schema, dict) else set()


def _no_enum(pair: Pair) -> bool:
    return "enum" not in _keys(pair.old) and "enum" not in _keys(pair.new)


def _values(spot: Spot) -> list[Any] | None:
    if spot.get("const") is not _ABSENT:
        return [spot.get("const")]
    values = spot.get("enum")
    return None if values is _ABSENT else list(values)


def _limit(keyword: str, kind: str, words: str, *, upper: bool) -> _Rule:
    """A bound: raising an upper one or lowering a lower one lets more in."""

    def rule(pair: Pair) -> _Found:
        old, new = pair.old.get(keyword), pair.new.get(keyword)
        if same_or_absent(old, new):
            return
        if isinstance(old, bool) or isinstance(new, bool):  # draft-04
            yield pair.change(
                f"{kind}_CHANGED", keyword, _EITHER, f"{words} of {pair.name} became exclusive or inclusive"
            )
        elif old is _ABSENT:
            yield pair.change(f"{kind}_ADDED", keyword, _NARROWS, f"{words} of {pair.name} is now {new}")
        elif new is _ABSENT:
            yield pair.change(
                f"{kind}_REMOVED", keyword, _WIDENS, f"{words} of {pair.name} is no longer {old}"
            )
        else:
            grew = exact(new) > exact(old)
            breaks = _WIDENS if grew == upper else _NARROWS
            step = "INCREASED" if grew else "DECREASED"
            yield pair.change(
                f"{kind}_{step}", keyword, breaks, f"{words} of {pair.name} changed from {old} to {new}"
            )

    return rule


def same_or_absent(old: Any, new: Any) -> bool:
    if old is _ABSENT or new is _ABSENT:
        return old is new
    return same(old, new)


def _multiple_of(pair: Pair) -> _Found:
    old, new = pair.old.get("multipleOf"), pair.new.get("multipleOf")
    if same_or_absent(old, new):
        return
    if old is _ABSENT or new is _ABSENT:
        narrows = old is _ABSENT
        sentence = (
            f"{pair.name} must {'now' if narrows else 'no longer'} be a multiple of {new if narrows else old}"
        )
        kind = "MULTIPLE_OF_ADDED" if narrows else "MULTIPLE_OF_REMOVED"
        yield pair.change(kind, "multipleOf", _NARROWS if narrows else _WIDENS, sentence)
        return
    wider, narrower = (exact(a) / exact(b) for a, b in ((old, new), (new, old)))
    kind, breaks = (
        ("MULTIPLE_OF_REDUCED", _WIDENS)
        if wider.denominator == 1
        else ("MULTIPLE_OF_EXPANDED", _NARROWS)
        if narrower.denominator == 1
        else ("MULTIPLE_OF_CHANGED", _EITHER)
    )
    yield pair.change(kind, "multipleOf", breaks, f"{pair.name} must be a multiple of {new} instead of {old}")


def _presence(keyword: str, kind: str, words: str) -> _Rule:
    """A keyword whose values cannot be ordered by looking at them."""

    def rule(pair: Pair) -> _Found:
        old, new = pair.old.get(keyword), pair.new.get(keyword)
        if same_or_absent(old, new):
            return
        if old is _ABSENT or (old is False and keyword == "uniqueItems"):
            yield pair.change(
                f"{kind}_ADDED", keyword, _NARROWS, f"{pair.name} now has {words} {_short(new)}"
            )
        elif new is _ABSENT or (new is False and keyword == "uniqueItems"):
            yield pair.change(
                f"{kind}_REMOVED", keyword, _WIDENS, f"{pair.name} no longer has {words} {_short(old)}"
            )
        else:
            sentence = f"{words} of {pair.name} changed from {_short(old)} to {_short(new)}"
            yield pair.change(f"{kind}_CHANGED", keyword, _EITHER, sentence)

    return rule


def _required(pair: Pair) -> _Found:
    old, new = _names(pair.old), _names(pair.new)
    for name in new:
        if name not in old:
            default = "default" in (_property(pair.new, name) or {})
            kind = "REQUIRED_ATTRIBUTE_WITH_DEFAULT_ADDED" if default else "REQUIRED_ATTRIBUTE_ADDED"
            sentence = f"{_member(pair, name)} became required; what is sent without it is rejected"
            yield pair.change(kind, "required", _NARROWS, sentence, values=(_ABSENT, name))
    for name in old:
        if name not in new:
            sentence = f"{_member(pair, name)} is no longer required; a reader of the old version still insists on it"
            yield pair.change(
                "REQUIRED_ATTRIBUTE_REMOVED", "required", _WIDENS, sentence, values=(name, _ABSENT)
            )


def _names(spot: Spot) -> list[str]:
    names = spot.get("required")
    return list(names) if isinstance(names, list) else []


def _member(pair: Pair, name: str) -> str:
    return f"`{'.'.join((*pair.place, name))}`"


def _property(spot: Spot, name: str) -> dict[str, Any] | None:
    members = spot.get("properties")
    found = members.get(name) if isinstance(members, dict) else None
    return found if isinstance(found, dict) else None


def _properties(pair: Pair) -> _Found:
    old, new = _members(pair.old, "properties"), _members(pair.new, "properties")
    for name, schema in new.items():
        if name in old:
            yield pair.child(
                pair.old.below(old[name], "properties", name),
                pair.new.below(schema, "properties", name),
                name,
            )
        else:
            yield _property_added(pair, name, schema)
    for name, schema in old.items():
        if name not in new:
            yield _property_removed(pair, name, schema)


def _members(spot: Spot, keyword: str) -> dict[str, Any]:
    members = spot.get(keyword)
    return members if isinstance(members, dict) else {}


def _openness(spot: Spot) -> str:
    """Confluent's three content models."""
    extra = spot.get("additionalProperties")
    if extra is False or spot.get("unevaluatedProperties") is False:
        return "PARTIALLY_OPEN" if spot.get("patternProperties") is not _ABSENT else "CLOSED"
    return (
        "OPEN" if extra in (_ABSENT, True) and spot.get("patternProperties") is _ABSENT else "PARTIALLY_OPEN"
    )


def _property_added(pair: Pair, name: str, schema: Schema) -> Change:
    before = _openness(pair.old)
    required = name in _names(pair.new)
    default = isinstance(schema, dict) and "default" in schema
    if before == "PARTIALLY_OPEN":
        kind = "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL"
    elif before == "OPEN" and (schema is True or schema == {}):
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
    return pair.change(kind, "properties", breaks, sentence, name, values=(_ABSENT, schema))


def _added_words(pair: Pair, name: str, schema: Schema, before: str) -> tuple[tuple[Direction, ...], str]:
    member, needed = _member(pair, name), " required" if name in _names(pair.new) else "n optional"
    start = f"{member} was added as a{needed} property ({_described(schema)})"
    if before == "CLOSED":
        return _WIDENS, f"{start}; a reader of the old version refuses it"
    empty = schema is True or schema == {}
    if pair.world == "declared":
        return _HARMLESS, f"{start}; the old version never declared it"
    breaks = _HARMLESS if empty else _NARROWS
    return breaks, start if empty else f"{start}; what is already sent under that name may be refused now"


def _property_removed(pair: Pair, name: str, schema: Schema) -> Change:
    after = _openness(pair.new)
    member = _member(pair, name)
    if after == "CLOSED":
        kind = "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL"
        if schema is False:
            kind = "PROPERTY_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL"
        sentence = f"{member} was removed; the new version refuses what still carries it"
        return _removed(pair, kind, name, schema, _HARMLESS if schema is False else _NARROWS, sentence)
    if after == "PARTIALLY_OPEN":
        kind = "PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL"
        return _removed(
            pair,
            kind,
            name,
            schema,
            _EITHER,
            f"{member} was removed; only some extra properties are allowed now",
        )
    kind = "PROPERTY_REMOVED_FROM_OPEN_CONTENT_MODEL"
    breaks = _HARMLESS if pair.world == "declared" else _WIDENS
    return _removed(
        pair, kind, name, schema, breaks, f"{member} is no longer described; it may be anything now"
    )


def _removed(  # noqa: PLR0917 -- a removed property has these parts
    pair: Pair, kind: str, name: str, schema: Schema, breaks: tuple[Direction, ...], sentence: str
) -> Change:
    refusing = "additionalProperties" if pair.new.get("additionalProperties") is not _ABSENT else "properties"
    return Change(
        kind=kind,
        old_pointer=pointer((*pair.old.path, "properties", name)),
        new_pointer=pointer((*pair.new.path, refusing))
        if pair.new.get(refusing) is not _ABSENT
        else pointer(pair.new.path),
        old_value=schema,
        new_value=None,
        breaks=breaks,
        sentence=sentence,
    )


def _extra(keyword: str, kind: str, words: str) -> _Rule:
    """`additionalProperties` and its kin, where absent means anything."""

    def rule(pair: Pair) -> _Found:
        old, new = (
            True if value is _ABSENT else value for value in (pair.old.get(keyword), pair.new.get(keyword))
        )
        if same(old, new):
            return
        if isinstance(old, dict) and isinstance(new, dict):
            yield pair.child(pair.old.below(old, keyword), pair.new.below(new, keyword), "*")
            return
        narrows = old is True or new is False
        if narrows:
            step = "REMOVED" if new is False else "NARROWED"
            sentence = (
                f"{words} of {pair.name} are refused now"
                if new is False
                else f"{words} of {pair.name} have to be {_described(new)}"
            )
        else:
            step = "ADDED" if old is False else "EXTENDED"
            sentence = f"{words} of {pair.name} are allowed now"
        yield pair.change(f"{kind}_{step}", keyword, _NARROWS if narrows else _WIDENS, sentence)

    return rule


def _pattern_properties(pair: Pair) -> _Found:
    old, new = _members(pair.old, "patternProperties"), _members(pair.new, "patternProperties")
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
        values = (old.get(pattern, _ABSENT), new.get(pattern, _ABSENT))
        yield pair.change(kind, "patternProperties", _EITHER, sentence, pattern, values=values)


def _items(pair: Pair) -> _Found:
    """`items`, one schema or a list of them, and `prefixItems`."""
    old, new = _item_list(pair.old), _item_list(pair.new)
    for index in range(max(len(old[1]), len(new[1]))):
        if index < min(len(old[1]), len(new[1])):
            yield pair.child(
                pair.old.below(old[1][index], old[0], index),
                pair.new.below(new[1][index], new[0], index),
                str(index),
            )
            continue
        added = index < len(new[1])
        kind = "ITEM_ADDED" if added else "ITEM_REMOVED"
        schema = (new if added else old)[1][index]
        values = (_ABSENT, schema) if added else (schema, _ABSENT)
        keyword = new[0] if added else old[0]
        sentence = f"a rule for item {index} of {pair.name} was {'added' if added else 'removed'}"
        yield pair.change(kind, keyword, _EITHER, sentence, index, values=values)
    yield from _one_items(pair)


def _item_list(spot: Spot) -> tuple[str, list[Any]]:
    if isinstance(spot.get("prefixItems"), list):
        return "prefixItems", spot.get("prefixItems")
    items = spot.get("items")
    return "items", items if isinstance(items, list) else []


def _one_items(pair: Pair) -> _Found:
    old, new = (
        True if isinstance(v, list) or v is _ABSENT else v
        for v in (pair.old.get("items"), pair.new.get("items"))
    )
    if not same(old, new):
        yield pair.child(pair.old.below(old, "items"), pair.new.below(new, "items"), "[]")


def _dependencies(keyword: str) -> _Rule:
    def rule(pair: Pair) -> _Found:
        old, new = _members(pair.old, keyword), _members(pair.new, keyword)
        for name in {**old, **new}:
            before, after = old.get(name, _ABSENT), new.get(name, _ABSENT)
            if same_or_absent(before, after):
                continue
            yield _dependency(pair, keyword, name, before, after)

    return rule


def _dependency(pair: Pair, keyword: str, name: str, before: Any, after: Any) -> Change:
    kind = (
        "DEPENDENCY_ARRAY" if isinstance(before if after is _ABSENT else after, list) else "DEPENDENCY_SCHEMA"
    )
    step, breaks = "CHANGED", _EITHER
    if before is _ABSENT:
        step, breaks = "ADDED", _NARROWS
    elif after is _ABSENT:
        step, breaks = "REMOVED", _WIDENS
    elif isinstance(before, list) and isinstance(after, list):
        fewer, more = {*after} < {*before}, {*after} > {*before}
        step, breaks = ("NARROWED", _WIDENS) if fewer else ("EXTENDED", _NARROWS) if more else (step, breaks)
    sentence = f"what the presence of {_member(pair, name)} asks for changed"
    return pair.change(f"{kind}_{step}", keyword, breaks, sentence, name, values=(before, after))


def _branches(keyword: str, added: str, removed: str, *, sum_type: bool) -> _Rule:
    """`anyOf` and `oneOf` grow wider with branches, `allOf` narrower."""

    def rule(pair: Pair) -> _Found:
        old, new = pair.old.get(keyword), pair.new.get(keyword)
        if old is _ABSENT or new is _ABSENT:
            narrows = old is _ABSENT
            kind = f"COMBINED_TYPE_{'CHANGED' if narrows else 'EXTENDED'}"
            sentence = f"{pair.name} {'now' if narrows else 'no longer'} has to satisfy {keyword}"
            yield pair.change(kind, keyword, _NARROWS if narrows else _WIDENS, sentence)
            return
        gone, come, matched = _matched(pair, keyword)
        yield from matched
        for index in come:
            sentence = f"{keyword} of {pair.name} has a new branch: {_described(new[index])}"
            yield pair.change(
                added,
                keyword,
                _WIDENS if sum_type else _NARROWS,
                sentence,
                index,
                values=(_ABSENT, new[index]),
            )
        for index in gone:
            sentence = f"{keyword} of {pair.name} lost a branch: {_described(old[index])}"
            yield pair.change(
                removed,
                keyword,
                _NARROWS if sum_type else _WIDENS,
                sentence,
                index,
                values=(old[index], _ABSENT),
            )

    return rule


def _matched(pair: Pair, keyword: str) -> tuple[list[int], list[int], list[Pair]]:
    """Branches that went, branches that came, and pairs that look like the same branch: equal, alike by tag, or next in line."""
    old, new = pair.old.get(keyword), pair.new.get(keyword)
    keys_old, keys_new = [frozen(branch) for branch in old], [frozen(branch) for branch in new]
    left_old = [i for i in range(len(old)) if keys_old[i] not in keys_new or keys_old.count(keys_old[i]) > 1]
    left_new = [i for i in range(len(new)) if keys_new[i] not in keys_old or keys_new.count(keys_new[i]) > 1]
    pairs = []
    for i in list(left_old):
        partner = next((j for j in left_new if _tag(old[i]) == _tag(new[j])), None)
        if partner is not None:
            left_old.remove(i)
            left_new.remove(partner)
            pairs.append(
                pair.child(pair.old.below(old[i], keyword, i), pair.new.below(new[partner], keyword, partner))
            )
    return left_old, left_new, pairs


def _tag(branch: Any) -> Any:
    """What tells a branch from its siblings: its reference, its type and its constant properties."""
    if not isinstance(branch, dict):
        return branch
    members = branch.get("properties")
    consts = {
        name: text_of(child["const"] if "const" in child else child["enum"])
        for name, child in (members.items() if isinstance(members, dict) else ())
        if isinstance(child, dict) and ("const" in child or len(child.get("enum", ())) == 1)
    }
    return text_of([branch.get("$ref"), branch.get("type"), consts])


def _sub(keyword: str, kind: str, words: str) -> _Rule:
    """A keyword with one schema that tests: a change of it may go either way."""

    def rule(pair: Pair) -> _Found:
        old, new = pair.old.get(keyword), pair.new.get(keyword)
        if not same_or_absent(old, new):
            narrows, widens = old is _ABSENT, new is _ABSENT
            breaks = _NARROWS if narrows else _WIDENS if widens else _EITHER
            step = "ADDED" if narrows else "REMOVED" if widens else "CHANGED"
            yield pair.change(f"{kind}_{step}", keyword, breaks, f"{words} of {pair.name} was {step.lower()}")

    return rule


def _conditional(pair: Pair) -> _Found:
    keywords = [
        key for key in ("if", "then", "else") if not same_or_absent(pair.old.get(key), pair.new.get(key))
    ]
    for keyword in keywords:
        sentence = f"the condition ({keyword}) on {pair.name} changed"
        yield pair.change("CONDITION_CHANGED", keyword, _EITHER, sentence)


def _reference(pair: Pair) -> _Found:
    """A reference beside other keywords (a plain one was followed already)."""
    old, new = pair.old.get("$ref"), pair.new.get("$ref")
    if not same_or_absent(old, new):
        yield pair.change(
            "REFERENCE_CHANGED", "$ref", _EITHER, f"{pair.name} refers to {_short_or_nothing(new)} now"
        )


def _short_or_nothing(value: Any) -> str:
    return "nothing" if value is _ABSENT else _short(value)


def _annotation(keyword: str, kind: str) -> _Rule:
    def rule(pair: Pair) -> _Found:
        if not same_or_absent(pair.old.get(keyword), pair.new.get(keyword)):
            yield pair.change(
                kind, keyword, _HARMLESS, f"the {keyword} of {pair.name} changed; nothing is judged by it"
            )

    return rule


_RULES: dict[str, _Rule] = {
    "type": _type,
    "required": _required,
    "properties": _properties,
    "additionalProperties": _extra("additionalProperties", "ADDITIONAL_PROPERTIES", "undeclared properties"),
    "unevaluatedProperties": _extra(
        "unevaluatedProperties", "UNEVALUATED_PROPERTIES", "undeclared properties"
    ),
    "patternProperties": _pattern_properties,
    "propertyNames": _sub("propertyNames", "PROPERTY_NAMES", "the rule for property names"),
    "enum": _enum,
    "const": _enum,
    "minimum": _limit("minimum", "MINIMUM", "the minimum", upper=False),
    "maximum": _limit("maximum", "MAXIMUM", "the maximum", upper=True),
    "exclusiveMinimum": _limit("exclusiveMinimum", "EXCLUSIVE_MINIMUM", "the exclusive minimum", upper=False),
    "exclusiveMaximum": _limit("exclusiveMaximum", "EXCLUSIVE_MAXIMUM", "the exclusive maximum", upper=True),
    "multipleOf": _multiple_of,
    "minLength": _limit("minLength", "MIN_LENGTH", "the least length", upper=False),
    "maxLength": _limit("maxLength", "MAX_LENGTH", "the greatest length", upper=True),
    "pattern": _presence("pattern", "PATTERN", "the pattern"),
    "minProperties": _limit("minProperties", "MIN_PROPERTIES", "the least number of properties", upper=False),
    "maxProperties": _limit(
        "maxProperties", "MAX_PROPERTIES", "the greatest number of properties", upper=True
    ),
    "items": _items,
    "prefixItems": _items,
    "additionalItems": _extra("additionalItems", "ADDITIONAL_ITEMS", "further items"),
    "unevaluatedItems": _extra("unevaluatedItems", "UNEVALUATED_ITEMS", "further items"),
    "minItems": _limit("minItems", "MIN_ITEMS", "the least number of items", upper=False),
    "maxItems": _limit("maxItems", "MAX_ITEMS", "the greatest number of items", upper=True),
    "uniqueItems": _presence("uniqueItems", "UNIQUE_ITEMS", "unique items:"),
    "contains": _sub("contains", "CONTAINS", "the item it has to contain"),
    "minContains": _limit("minContains", "MIN_CONTAINS", "the least number of matching items", upper=False),
    "maxContains": _limit("maxContains", "MAX_CONTAINS", "the greatest number of matching items", upper=True),
    "dependencies": _dependencies("dependencies"),
    "dependentRequired": _dependencies("dependentRequired"),
    "dependentSchemas": _dependencies("dependentSchemas"),
    "allOf": _branches("allOf", "PRODUCT_TYPE_EXTENDED", "PRODUCT_TYPE_NARROWED", sum_type=False),
    "anyOf": _branches("anyOf", "SUM_TYPE_EXTENDED", "SUM_TYPE_NARROWED", sum_type=True),
    "oneOf": _branches("oneOf", "SUM_TYPE_EXTENDED", "SUM_TYPE_NARROWED", sum_type=True),
    "not": _sub("not", "NOT_TYPE", "the excluded schema"),
    "if": _conditional,
    "then": _conditional,
    "else": _conditional,
    "$ref": _reference,
    **{keyword: _annotation(keyword, kind) for keyword, kind in ANNOTATIONS.items()},
}
