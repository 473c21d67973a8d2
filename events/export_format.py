"""Events as lines of NDJSON, which are the producers' bytes, and as rows of CSV, which no spreadsheet takes for formulas."""

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

from events.models import Event, Export
from events.shapes import as_line, of_upcast
from events.upcast import Upcast, upcast

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
# Of events that are read as another version.
AS_COLUMNS = ("as", "migrated_from", "not_migrated")
# What spreadsheets take for the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def beginning(form: str, *, wanted: str = "") -> bytes:
    """What stands before the first event."""
    columns = (*CSV_COLUMNS, *AS_COLUMNS) if wanted else CSV_COLUMNS
    return _csv([columns]) if form == Export.Format.CSV else b""


def written(form: str, events: Sequence[Event], *, wanted: str = "") -> bytes:
    """Exactly what producers sent. With `wanted` read as that version, and each says how, or why it could not be."""
    if wanted:
        return _written_as(form, events, upcast(events, wanted=wanted))
    if form == Export.Format.CSV:
        return _csv([_cells(event, bytes(event.raw)) for event in events])
    return b"".join(as_line(event.raw) for event in events)


def _written_as(form: str, events: Sequence[Event], read: Sequence[Upcast]) -> bytes:
    if form == Export.Format.CSV:
        pairs = zip(events, read, strict=True)
        return _csv([[*_cells(event, one.raw), *_how(one)] for event, one in pairs])
    return b"".join(as_line(orjson.dumps(of_upcast(one))) for one in read)


def _how(read: Upcast) -> list[str]:
    return [
        _cell(told) for told in (read.version, read.written_as, read.problem.message if read.problem else "")
    ]


def _cells(event: Event, content: bytes) -> list[str]:
    values = {name: getattr(event, name) for name in CSV_COLUMNS if name not in {"valid", "event"}}
    values["valid"] = "true" if event.violations is None else "false"
    values["event"] = content.decode(errors="replace")
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
