"""Regular expressions as the whole product reads them: ECMA-262 syntax on an engine that runs in linear time.

Lookaround and backreferences have no linear engine; such a pattern runs on a backtracking one with a limit.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import jsonschema_rs

BACKTRACK_LIMIT = 100_000
LINEAR = jsonschema_rs.RegexOptions()
BACKTRACKING = jsonschema_rs.FancyRegexOptions(backtrack_limit=BACKTRACK_LIMIT)
#: Keywords whose values are no schemas.
_DATA = frozenset({"enum", "const", "default", "examples", "required"})
_LOOKAROUND = ("(?=", "(?!", "(?<=", "(?<!")


def needs_backtracking(pattern: str) -> bool:
    """Whether the pattern uses lookaround or a backreference."""
    in_class, position = False, 0
    while position < len(pattern):
        char = pattern[position]
        if char == "\\":
            if not in_class and pattern[position + 1 : position + 2] in tuple("123456789k"):
                return True
            position += 1
        elif in_class:
            in_class = char != "]"
        elif char == "[":
            in_class = True
        elif pattern.startswith(_LOOKAROUND, position):
            return True
        position += 1
    return False


def found_in(schema: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every place that may hold a pattern, with its path (properties called `pattern` hold schemas, not text)."""
    stack: list[tuple[tuple[str | int, ...], Any]] = [((), schema)]
    while stack:
        path, node = stack.pop()
        if isinstance(node, list):
            stack.extend(((*path, i), item) for i, item in enumerate(node) if isinstance(item, (dict, list)))
        elif isinstance(node, dict):
            yield from _in_object(path, node)
            stack.extend(((*path, key), item) for key, item in node.items() if _may_hold_schemas(key, item))


def texts_in(schema: Any) -> Iterator[str]:
    """The patterns that `found_in` finds, without their places, which cost more than the rest."""
    stack = [schema]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack.extend(item for item in node if isinstance(item, (dict, list)))
            continue
        if "pattern" in node or "patternProperties" in node:
            yield from (text for _, text in _in_object((), node))
        for key, item in node.items():
            if isinstance(item, (dict, list)) and key not in _DATA:
                stack.append(item)


def _may_hold_schemas(key: str, value: Any) -> bool:
    return isinstance(value, (dict, list)) and key not in _DATA


def _in_object(
    path: tuple[str | int, ...], node: dict[str, Any]
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(node.get("pattern"), str):
        yield (*path, "pattern"), node["pattern"]
    members = node.get("patternProperties")
    if isinstance(members, dict):
        yield from (((*path, "patternProperties", key), key) for key in members)


def engine(*, backtracking: bool) -> jsonschema_rs.RegexOptions | jsonschema_rs.FancyRegexOptions:
    """The engine for schemas with or without a pattern that needs to backtrack."""
    return BACKTRACKING if backtracking else LINEAR


@lru_cache(maxsize=2048)
def _matcher(pattern: str) -> jsonschema_rs.Validator:
    options = BACKTRACKING if needs_backtracking(pattern) else LINEAR
    return jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=options, offline=True)


def matches(pattern: str, text: str) -> bool:
    """Whether the pattern is found anywhere in the text. Raises ValueError for a pattern that is none."""
    return _matcher(pattern).is_valid(text)


def is_readable(pattern: str) -> bool:
    """Whether it is a regular expression."""
    try:
        _matcher(pattern)
    except ValueError:
        return False
    return True
