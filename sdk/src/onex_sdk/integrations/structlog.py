"""Processors for structlog: chains of work in every line, and lines as events.

structlog.configure(processors=[add_correlation, EmitEvents(min_level="error"), …, JSONRenderer()])

structlog is not imported: a processor is a function.
"""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any

import onex_sdk
from onex_sdk import Client

EVENT_TYPE = "STRUCTURED_LOG"
EventDict = MutableMapping[str, Any]
_IDS = ("correlation_id", "parent_correlation_id", "trace_id", "span_id")


def add_correlation(_logger: Any, _method: str, event_dict: EventDict) -> EventDict:
    """Adds the ids of the current chain of work that it has; what the line says itself stays."""
    chain = onex_sdk.current()
    if chain is not None:
        for name in _IDS:
            value = getattr(chain, name)
            if value:
                event_dict.setdefault(name, value)
    return event_dict


class EmitEvents:
    """Emits lines of at least this level as events, and hands them on unchanged."""

    def __init__(
        self, client: Client | None = None, *, min_level: str = "info", event_type: str = EVENT_TYPE
    ) -> None:
        self._client = client
        self._least = _rank(min_level)
        self._event_type = event_type

    def __call__(self, logger: Any, method: str, event_dict: EventDict) -> EventDict:
        level = str(event_dict.get("level", method))
        if _rank(level) >= self._least:
            known = {"event", "level", "logger", "timestamp", *_IDS}
            fields = {name: value for name, value in event_dict.items() if name not in known}
            metadata = {
                "level": level.upper(),
                "logger": str(event_dict.get("logger") or getattr(logger, "name", None) or ""),
                "message": str(event_dict.get("event", "")),
                **({"fields": fields} if fields else {}),
            }
            (self._client or onex_sdk.client()).emit(self._event_type, metadata)
        return event_dict


def _rank(level: str) -> int:
    # structlog names the methods `exception` and `warn`, which logging ranks under other names.
    names = {"EXCEPTION": logging.ERROR, "WARN": logging.WARNING, "MSG": logging.INFO}
    upper = level.upper()
    rank = names.get(upper) or logging.getLevelName(upper)
    return rank if isinstance(rank, int) else logging.INFO
