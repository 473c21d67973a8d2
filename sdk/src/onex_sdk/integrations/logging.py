"""Log records that know their chain of work, and log records as events.

logging.getLogger().addHandler(EventHandler(level=logging.ERROR))
handler.addFilter(CorrelationFilter())   # "%(correlation_id)s %(trace_id)s %(message)s"
"""

from __future__ import annotations

import logging
import traceback
from typing import Any

import onex_sdk
from onex_sdk import Client

EVENT_TYPE = "STRUCTURED_LOG"
#: The schema of those events: register it under their type.
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "STRUCTURED_LOG metadata",
    "type": "object",
    "required": ["level", "logger", "message"],
    "properties": {
        "level": {"type": "string"},
        "logger": {"type": "string"},
        "message": {"type": "string"},
        "function": {"type": "string"},
        "file": {"type": "string"},
        "line": {"type": "integer", "minimum": 0},
        "error_type": {"type": "string"},
        "stack_trace": {"type": "string"},
        "fields": {"type": "object"},
    },
}
# What sending an event may log itself.
_OWN = ("onex_sdk", "httpx", "httpcore")
_STANDARD = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {
    "message",
    "asctime",
    "taskName",
}
_ADDED = ("correlation_id", "parent_correlation_id", "trace_id", "span_id")


class CorrelationFilter(logging.Filter):
    """Gives every record `correlation_id`, `parent_correlation_id`, `trace_id` and `span_id`; empty outside of any chain."""

    def filter(self, record: logging.LogRecord) -> bool:
        chain = onex_sdk.current()
        for name in _ADDED:
            setattr(record, name, (getattr(chain, name) if chain is not None else None) or "")
        return True


class EventHandler(logging.Handler):
    """Emits records as events of the current chain of work. What the client logs itself is left out."""

    def __init__(
        self, client: Client | None = None, *, level: int = logging.NOTSET, event_type: str = EVENT_TYPE
    ) -> None:
        super().__init__(level)
        self._client = client
        self._event_type = event_type

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.partition(".")[0] in _OWN:
            return
        try:
            metadata = metadata_of(record)
        except Exception:  # noqa: BLE001 - as every handler: a record that cannot be formatted is logging's affair
            self.handleError(record)
            return
        (self._client or onex_sdk.client()).emit(self._event_type, metadata)


def metadata_of(record: logging.LogRecord) -> dict[str, Any]:
    """What the event says of a record; `fields` are those that the program added with `extra`."""
    told: dict[str, Any] = {
        "level": record.levelname,
        "logger": record.name,
        "message": record.getMessage(),
        "function": record.funcName or "",
        "file": record.filename,
        "line": record.lineno,
    }
    if record.exc_info and record.exc_info[1] is not None:
        told["error_type"] = type(record.exc_info[1]).__qualname__
        told["stack_trace"] = "".join(traceback.format_exception(*record.exc_info))
    fields = {
        name: value
        for name, value in vars(record).items()
        if name not in _STANDARD and name not in _ADDED and not name.startswith("_")
    }
    return {**told, **({"fields": fields} if fields else {})}
