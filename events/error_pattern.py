"""What a failure says, without what differs from one to the next: by this text failures are grouped. Pure."""

import re
from collections.abc import Mapping
from functools import partial
from typing import Any

from events.spans import phase_of

LONGEST = 300
# What comes after is not looked at: nobody tells failures apart by it, and each look costs.
_READ = 2_000
# In this order: digits and slashes are parts of nearly everything that stands before them.
_PLACEHOLDERS = (
    ("url", r"\b[A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s\"'<>()\[\]{}]+"),
    ("email", r"(?<![A-Za-z0-9_.+-])[A-Za-z0-9_.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+"),
    ("uuid", r"\b[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}\b"),
    (
        "time",
        r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?\b",
    ),
    ("path", r"(?<![A-Za-z0-9_<>/\\])(?:[A-Za-z]:)?(?:[/\\][^\s/\\:\"'<>|,;()\[\]{}]+)+[/\\]?"),
    ("ip", r"(?<![0-9.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9.])"),
    (
        "hex",
        r"\b(?:0x[0-9A-Fa-f]+|(?=[0-9A-Fa-f]{0,127}[0-9])(?=[0-9A-Fa-f]{0,127}[A-Fa-f])[0-9A-Fa-f]{8,128})\b",
    ),
    ("number", r"(?<![A-Za-z0-9_])[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"),
)
_EACH = tuple((f"<{name}>", re.compile(pattern)) for name, pattern in _PLACEHOLDERS)
_ENDS = ".,;:!?"


def normalised(message: str) -> str:
    """The message with a word in the place of each address, id, time, path and number; at most LONGEST characters."""
    text = " ".join(message[:_READ].split())
    for placeholder, pattern in _EACH:
        text = pattern.sub(partial(_replaced, placeholder), text)
    return text[:LONGEST].rstrip()


def _replaced(placeholder: str, found: re.Match[str]) -> str:
    """A full stop behind an address belongs to the sentence."""
    return placeholder + found[0][len(found[0].rstrip(_ENDS)) :]


def pattern_of(event_type: str, metadata: Mapping[str, Any]) -> str | None:
    """Of an event that tells of a failure, "" where it says nothing about it; None for every other event.

    It tells of one when it has a message (`error_message` as TELEMETRY_OPERATION_ERROR has it, or `error` as NODE_FAILURE,
    a text or an object with a `message`), an `error_code`, or a type that ends so.
    """
    message = _message(metadata)
    if message:
        return normalised(message).replace("\0", "\ufffd")
    failed = bool(metadata.get("error_code")) or phase_of(event_type) in {"FAILURE", "ERROR"}
    return "" if failed else None


def _message(metadata: Mapping[str, Any]) -> str:
    for name in ("error_message", "error"):
        told = metadata.get(name)
        if type(told) is dict:
            told = told.get("message")
        if type(told) is str and told.strip():
            return told
    return ""
