"""Events as lines of NDJSON, which are the producers' bytes, and as rows of CSV, which no spreadsheet takes for formulas."""

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from events.models import Event, Export
from events.shapes import as_line

CONTENT_TYPES = {Export.Format.NDJSON: "application/x-ndjson", Export.Format.CSV: "text/csv; charset=utf-8"}
CSV_COLUMNS = (
    "position",
    "received_at",
    "occurred_at",
    "event_id",
    "event_type",
    "schema_version",
    "node_id",
    "correlation_id",
    "parent_correlation_id",
    "trace_id",
    "span_id",
    "error_code",
    "sample_rate",
    "valid",
    "producer",
    "event",
)
# What spreadsheets take for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def beginning(form: str) -> bytes:
    """What stands before the first event."""
    return _csv([CSV_COLUMNS]) if form == Export.Format.CSV else b""


def written(form: str, events: Sequence[Event]) -> bytes:
    if form == Export.Format.CSV:
        return _csv([_cells(event) for event in events])
    return b"".join(as_line(content_of(event)) for event in events)


def content_of(event: Event) -> bytes:
    """What of an event is exported: exactly what its producer sent."""
    return bytes(event.raw)


def _cells(event: Event) -> list[str]:
    values = {name: getattr(event, name) for name in CSV_COLUMNS if name not in {"valid", "event"}}
    values["valid"] = "true" if event.violations is None else "false"
    values["event"] = content_of(event).decode(errors="replace")
    return [_cell(values[name]) for name in CSV_COLUMNS]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text


def _csv(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
