"""Cuts a body into the exact bytes of its events without parsing them, so that a bad one spoils only itself."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import jiter

from events.errors import UnreadableBody

# One match per bracket (or comma): everything before it, strings included, is consumed inside the match. The
# quantifiers are possessive and the match cannot fail, so the time is linear whatever the bytes are; a match without
# its bracket means that there is none left, or that a string is never closed.
_TO_BRACKET = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+")*+(?P<mark>[\[\]{}]?)', re.DOTALL)
_TO_COMMA = re.compile(rb'(?:[^",]++|"(?:[^"\\]++|\\.)*+")*+(?P<mark>,?)', re.DOTALL)
_SPACES = re.compile(rb"[ \t\r\n]*+")
# A line from its first character on; what is empty before it is passed over in one go.
_LINE = re.compile(rb"[^ \t\r\n][^\n]*+")
_SPACE = b" \t\r\n"
_OPENING = b"[{"


class Piece(NamedTuple):
    """The bytes of one event as they were sent, and how many objects and arrays deep they go."""

    raw: bytes
    depth: int
    # Of NDJSON, counted from 1; 0 for other bodies.
    line: int = 0
    # The parsed event, when cutting had to parse it.
    value: dict[str, Any] | None = None


def elements(body: bytes) -> Iterable[Piece]:
    """The elements of a JSON array. Raises UnreadableBody as `array_elements` does."""
    return _guessed(body) or array_elements(body)


def _guessed(body: bytes) -> list[Piece] | None:
    """The elements of an array that was written without spaces and in which no object holds an array of objects.

    Cutting at every `},{` is a guess, proven by parsing: if every part is a JSON value, then joining them by commas
    gives the body back, and JSON can be read in one way only. None when the guess is wrong or anything is odd.
    """
    if not (body.startswith(b"[{") and body.endswith(b"}]")):
        return None
    pieces = []
    for inner in body[2:-2].split(b"},{"):
        raw = b"{" + inner + b"}"
        try:
            value = parse(raw)
        except ValueError:
            return None
        pieces.append(Piece(raw, depth_of(raw), value=value))
    return pieces


def parse(raw: bytes) -> Any:
    """Strict JSON with exact integers: duplicate keys, NaN and lone surrogates are ValueErrors that say where."""
    # Names recur and are kept; values mostly are ids, of which each is looked up in vain.
    return jiter.from_json(raw, catch_duplicate_keys=True, allow_inf_nan=False, cache_mode="keys")


def where_json_ends(raw: bytes) -> tuple[int, str] | None:
    """The byte from which on `raw` cannot be read as JSON, and why; None when all of it can.

    Duplicate keys, NaN and lone surrogates are read here: what they make of an event is not a question of the body.
    """
    text = ""
    try:
        text = raw.decode()
        json.loads(text, parse_int=str, parse_float=str)
    except UnicodeDecodeError as bad:
        return bad.start, "This is not UTF-8"
    except json.JSONDecodeError as bad:
        return len(text[: bad.pos].encode()), bad.msg
    except RecursionError:
        return None  # deeper than anybody reads: there is a limit for that
    return None


def array_elements(body: bytes) -> Iterator[Piece]:
    """The elements of a JSON array, whatever is wrong inside them.

    Raises UnreadableBody, with the byte offset, when the brackets and strings of the array do not close.
    """
    begin = _after_space(body, 0) + 1
    if body[begin - 1 : begin] != b"[":
        raise UnreadableBody.at(begin - 1, "An array of events begins with '['.")
    # Commas separate events only between brackets of the outermost level: from here on, or None inside an event.
    flat_from: int | None = begin
    deepest, count, offset = 0, 0, begin
    for offset, depth in _brackets(body, begin, len(body)):
        if flat_from is not None:
            for comma in _marks(_TO_COMMA, body, flat_from, offset - 1):
                yield _piece(body, begin, comma.end() - 1, deepest)
                begin, deepest, count = comma.end(), 0, count + 1
        if depth < 0:
            break
        deepest, flat_from = max(deepest, depth), None if depth else offset
    else:
        raise UnreadableBody.at(offset, "After this place a bracket or a string is never closed.")
    if count or body[begin : offset - 1].strip(_SPACE):
        yield _piece(body, begin, offset - 1, deepest)
    if (rest := _after_space(body, offset)) != len(body):
        raise UnreadableBody.at(rest, "There is something after the end of the array.")


def lines(body: bytes) -> Iterator[Piece]:
    """The lines of an NDJSON body, one at a time; empty ones are skipped."""
    number, counted_to = 1, 0
    for match in _LINE.finditer(body):
        number += body.count(b"\n", counted_to, match.start())
        counted_to = match.start()
        raw = match[0].rstrip(_SPACE)
        yield Piece(raw, depth_of(raw), number)


def depth_of(raw: bytes) -> int:
    """How many objects and arrays deep `raw` goes: exactly where it is deep, an upper bound where it is flat."""
    upper_bound = raw.count(b"{") + raw.count(b"[")
    if upper_bound <= _FLAT:
        return upper_bound
    return max((depth for _, depth in _brackets(raw, 0, len(raw))), default=0)


# An event with no more brackets than this cannot be deep enough to matter.
_FLAT = 8


def _marks(pattern: re.Pattern[bytes], body: bytes, start: int, end: int) -> Iterator[re.Match[bytes]]:
    for match in pattern.finditer(body, start, end):
        if not match["mark"]:
            return
        yield match


def _brackets(body: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """For every bracket, the offset after it and how deep it is then."""
    depth = 0
    for match in _marks(_TO_BRACKET, body, start, end):
        depth += 1 if match["mark"] in _OPENING else -1
        yield match.end(), depth


def _piece(body: bytes, begin: int, end: int, depth: int) -> Piece:
    return Piece(body[begin:end].strip(_SPACE), depth)


def _after_space(body: bytes, offset: int) -> int:
    match = _SPACES.match(body, offset)
    assert match is not None
    return match.end()
