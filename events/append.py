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

from access import prepared
from events import copy_rows
from events.copy_rows import bigint, binary, double, frequent, jsonb, text
from events.envelope import Envelope
from events.errors import AppendQueueFull
from events.judging import Problem, Ruling
from events.link import link_correlations
from events.signals import events_stored


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
    # What was found about its signature, where the subject asks for that.
    signature: str | None = None


def append(shares: Sequence[tuple[Sequence[Judged], str]]) -> None:
    """Stores events whose ids are new, with who sent them, within the caller's transaction; signals `events_stored` on commit.

    Raises IntegrityError when another transaction stored one of the ids in the meantime: then begin again.
    """
    fresh = [item for items, _ in shares for item in items]
    rows = [_row(item, producer) for items, producer in shares for item in items]
    _insert_keys(fresh)
    head = _append_rows(rows)
    link_correlations((item.event.correlation_id, item.event.parent_correlation_id) for item in fresh)
    transaction.on_commit(
        lambda: events_stored.send(sender=None, position=head, count=len(fresh)), robust=True
    )


def key_of(event_id: str) -> bytes:
    """What an event id is remembered as; a UUID only in the database, because comparing those is slow here."""
    return hashlib.sha256(event_id.encode()).digest()[:16]


def digest_of(raw: bytes) -> bytes:
    """By which a repetition is told from another event under the same id."""
    return hashlib.sha256(raw).digest()


def stored_digests(keys: Iterable[bytes]) -> dict[bytes, bytes]:
    """The digests of those events that are stored already."""
    # One text instead of a list: adapting 500 values one by one takes longer than the query.
    wanted = "{" + ",".join([key.hex() for key in keys]) + "}"
    with prepared.cursor() as cursor:
        cursor.execute("SELECT key, digest FROM events_eventkey WHERE key = ANY(%s::uuid[])", [wanted])
        return {key.bytes: bytes(digest) for key, digest in cursor.fetchall()}


def _insert_keys(fresh: Sequence[Judged]) -> None:
    """Sorted, so that two batches with ids in common wait for each other in one direction only."""
    rows = sorted([(item.key, item.digest) for item in fresh])
    _copy(
        "COPY events_eventkey (key, received_on, digest) FROM STDIN (FORMAT BINARY)",
        copy_rows.of_keys(rows, day=datetime.now(UTC).date()),
    )


def _copy(statement: str, rows: bytes) -> None:
    """Django wraps the errors of its own cursor methods only, and COPY is not one: a race has to be an IntegrityError."""
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        copy.write(rows)


# The first three are what a row begins with, the others in the order of `_row`.
_COLUMNS = (
    "position",
    "received_at",
    "occurred_at",
    "event_id",
    "event_type",
    "schema_version",
    "content_id",
    "node_id",
    "correlation_id",
    "parent_correlation_id",
    "trace_id",
    "span_id",
    "error_code",
    "error_pattern",
    "sample_rate",
    "violations",
    "lints",
    "raw",
    "document",
    "producer",
    "replay_id",
    "replay",
    "signature_verdict",
)
_COPY = f"COPY events_event ({', '.join(_COLUMNS)}) FROM STDIN (FORMAT BINARY)"


def _row(item: Judged, producer: str) -> copy_rows.Row:
    event, ruling = item.event, item.ruling
    document = (event.derived or event.raw) if event.representable else None
    columns = (
        text(event.event_id),
        frequent(event.event_type),
        frequent(event.schema_version),
        bigint(ruling.content_id),
        frequent(event.node_id),
        text(event.correlation_id),
        text(event.parent_correlation_id),
        text(event.trace_id),
        text(event.span_id),
        frequent(event.error_code),
        text(event.error_pattern),
        double(event.sample_rate),
        jsonb(without_nul(item.violations) if item.violations else None),
        jsonb(without_nul(item.lints) if item.lints else None),
        binary(event.raw),
        jsonb(document),
        frequent(item.producer or producer),
        binary(item.mark.replay_id.bytes) if item.mark else copy_rows.NULL,
        jsonb(without_nul(item.mark.replay) if item.mark else None),
        frequent(item.signature),
    )
    return copy_rows.Row(event.occurred_at, b"".join(columns))


def _append_rows(rows: Sequence[copy_rows.Row]) -> int:
    """Takes the append lock, gives out positions and copies the rows; the head of the log afterwards."""
    head, received_at = _positions_for(len(rows))
    first = head - len(rows) + 1
    _copy(_COPY, copy_rows.of_events(rows, columns=len(_COLUMNS), first=first, received_at=received_at))
    return head


def _positions_for(count: int) -> tuple[int, datetime]:
    """The head of the log once so many positions are given out, and the time; holds the append lock from here on.

    Raises AppendQueueFull when those before it took longer than a wait for a lock may.
    """
    with prepared.cursor() as cursor:
        try:
            cursor.execute(
                "UPDATE events_loghead SET position = position + %s WHERE id = 1 RETURNING position, clock_timestamp()",
                [count],
            )
        except OperationalError as late:
            if not isinstance(late.__cause__, LockNotAvailable):
                raise
            raise AppendQueueFull.for_now() from late
        head, received_at = cursor.fetchone()
    return head, received_at


def without_nul(value: Any) -> bytes:
    """jsonb holds no NUL character, which messages quote from the event."""
    return orjson.dumps(value).replace(b"\\u0000", b"\\ufffd")
