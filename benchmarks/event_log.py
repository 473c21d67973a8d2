"""A log of events as a registry has it after some time, loaded by COPY past the front door: for what is measured on reading.

Twelve types of uneven share, 1 % of failures with codes, forty nodes, correlations of 25 events with traces; spread evenly over days.
"""

import json
import random
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg

TYPES = [
    f"shop.{name}" for name in ("cart", "order", "payment", "delivery", "search", "page", "login", "stock")
]
RARE = "shop.refund"
_CHUNK = 20_000
_COLUMNS = {
    "position": "int8",
    "received_at": "timestamptz",
    "occurred_at": "timestamptz",
    "event_id": "varchar",
    "event_type": "varchar",
    "schema_version": "varchar",
    "node_id": "varchar",
    "correlation_id": "varchar",
    "trace_id": "varchar",
    "error_code": "varchar",
    "sample_rate": "float8",
    "violations": "jsonb",
    "raw": "bytea",
    "document": "jsonb",
    "producer": "varchar",
}


def fill(database: str, *, events: int, days: int, seed: int = 1) -> None:
    """Loads events received over the last `days` days, today included, and leaves the log analysed."""
    copy = f"COPY events_event ({', '.join(_COLUMNS)}) FROM STDIN (FORMAT BINARY)"
    with psycopg.connect(database, autocommit=True) as session:
        session.execute("SET statement_timeout = 0")
        today = datetime.now(UTC).date()
        for ago in range(1, days):  # today's is there since the start
            _partition(session, today - timedelta(days=ago))
        rows = _rows(events, days, random.Random(seed))
        while chunk := [row for _, row in zip(range(_CHUNK), rows, strict=False)]:
            with session.cursor() as cursor, cursor.copy(copy) as target:
                target.set_types(list(_COLUMNS.values()))
                for row in chunk:
                    target.write_row(row)
        session.execute("UPDATE events_loghead SET position = %s", [events])
        session.execute("ANALYZE events_event")


def _partition(session: "psycopg.Connection[Any]", day: date) -> None:
    with session.transaction():
        # Readers lock the log first and its days afterwards: so does this.
        session.execute("LOCK TABLE events_event IN ACCESS EXCLUSIVE MODE")
        session.execute(
            f"CREATE TABLE IF NOT EXISTS events_event_{day:%Y%m%d} PARTITION OF events_event "
            f"FOR VALUES FROM ('{day} 00:00+00') TO ('{day + timedelta(days=1)} 00:00+00')"
        )


def _rows(events: int, days: int, chance: random.Random) -> Iterator[tuple[Any, ...]]:
    now = datetime.now(UTC)
    begin = datetime(now.year, now.month, now.day, tzinfo=UTC) - timedelta(days=days - 1)
    step = (now - begin) / (events + 1)
    correlation, trace = "", ""
    for position in range(1, events + 1):
        if position % 25 == 1:
            correlation, trace = (
                str(uuid.UUID(int=chance.getrandbits(128))),
                f"{chance.getrandbits(128):032x}",
            )
        yield _row(position, begin + position * step, correlation, trace, chance)


def _row(position: int, at: datetime, correlation: str, trace: str, chance: random.Random) -> tuple[Any, ...]:
    rare = position % 20_000 == 0
    kind = RARE if rare else TYPES[min(int(chance.expovariate(0.5)), len(TYPES) - 1)]
    failed = chance.random() < 0.01
    node = f"shop-{chance.randrange(40):02}"
    metadata: dict[str, Any] = {
        "operation": f"{kind.split('.')[1]}_{chance.choice(('read', 'write', 'check'))}",
        "execution_time_ms": round(chance.lognormvariate(3, 1), 2),
        "customer": str(uuid.UUID(int=chance.getrandbits(128))),
        "amount": chance.randrange(1, 10_000),
        "note": " ".join(chance.choices(("paid", "by", "card", "late", "again", "express", "gift"), k=6)),
        "tags": {"region": chance.choice(("eu-1", "eu-2", "us-1")), "release": f"2.{chance.randrange(9)}.0"},
    }
    code = f"SHOP_CART_{chance.randrange(1, 9):03}_FAILED" if failed else None
    if code:
        metadata["error_code"] = code
    event_id = str(uuid.UUID(int=chance.getrandbits(128)))
    document = {
        "event_id": event_id,
        "timestamp": at.isoformat(),
        "node_id": node,
        "event_type": kind,
        "correlation_id": correlation,
        "trace_id": trace,
        "metadata": metadata,
    }
    raw = json.dumps(document).encode()
    violations = [{"code": "violates_schema", "pointer": "/metadata", "keyword": "required", "message": "x"}]
    wrong = psycopg.types.json.Jsonb(violations) if chance.random() < 0.005 else None
    held = psycopg.types.json.Jsonb(raw, dumps=bytes)
    return (
        position,
        at,
        at - timedelta(milliseconds=chance.randrange(2_000)),
        event_id,
        kind,
        "1.0.0",
        node,
        correlation,
        trace,
        code,
        1.0,
        wrong,
        raw,
        held,
        "load",
    )
