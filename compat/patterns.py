"""Regular expressions as the whole product reads them: ECMA-262 syntax on an engine that runs in linear time.

Lookaround and backreferences have no linear engine; such a pattern runs on a backtracking one with a limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import jsonschema_rs

from compat import ecma

BACKTRACK_LIMIT = 100_000
LINEAR = jsonschema_rs.RegexOptions()
_ECMA = jsonschema_rs.Draft202012Validator({"format": "regex"}, validate_formats=True, offline=True)
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
def spelled(pattern: str) -> str:
    """The pattern as the engine reads it: as written where it can be, else translated; perhaps still unreadable."""
    return pattern if _is_ecma(pattern) else ecma.translated(pattern)


def _is_ecma(pattern: str) -> bool:
    """Whether it is ECMA-262 and the engine, which reads more and less than that, reads it."""
    try:
        _compiled(pattern)
    except ValueError:
        return False
    return _ECMA.is_valid(pattern)


def _compiled(pattern: str) -> jsonschema_rs.Validator:
    options = BACKTRACKING if needs_backtracking(pattern) else LINEAR
    return jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=options, offline=True)


@lru_cache(maxsize=2048)
def _matcher(pattern: str) -> jsonschema_rs.Validator:
    return _compiled(spelled(pattern))


def matches(pattern: str, text: str) -> bool:
    """Whether the pattern is found anywhere in the text. Raises ValueError for a pattern that is none."""
    return _matcher(pattern).is_valid(text)


def is_readable(pattern: str) -> bool:
    """Whether it is a regular expression."""
    return _is_ecma(spelled(pattern))


def respelled(schema: Any, spelling: dict[str, str]) -> Any:
    """A copy of a schema with patterns spelled otherwise."""
    if isinstance(schema, list):
        return [respelled(item, spelling) for item in schema]
    if not isinstance(schema, dict):
        return schema
    copy = {key: item if key in _DATA else respelled(item, spelling) for key, item in schema.items()}
    if isinstance(schema.get("pattern"), str):
        copy["pattern"] = spelling.get(schema["pattern"], schema["pattern"])
    members = copy.get("patternProperties")
    if isinstance(members, dict):
        copy["patternProperties"] = merged(
            (spelling.get(str(name), str(name)), child) for name, child in members.items()
        )
    return copy


def merged(members: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Members of `patternProperties`; two that are spelled alike by now are one that demands both."""
    found: dict[str, Any] = {}
    for name, child in members:
        found[name] = {"allOf": [found[name], child]} if name in found else child
    return found
