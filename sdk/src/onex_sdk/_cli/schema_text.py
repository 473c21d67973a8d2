"""A schema as text: read as the registry reads it, its hash, and the line on which a JSON Pointer's place stands."""

from __future__ import annotations

import hashlib
import json
import math
import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import Any

MAX_DEPTH = 200
_MAX_DIGITS = 4000
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}:,]|[^\s\[\]{}:,"]+', re.DOTALL)


class BadSchemaText(Exception):
    """No JSON that everyone reads alike. `line` and `column` begin with 1."""

    def __init__(self, message: str, *, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


@dataclass(frozen=True)
class SchemaText:
    """A text that is a JSON object or a boolean."""

    text: str
    value: Any

    @classmethod
    def read(cls, text: str) -> SchemaText:
        """Raises BadSchemaText for what the registry would not take as JSON."""
        _check_depth(text)
        try:
            value = json.loads(
                text,
                parse_float=_finite,
                parse_int=_bounded,
                parse_constant=_no_constant,
                object_pairs_hook=_without_duplicates,
            )
        except json.JSONDecodeError as bad:
            raise BadSchemaText(
                f"this is not JSON: {bad.msg.removesuffix(' at')}", line=bad.lineno, column=bad.colno
            ) from bad
        if not isinstance(value, (dict, bool)):
            raise BadSchemaText("a JSON Schema is an object or a boolean")
        return cls(text, value)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the JSON with sorted keys and without blanks, numbers as written: the registry's own hash."""
        exact = json.loads(self.text, parse_float=_Number, parse_int=_Number)
        return "sha256:" + hashlib.sha256(_canonical(exact).encode()).hexdigest()

    def place(self, pointer: str) -> tuple[int, int]:
        """Line and column of the member or item at the pointer, or of the nearest place above it that is there."""
        while pointer not in self._offsets:
            pointer = pointer.rpartition("/")[0]
        offset = self._offsets[pointer]
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(found.end() for found in re.finditer("\n", self.text))]

    @cached_property
    def _offsets(self) -> dict[str, int]:
        return _offsets(self.text)


def written_schema(value: Any) -> str:
    """A value as a schema file holds it."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


class _Number(str):
    """A number as it was written."""

    __slots__ = ()


@dataclass
class _Open:
    """An object or array whose end has not come yet. `key` is None where the next text is a key."""

    pointer: str
    is_array: bool
    key: str | int | None

    @property
    def child(self) -> str:
        return f"{self.pointer}/{str(self.key).replace('~', '~0').replace('/', '~1')}"


def _offsets(text: str) -> dict[str, int]:
    """Where each member (its key) and each item begins, by JSON Pointer. The text is JSON."""
    found: dict[str, int] = {}
    stack: list[_Open] = []
    for token in _TOKEN.finditer(text):
        mark, top = token[0], stack[-1] if stack else None
        if mark in "]}":
            stack.pop()
        elif mark == "," and top:
            top.key = top.key + 1 if isinstance(top.key, int) else None
        elif mark == ":":
            continue
        elif top and top.key is None:
            top.key = str(json.loads(mark))
            found[top.child] = token.start()
        else:
            place = top.child if top else ""
            found.setdefault(place, token.start())
            if mark in "[{":
                stack.append(_Open(place, mark == "[", 0 if mark == "[" else None))
    found.setdefault("", 0)
    return found


def _canonical(value: Any) -> str:
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, dict):
        members = (f"{_canonical(key)}:{_canonical(value[key])}" for key in sorted(value))
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_canonical, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _check_depth(text: str) -> None:
    depth = 0
    for token in _TOKEN.finditer(text):
        depth += (token[0] in "[{") - (token[0] in "]}")
        if depth > MAX_DEPTH:
            line = text.count("\n", 0, token.start()) + 1
            raise BadSchemaText(f"the schema is nested more than {MAX_DEPTH} levels deep", line=line)


def _finite(number: str) -> float:
    value = float(number)
    if math.isinf(value):
        raise BadSchemaText(f"the number {number[:40]} is beyond what programs can read back")
    return value


def _bounded(number: str) -> int:
    if len(number) > _MAX_DIGITS:
        raise BadSchemaText(f"a number of the schema has {len(number)} digits; {_MAX_DIGITS} is the limit")
    return int(number)


def _no_constant(name: str) -> None:
    raise BadSchemaText(f"this is not JSON: {name} is not a JSON value")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise BadSchemaText(
            f"the key {twice!r} occurs twice in one object; parsers differ in which one they take"
        )
    return members
