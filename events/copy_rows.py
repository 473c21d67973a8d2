"""Rows of the log in COPY's binary format, made before the append lock is held.

psycopg writes such rows as well, but whole ones: their position and time are known only under the lock, and whatever is
done under it everybody else waits for. So here a row is finished but for these, which are put in front of it at last.
"""

import struct
from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import NamedTuple

_BEGIN = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"
NULL = b"\xff\xff\xff\xff"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
# Of nearly every text: its length as it stands before it.
_LENGTHS = [struct.pack(">i", length) for length in range(1024)]
_length = struct.Struct(">i").pack
_bigint = struct.Struct(">iq").pack
_double = struct.Struct(">id").pack
# How many columns, then position, received_at and occurred_at.
_begin_row = struct.Struct(">hiqiqiq").pack
_key_row = struct.Struct(">hi16siii32s").pack


class Row(NamedTuple):
    """One event, all but its position and when it was received."""

    # None: as when it was received.
    occurred_at: datetime | None
    # The other columns, as they stand in the row.
    rest: bytes


def text(value: str | None) -> bytes:
    return NULL if value is None else binary(value.encode())


@lru_cache(maxsize=10_000)
def frequent(value: str | None) -> bytes:
    """The same, for columns in which few values recur."""
    return text(value)


def binary(value: bytes) -> bytes:
    size = len(value)
    return (_LENGTHS[size] if size < 1024 else _length(size)) + value


def bigint(value: int | None) -> bytes:
    return NULL if value is None else _bigint(8, value)


def double(value: float) -> bytes:
    return _double(8, value)


def jsonb(value: bytes | None) -> bytes:
    """JSON text, which PostgreSQL parses. The first byte is the version of the format."""
    return NULL if value is None else _length(len(value) + 1) + b"\x01" + value


def of_events(rows: Iterable[Row], *, columns: int, first: int, received_at: datetime) -> bytes:
    """All that COPY wants: the rows under positions from `first` on."""
    received, size = _microseconds(received_at), 8
    parts = [_BEGIN]
    for position, (occurred_at, rest) in enumerate(rows, start=first):
        occurred = received if occurred_at is None else _microseconds(occurred_at)
        parts += (_begin_row(columns, size, position, size, received, size, occurred), rest)
    parts.append(_END)
    return b"".join(parts)


def of_keys(rows: Iterable[tuple[bytes, bytes]], *, day: date) -> bytes:
    """Keys of 16 bytes as UUIDs, the day, and digests of 32 bytes."""
    days = (day - _EPOCH.date()).days
    return b"".join([_BEGIN, *(_key_row(3, 16, key, 4, days, 32, digest) for key, digest in rows), _END])


def _microseconds(at: datetime) -> int:
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
