"""Events as they lie in the log for those who count them, and the same counts by asking every event."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone
from psycopg.types.json import Jsonb

from events.models import LogHead

#: A whole hour, in each of the stretches that are kept.
NOON = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=30)
_COLUMNS = (
    "position, received_at, occurred_at, event_id, event_type, schema_version, content_id, node_id, sample_rate,"
    " violations, raw, document, producer"
)


def append_rows(rows: Iterable[dict[str, Any]]) -> None:
    """Appends to the log: `event_type`, `producer`, `occurred_at`, `sample_rate`, `bad`, `size`, `took` … of each."""
    head = LogHead.objects.get()
    with connection.cursor() as cursor, cursor.copy(f"COPY events_event ({_COLUMNS}) FROM STDIN") as copy:
        for row in rows:
            head.position += 1
            copy.write_row(_row(head.position, **row))
    head.save()


def _row(position: int, **given: Any) -> Sequence[Any]:
    metadata = {} if given.get("took") is None else {"execution_time_ms": given["took"]}
    received_at = given.get("received_at") or timezone.now()
    return (
        position,
        received_at,
        given.get("occurred_at", NOON),
        f"e{position}",
        given.get("event_type", "order.placed"),
        given.get("schema_version", ""),
        given.get("content_id"),
        "node-1",
        given.get("sample_rate", 1.0),
        Jsonb([{"code": "x", "pointer": "", "keyword": "", "message": ""}]) if given.get("bad") else None,
        b"x" * given.get("size", 200),
        Jsonb({"metadata": metadata}),
        given.get("producer", "shop/token"),
    )


def counted_directly(step: timedelta) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """By stretch, event type, version as sent and producer: from every single event."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT date_bin(%s, occurred_at, '2000-01-03 00:00+00'), event_type, producer, count(*),"
            " sum(round(1000000 / sample_rate)), count(violations),"
            " coalesce(sum(round(1000000 / sample_rate)) FILTER (WHERE violations IS NOT NULL), 0), max(received_at)"
            " FROM events_event GROUP BY 1, 2, 3",
            [step],
        )
        return {row[:3]: tuple(row[3:]) for row in cursor.fetchall()}


def quantile_of_all(values: Sequence[tuple[float, float]], share: float) -> float:
    """The smallest value that this share of the weights is not above; `values` with their weights."""
    wanted, passed = share * sum(weight for _, weight in values), 0.0
    for value, weight in sorted(values):
        passed += weight
        if passed >= wanted * (1 - 1e-12):
            return value
    raise AssertionError("there are no values")


def as_json(value: object) -> str:
    return json.dumps(
        value, default=lambda at: at.astimezone(UTC).isoformat() if isinstance(at, datetime) else str(at)
    )
