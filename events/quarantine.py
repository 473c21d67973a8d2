"""Events that were acknowledged but not let into the log: kept byte for byte until somebody decides."""

from collections.abc import Sequence
from typing import Any

from django.db import connection
from psycopg.types.json import Jsonb

from events.append import Judged, without_nul

_PUT = """
INSERT INTO events_quarantinedevent
    (event_id, event_type, schema_version, node_id, correlation_id, reason, errors, digest, raw, producer, times_seen,
    occurred_at, sample_rate)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (event_id, digest) DO UPDATE SET
    last_seen_at = statement_timestamp(),
    times_seen = events_quarantinedevent.times_seen + excluded.times_seen,
    reason = excluded.reason,
    errors = excluded.errors
"""


def put(judged: Sequence[Judged], *, reasons: dict[int, str], producer: str) -> None:
    """Keeps the events, once per id and content: sending one again counts it again. Within the caller's transaction."""
    first: dict[tuple[str, bytes], Judged] = {}
    times: dict[tuple[str, bytes], int] = {}
    for item in judged:
        key = (item.event.event_id, item.digest)
        first.setdefault(key, item)
        times[key] = times.get(key, 0) + 1
    # Sorted for the same reason as the dedup keys: one direction of waiting.
    rows = [_row(first[key], reasons[first[key].number], producer, times[key]) for key in sorted(first)]
    with connection.cursor() as cursor:
        cursor.executemany(_PUT, rows)


def _row(item: Judged, reason: str, producer: str, times: int) -> list[Any]:
    event = item.event
    return [
        event.event_id,
        event.event_type,
        event.schema_version,
        event.node_id,
        event.correlation_id,
        reason,
        Jsonb(item.violations or [], dumps=without_nul),
        item.digest,
        event.raw,
        producer,
        times,
        event.occurred_at,
        event.sample_rate,
    ]
