"""Reading a schema text, and the hash by which two texts are the same schema.

The hash is SHA-256 over the parsed JSON with sorted keys and no blanks, integers exact, decimals as written, then the
references. RFC 8785 is not used: it turns numbers into doubles and refuses 2^63 - 1, which real schemas hold.
"""

import hashlib
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from django.conf import settings

from compat import MAX_DEPTH
from registry.errors import InvalidSchema, SchemaTooLarge

# One match per bracket; strings are consumed inside the match so that brackets in them do not count.
_STRUCTURE = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[{\]}]', re.DOTALL)
# Integers up to here go through the fast path of the encoder; longer ones are copied as written.
_PLAIN_DIGITS = 18
_MAX_DIGITS = 4000
# What jsonb refuses, in the text of a JSON value; other escapes are matched too, so that "\\u0000" stays data.
_UNSTORABLE = re.compile("(?P<refused>\\\\u0000|[\ud800-\udfff])|\\\\.")


@dataclass(frozen=True, slots=True)
class SchemaText:
    """A schema text that is JSON: the text as given, its value, and its canonical bytes."""

    text: str
    value: Any
    canonical: bytes

    def digest(self, references: Sequence[dict[str, object]]) -> bytes:
        """The identity of this schema with these resolved references."""
        listed = sorted((str(r["name"]), str(r["subject"]), r["version"]) for r in references)
        suffix = b"\n" + orjson.dumps(listed) if listed else b""
        return hashlib.sha256(self.canonical + suffix).digest()


def read_schema_text(text: str) -> SchemaText:
    """Raises SchemaTooLarge, or InvalidSchema for what is no JSON value that everyone reads alike."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError as surrogate:
        raise InvalidSchema(
            "The schema holds half of a surrogate pair, which is no character."
        ) from surrogate
    if size > settings.SCHEMA_MAX_BYTES:
        raise SchemaTooLarge(size, settings.SCHEMA_MAX_BYTES)
    _check_depth(text)
    value = _parse(text)
    if not isinstance(value, dict | bool):
        raise InvalidSchema("A JSON Schema is an object or a boolean.", pointer="")
    return SchemaText(text, value, canonical_bytes(text))


def canonical_bytes(text: str) -> bytes:
    """Sorted keys, no blanks, numbers as written. The text has passed `read_schema_text`'s other checks."""
    try:
        return orjson.dumps(exact_value(text), option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as surrogate:
        raise InvalidSchema("A string of the schema holds half of a surrogate pair.") from surrogate


def exact_value(text: str) -> Any:
    """The value of a JSON text that orjson writes back with its numbers as they were."""
    return json.loads(text, parse_float=_as_written, parse_int=_exact_integer)


def exact_text(body: bytes, key: str) -> str:
    """The member `key` of a JSON object body as text, its numbers as written: for schemas sent as objects.

    Raises InvalidSchema when a key occurs twice, or when it is nested deeper than any schema may be.
    """
    try:
        exact = json.loads(
            body,
            parse_float=_as_written,
            parse_int=_exact_integer,
            object_pairs_hook=_without_duplicates,
        )
        return orjson.dumps(exact[key]).decode()
    except (RecursionError, orjson.JSONEncodeError) as deep:
        raise InvalidSchema(
            f"The schema is nested more than {MAX_DEPTH} levels deep.", limit=MAX_DEPTH
        ) from deep


def _as_written(number: str) -> orjson.Fragment:
    return orjson.Fragment(number)


def _exact_integer(number: str) -> int | orjson.Fragment:
    return int(number) if len(number) <= _PLAIN_DIGITS else orjson.Fragment(number)


def _check_depth(text: str) -> None:
    depth = 0
    for found in _STRUCTURE.finditer(text):
        character = found.group()[0]
        if character in "[{":
            depth += 1
        elif character in "]}":
            depth -= 1
        if depth > MAX_DEPTH:
            raise InvalidSchema(f"The schema is nested more than {MAX_DEPTH} levels deep.", limit=MAX_DEPTH)


def _parse(text: str) -> Any:
    try:
        return json.loads(
            text,
            parse_float=_finite,
            parse_int=_bounded,
            parse_constant=_no_constant,
            object_pairs_hook=_without_duplicates,
        )
    except json.JSONDecodeError as bad:
        raise InvalidSchema(
            f"The schema is not JSON: {bad.msg.removesuffix(' at')} at line {bad.lineno}, column {bad.colno}.",
            line=bad.lineno,
            column=bad.colno,
        ) from bad


def _finite(number: str) -> float:
    value = float(number)
    if math.isinf(value):
        raise InvalidSchema(f"The number {number[:40]} is beyond what programs can read back.")
    return value


def _bounded(number: str) -> int:
    if len(number) > _MAX_DIGITS:
        raise InvalidSchema(f"A number of the schema has {len(number)} digits; {_MAX_DIGITS} is the limit.")
    return int(number)


def _no_constant(name: str) -> None:
    raise InvalidSchema(f"The schema is not JSON: {name} is not a JSON value.")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise InvalidSchema(
            f"The key {twice!r} occurs twice in one object; parsers differ in which one they take.", key=twice
        )
    return members


def storable(value: Any) -> Any:
    """A JSON value as jsonb can hold it: U+0000 and lone surrogates, which it cannot, become U+FFFD."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return json.loads(_UNSTORABLE.sub(lambda found: "\ufffd" if found["refused"] else found[0], text))
