"""Puts events straight into the log, as ingest would have committed them, at chosen times and in chosen order."""

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from psycopg.types.json import Jsonb

from events.models import LogHead

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Sent:
    """An event to be stored; `received_at` None = when it occurred."""

    event_type: str = "NODE_FAILURE"
    node_id: str = "n1"
    occurred_at: datetime = NOON
    received_at: datetime | None = None
    error_code: str | None = None
    correlation_id: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, Any] = field(default_factory=dict)

    def row(self, position: int) -> dict[str, Any]:
        event_id = str(uuid.uuid4())
        document = {
            "event_id": event_id,
            "event_type": self.event_type,
            "node_id": self.node_id,
            "metadata": dict(self.metadata),
        }
        row = {
            "position": position,
            "received_at": self.received_at or self.occurred_at,
            "occurred_at": self.occurred_at,
            "event_id": event_id,
            "event_type": self.event_type,
            "schema_version": "",
            "node_id": self.node_id,
            "correlation_id": self.correlation_id,
            "error_code": self.error_code,
            "sample_rate": 1.0,
            "raw": json.dumps(document).encode(),
            "document": Jsonb(document),
            "producer": "tests",
        }
        return row | dict(self.columns)


def store(events: Iterable[Sent]) -> list[int]:
    """Stores them under the next positions of the log, in one transaction; the positions."""
    events = list(events)
    with transaction.atomic(), connection.cursor() as cursor:
        LogHead.objects.update(position=F("position") + len(events))
        first = LogHead.objects.get().position - len(events) + 1
        rows = [event.row(first + index) for index, event in enumerate(events)]
        for row in rows:
            names = ", ".join(row)
            places = ", ".join(["%s"] * len(row))
            cursor.execute(f"INSERT INTO events_event ({names}) VALUES ({places})", list(row.values()))
        return [row["position"] for row in rows]


def head() -> int:
    return LogHead.objects.get().position
