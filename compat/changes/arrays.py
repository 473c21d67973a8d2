"""Rules for keywords that speak about the items of an array."""

from __future__ import annotations

from typing import Any

from compat.changes.pairs import ABSENT, EITHER, HARMLESS, NARROWS, WIDENS, Found, Pair, Spot
from compat.changes.words import described
from compat.values import same
from compat.verdict import Change


def items(pair: Pair) -> Found:
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
        yield _item_added(pair, new, index) if index < len(new[1]) else _item_removed(pair, old, index)
    yield from _one_items(pair)


def _item_added(pair: Pair, items: tuple[str, list[Any]], index: int) -> Change:
    schema, before = items[1][index], _rest(pair.old)
    empty = schema is True or schema == {}
    if before is False:
        kind, breaks = "ITEM_ADDED_TO_CLOSED_CONTENT_MODEL", WIDENS
    elif before is True:
        added = "ITEM_WITH_EMPTY_SCHEMA_ADDED" if empty else "ITEM_ADDED"
        kind, breaks = f"{added}_TO_OPEN_CONTENT_MODEL", HARMLESS if empty else NARROWS
    else:
        covered = empty or same(before, schema)
        kind = f"ITEM_ADDED_{'IS' if covered else 'NOT'}_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL"
        breaks = HARMLESS if same(before, schema) else WIDENS if covered else EITHER
    sentence = f"a rule for item {index} of {pair.name} was added ({described(schema)})"
    return pair.change(kind, items[0], breaks, sentence, index, values=(ABSENT, schema))


def _item_removed(pair: Pair, items: tuple[str, list[Any]], index: int) -> Change:
    schema, after = items[1][index], _rest(pair.new)
    if after is False:
        removed = "ITEM_WITH_FALSE_REMOVED" if schema is False else "ITEM_REMOVED"
        kind, breaks = f"{removed}_FROM_CLOSED_CONTENT_MODEL", HARMLESS if schema is False else NARROWS
    elif after is True:
        kind, breaks = "ITEM_REMOVED_FROM_OPEN_CONTENT_MODEL", WIDENS
    else:
        covered = schema is False or same(after, schema)
        kind = f"ITEM_REMOVED_{'IS' if covered else 'NOT'}_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL"
        breaks = HARMLESS if same(after, schema) else WIDENS if covered else EITHER
    sentence = f"the rule for item {index} of {pair.name} was removed ({described(schema)})"
    return pair.change(kind, items[0], breaks, sentence, index, values=(schema, ABSENT))


def _rest(spot: Spot) -> Any:
    """What the items beyond a list of them have to be: True, False or a schema."""
    if isinstance(spot.get("prefixItems"), list):
        rest = spot.get("items")
    else:
        rest = spot.get("additionalItems") if isinstance(spot.get("items"), list) else spot.get("items")
    return True if rest is ABSENT or rest == {} else rest


def _item_list(spot: Spot) -> tuple[str, list[Any]]:
    if isinstance(spot.get("prefixItems"), list):
        return "prefixItems", spot.get("prefixItems")
    items = spot.get("items")
    return "items", items if isinstance(items, list) else []


def _one_items(pair: Pair) -> Found:
    old, new = (
        True if isinstance(v, list) or v is ABSENT else v
        for v in (pair.old.get("items"), pair.new.get("items"))
    )
    if isinstance(old, dict) or isinstance(new, dict) or old != new:
        yield pair.child(pair.old.below(old, "items"), pair.new.below(new, "items"), "[]")
