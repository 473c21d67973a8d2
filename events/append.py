"""Appending a batch to the log: dedup keys first, the append lock last, one COPY and the
links between correlations, and then the caller's commit.

Whoever commits later has the later positions, because the head's row stays locked from the moment positions are
given out until the commit; so a reader's cursor never passes a position that turns up afterwards. The lock is taken
after everything that may wait or take long.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db import OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable
from psycopg.types.json import Jsonb

from events.envelope import Envelope
from events.errors import AppendQueueFull
from events.judging import Problem, Ruling
from events.link import link_correlations
from events.signals import events_stored

# Seconds: by then the batches before it have been stored, or given up.
_RETRY_AFTER = 5


class Mark(NamedTuple):
    """That an event is a copy which a replay stored, and what it is a copy of."""

    replay_id: UUID
    # {"of": event_id, "occurred_at", "speed", "segment", "index", "side_effects"}
    replay: dict[str, Any]


class Judged(NamedTuple):
    """An event that may be stored, with what its schemas said."""

    # Its place in the batch, from 0.
    number: int
    event: Envelope
    key: bytes
    # SHA-256 of the raw bytes.
    digest: bytes
    ruling: Ruling
    violations: list[Problem]
    lints: tuple[str, ...]
    # Who sent it, where that is somebody else than who has it stored.
    producer: str = ""
    mark: Mark | None = None


def append(fresh: Sequence[Judged], *, producer: str) -> None:
    """Stores events whose ids are new, within the caller's transaction; signals `events_stored` on commit.

    Raises IntegrityError when another transaction stored one of the ids in the meantime: then begin again.
    """
    _insert_keys(fresh)
    head = _append_rows(fresh, producer)
    link_correlations((item.event.correlation_id, item.event.parent_correlation_id) for item in fresh)
    transaction.on_commit(
        lambda: events_stored.send(sender=None, position=head, count=len(fresh)), robust=True
    )


def key_of(event_id: str) -> bytes:
    """What an event id is remembered as; a UUID only in the database, because comparing those is slow here."""
    return hashlib.sha256(event_id.encode()).digest()[:16]


def stored_digests(keys: Iterable[bytes]) -> dict[bytes, bytes]:
    """The digests of those events that are stored already."""
    # One text instead of a list: adapting 500 values one by one takes longer than the query.
    wanted = "{" + ",".join([key.hex() for key in keys]) + "}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT key, digest FROM events_eventkey WHERE key = ANY(%s::uuid[])", [wanted])
        return {key.bytes: bytes(digest) for key, digest in cursor.fetchall()}


def _insert_keys(fresh: Sequence[Judged]) -> None:
    """Sorted, so that two batches with ids in common wait for each other in one direction only."""
    today = datetime.now(UTC).date()
    rows = sorted((item.key, item.digest) for item in fresh)
    _copy(
        "COPY events_eventkey (key, received_on, digest) FROM STDIN (FORMAT BINARY)",
        ["uuid", "date", "bytea"],
        ((UUID(bytes=key), today, digest) for key, digest in rows),
    )


def _copy(statement: str, types: list[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Django wraps the errors of its own cursor methods only, and COPY is not one: a race has to be an IntegrityError."""
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)


_COLUMNS = {
    "position": "int8",
    "received_at": "timestamptz",
    "occurred_at": "timestamptz",
    "event_id": "varchar",
    "event_type": "varchar",
    "schema_version": "varchar",
    "content_id": "int8",
    "node_id": "varchar",
    "correlation_id": "varchar",
    "parent_correlation_id": "varchar",
    "trace_id": "varchar",
    "span_id": "varchar",
    "error_code": "varchar",
    "sample_rate": "float8",
    "violations": "jsonb",
    "lints": "jsonb",
    "raw": "bytea",
    "document": "jsonb",
    "producer": "varchar",
    "replay_id": "uuid",
    "replay": "jsonb",
}
_COPY = f"COPY events_event ({', '.join(_COLUMNS)}) FROM STDIN (FORMAT BINARY)"
_TYPES = list(_COLUMNS.values())


def _append_rows(fresh: Sequence[Judged], producer: str) -> int:
    """Takes the append lock, gives out positions and copies the rows; the head of the log afterwards."""
    head, received_at = _positions_for(len(fresh))
    first = head - len(fresh) + 1
    rows = (_row(position, received_at, item, producer) for position, item in enumerate(fresh, start=first))
    _copy(_COPY, _TYPES, rows)
    return head


def _positions_for(count: int) -> tuple[int, datetime]:
    """The head of the log once so many positions are given out, and the time; holds the append lock from here on.

    Raises AppendQueueFull when those before it took longer than a wait for a lock may.
    """
    with connection.cursor() as cursor:
        try:
            cursor.execute(
                "UPDATE events_loghead SET position = position + %s WHERE id = 1 RETURNING position, clock_timestamp()",
                [count],
            )
        except OperationalError as late:
            if not isinstance(late.__cause__, LockNotAvailable):
                raise
            raise AppendQueueFull(
                "Too many batches wait to be stored; nothing of this one was. Send it again shortly.",
                retry_after=_RETRY_AFTER,
            ) from late
        head, received_at = cursor.fetchone()
    return head, received_at


def _row(position: int, received_at: datetime, item: Judged, producer: str) -> tuple[Any, ...]:
    event, ruling = item.event, item.ruling
    return (
        position,
        received_at,
        event.occurred_at or received_at,
        event.event_id,
        event.event_type,
        event.schema_version,
        ruling.content_id,
        event.node_id,
        event.correlation_id,
        event.parent_correlation_id,
        event.trace_id,
        event.span_id,
        event.error_code,
        event.sample_rate,
        Jsonb(item.violations, dumps=without_nul) if item.violations else None,
        Jsonb(item.lints, dumps=without_nul) if item.lints else None,
        event.raw,
        Jsonb(event.derived or event.raw, dumps=_as_it_is) if event.representable else None,
        item.producer or producer,
        *((item.mark.replay_id, Jsonb(item.mark.replay, dumps=without_nul)) if item.mark else _NO_MARK),
    )


_NO_MARK = (None, None)


def _as_it_is(raw: bytes) -> bytes:
    """Events are JSON text already: PostgreSQL parses the producer's own bytes."""
    return raw


def without_nul(value: Any) -> bytes:
    """jsonb holds no NUL character, which messages quote from the event."""
    return orjson.dumps(value).replace(b"\\u0000", b"\\ufffd")
