"""Two sides of a comparison that mean different schemas by one name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Values under these keywords are data, in which "$ref" is a word like any other.
DATA = frozenset({"const", "enum", "default", "examples"})


def apart(schema: Any, store: Mapping[str, Any], others: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The same schema and store with those names changed that mean something else in `others`.

    A comparison has one store for both sides, but old and new may refer to different versions by one name.
    """
    clashing = {name for name, document in store.items() if name in others and others[name] != document}
    if not clashing:
        return schema, dict(store)
    renamed = {name: f"older:{name}" if name in clashing else name for name in store}
    moved = {renamed[name]: _with_new_names(document, renamed) for name, document in store.items()}
    return _with_new_names(schema, renamed), moved


def _with_new_names(value: Any, renamed: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_with_new_names(item, renamed) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: _member(key, item, renamed) for key, item in value.items()}


def _member(key: str, item: Any, renamed: Mapping[str, str]) -> Any:
    if key == "$ref" and isinstance(item, str):
        document, mark, fragment = item.partition("#")
        return renamed.get(document, document) + mark + fragment
    return item if key in DATA else _with_new_names(item, renamed)
