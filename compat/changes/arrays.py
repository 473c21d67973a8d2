"""Rules for keywords that speak about the items of an array."""

from __future__ import annotations

from typing import Any

from compat.changes.pairs import ABSENT, EITHER, Found, Pair, Spot


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
        added = index < len(new[1])
        kind = "ITEM_ADDED" if added else "ITEM_REMOVED"
        schema = (new if added else old)[1][index]
        values = (ABSENT, schema) if added else (schema, ABSENT)
        keyword = new[0] if added else old[0]
        sentence = f"a rule for item {index} of {pair.name} was {'added' if added else 'removed'}"
        yield pair.change(kind, keyword, EITHER, sentence, index, values=values)
    yield from _one_items(pair)


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
