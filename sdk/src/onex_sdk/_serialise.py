"""An event as the bytes that travel: once made they are never made again, so a second sending is the same event.

What JSON does not know is written as its readers would expect it: times in ISO 8601, UUIDs, paths and exceptions as
text, bytes as Base64, decimals as numbers where that loses nothing and else as text, sets as arrays, dataclasses and
models as objects. NaN and the infinities become null, a value inside itself becomes `"<circular>"`. Each such event
is counted, none is refused for it.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import math
from collections import deque
from collections.abc import Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import Any
from uuid import UUID

from onex_sdk._stats import Stats

#: Deeper than any limit on depth, and shallower than Python's own on recursion.
_DEEPEST = 200
_CIRCULAR = "<circular>"
#: Text of an object that nothing is known about.
_LONGEST_TEXT = 1_000

_encode = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode


class TooDeep(Exception):
    """A value is nested deeper than anything that could be sent."""


def serialise(value: Any, stats: Stats) -> bytes:
    """Raises TooDeep, and nothing else however strange the values are."""
    try:
        return _encode(value).encode()
    except (TypeError, ValueError, RecursionError):
        stats.add("converted")
        return _encode(plain(value)).encode()


def plain(value: Any) -> Any:
    """The value with JSON's types only. Raises TooDeep."""
    return _plain(value, frozenset(), 0)


def _plain(value: Any, holders: frozenset[int], depth: int) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return _basic(value)
    if id(value) in holders:
        return _CIRCULAR
    if depth > _DEEPEST:
        raise TooDeep
    return _structured(value, holders | {id(value)}, depth + 1)


def _basic(value: Any) -> Any:
    """Also of what only derives from one of JSON's types, as the members of an IntEnum do."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _utf8(value.value if isinstance(value, Enum) else value)
    if isinstance(value, int):
        return int(value)
    return float(value) if math.isfinite(value) else None


def _structured(value: Any, holders: frozenset[int], depth: int) -> Any:
    members = _members(value)
    if members is not None:
        return {_key(key): _plain(member, holders, depth) for key, member in members.items()}
    if isinstance(value, (list, tuple, set, frozenset, deque)):
        return [_plain(member, holders, depth) for member in list(value)]
    return _plain(value.value, holders, depth) if isinstance(value, Enum) else _scalar(value)


def _members(value: Any) -> Mapping[Any, Any] | None:
    if isinstance(value, Mapping):
        return dict(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name, None) for field in dataclasses.fields(value)}
    dump = getattr(type(value), "model_dump", None)
    return _dumped(value) if callable(dump) else None


def _dumped(model: Any) -> Mapping[Any, Any] | None:
    try:
        dumped = model.model_dump()
    except Exception:  # noqa: BLE001 - the host's code: what it cannot dump is told as text
        return None
    return dumped if isinstance(dumped, dict) else None


def _key(key: Any) -> str:
    if isinstance(key, Enum):
        key = key.value
    return _utf8(str(key)) if isinstance(key, (str, int, float, UUID, date)) else _text(key)


def _scalar(value: Any) -> Any:
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, (UUID, PurePath)):
        return str(value)
    return _text(value)


def _number(value: Decimal) -> int | float | str:
    if value.is_finite():
        if value == value.to_integral_value() and abs(value) < 2**53:
            return int(value)
        if Decimal(repr(float(value))) == value:
            return float(value)
    return str(value)


def _text(value: Any) -> str:
    try:
        text = f"{type(value).__name__}: {value}" if isinstance(value, BaseException) else str(value)
    except Exception:  # noqa: BLE001 - the host's `__str__` may do anything
        text = f"<{type(value).__name__}>"
    return _utf8(text[:_LONGEST_TEXT])


def _utf8(text: str) -> str:
    """Half a surrogate pair, which is no character, becomes a question mark."""
    return str(text).encode("utf-8", "replace").decode()
