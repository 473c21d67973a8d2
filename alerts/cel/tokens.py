"""CEL text cut into tokens, each with its place."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from alerts.errors import InvalidCondition

MAX_CHARACTERS = 2_048
MAX_INTEGER = 2**63 - 1

Kind = Literal["name", "constant", "symbol", "end"]


@dataclass(frozen=True, slots=True)
class Token:
    """`at` is the index of its first character; `value` is what a constant stands for."""

    kind: Kind
    text: str
    at: int
    value: str | int | float | bool | None = None


CONSTANTS = {"true": True, "false": False, "null": None}

_SPACE = re.compile(r"(?:[ \t\n\f\r]+|//[^\n]*)+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER = re.compile(
    r"(?P<hex>0[xX][0-9a-fA-F]+)|(?P<double>[0-9]*\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+)|(?P<whole>[0-9]+)"
)
_TEXT = re.compile(r"""(?P<prefix>[rRbB]{0,2})(?P<quote>'''|\"\"\"|'|")""")
_INSIDE = {quote: re.compile(rf"(?P<inside>(?:[^{quote}\\\n\r]|\\[^\n\r])*){quote}") for quote in ("'", '"')}
_SYMBOL = re.compile(r"&&|\|\||[=!<>]=|[-+*/%<>!?:.,()\[\]{}=&|`]")
_ESCAPE = re.compile(
    r"\\(?:(?P<one>[abfnrtv\\?\"'`])|x(?P<byte>[0-9a-fA-F]{2})|X(?P<byte_>[0-9a-fA-F]{2})|u(?P<four>[0-9a-fA-F]{4})|U(?P<eight>[0-9a-fA-F]{8})|(?P<octal>[0-3][0-7]{2})|(?P<wrong>.))"
)
_ONE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def refused(text: str, at: int, sentence: str) -> InvalidCondition:
    """What is raised for a place in a text; line and column count from 1."""
    line, column = text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1
    return InvalidCondition(
        f"{sentence} (CEL, line {line}, column {column})", pointer="", line=line, column=column
    )


def tokens(text: str) -> Iterator[Token]:
    """Raises InvalidCondition for what is no token of the subset. The last token is the end."""
    if len(text) > MAX_CHARACTERS:
        raise refused(
            text,
            MAX_CHARACTERS,
            f"CEL text has at most {MAX_CHARACTERS:,} characters; a longer condition can be given as a tree",
        )
    at = 0
    while True:
        if space := _SPACE.match(text, at):
            at = space.end()
        if at == len(text):
            yield Token("end", "", at)
            return
        token = _text(text, at) or _name(text, at) or _number(text, at) or _symbol(text, at)
        yield token
        at += len(token.text)


def _name(text: str, at: int) -> Token | None:
    if not (found := _NAME.match(text, at)):
        return None
    name = found.group()
    if name in CONSTANTS:
        return Token("constant", name, at, CONSTANTS[name])
    return Token("name", name, at)


def _number(text: str, at: int) -> Token | None:
    if not (found := _NUMBER.match(text, at)):
        return None
    written = found.group()
    follows = text[found.end() : found.end() + 1]
    if follows in {"u", "U"}:
        raise refused(text, at, f"Unsigned numbers are not known here: write {written}")
    if follows.isalnum() or follows == "_":
        raise refused(text, at, f"{written}{follows} is no number")
    if found["double"] is None:
        # 2**63 only as the number after a minus, which the reader looks at.
        digits = written if len(written) < 25 else "9" * 25
        value = int(digits, 16 if found["hex"] else 10)
        if value > MAX_INTEGER + 1:
            raise refused(text, at, "A whole number of CEL has 64 bits: write it as a double, as in 1e30")
        return Token("constant", written, at, value)
    double = float(written)
    if double == float("inf"):
        raise refused(text, at, f"{written} is more than a double holds")
    return Token("constant", written, at, double)


def _text(text: str, at: int) -> Token | None:
    opening = _TEXT.match(text, at)
    if not opening:
        return None
    prefix, quote = opening["prefix"].lower(), opening["quote"]
    if prefix not in {"", "r"}:
        raise refused(text, at, "An event holds no bytes: write a text without the b before it")
    if len(quote) > 1:
        raise refused(
            text, at, "Texts with three quotes are not known here: write one quote, and \\n for a new line"
        )
    closing = _INSIDE[quote].match(text, opening.end())
    if not closing:
        raise refused(text, at, f"This text has no end: {quote} is missing on this line")
    inside = closing["inside"]
    value = inside if prefix else _unescaped(text, opening.end(), inside)
    return Token("constant", text[at : closing.end()], at, value)


def _unescaped(text: str, start: int, inside: str) -> str:
    def meant(found: re.Match[str]) -> str:
        if found["one"]:
            return _ONE.get(found["one"], found["one"])
        if found["octal"]:
            return chr(int(found["octal"], 8))
        digits = found["byte"] or found["byte_"] or found["four"] or found["eight"]
        code = int(digits, 16) if digits else 0xD800
        if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
            raise refused(text, start + found.start(), f"{found.group()} stands for no character")
        return chr(code)

    return _ESCAPE.sub(meant, inside)


def _symbol(text: str, at: int) -> Token:
    if not (found := _SYMBOL.match(text, at)):
        raise refused(text, at, f"{text[at]!r} means nothing in CEL outside of a text")
    symbol = found.group()
    if hint := _HINTS.get(symbol):
        raise refused(text, at, hint)
    return Token("symbol", symbol, at)


# Symbols that nothing of the subset has.
_HINTS = {
    "=": "Two values are compared with ==",
    "&": "Two conditions are joined with &&",
    "|": "One of two conditions is said with ||",
    "?": "There is no choice with ? and : in a condition: say (a && b) || (!a && c)",
    ":": "There is no choice with ? and : in a condition: say (a && b) || (!a && c)",
    "`": 'A key that is no name is written in brackets, as in metadata["a key"]',
    "{": "A condition makes no maps and messages: compare each field by itself",
    "}": "A condition makes no maps and messages: compare each field by itself",
    **dict.fromkeys("+*/%", "A condition does not reckon: compare a field with a constant"),
}
