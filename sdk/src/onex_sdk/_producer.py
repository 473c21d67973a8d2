"""The client of a program that emits events."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from onex_sdk._batcher import Batcher
from onex_sdk._client import RegistryClient
from onex_sdk._options import Options
from onex_sdk._pipeline import Pipeline
from onex_sdk._queue import Queue
from onex_sdk._sender import Sender
from onex_sdk._stats import Stats

_log = logging.getLogger("onex_sdk")


class Client:
    """Takes events from any thread and sends them in batches from its own. Nothing here raises into the host."""

    def __init__(self, options: Options) -> None:
        self.options = options
        #: Asks for schemas and sends.
        self.registry = RegistryClient(options.url, options.token, timeout=options.timeout)
        self._node = options.node
        self._stats = Stats()
        self._queue = Queue(options, self._stats)
        self._pipeline = Pipeline(stats=self._stats, queue=self._queue)
        self._batcher = Batcher(self._queue, Sender(self.registry, self._stats))
        self._batcher.start()

    def emit(
        self,
        event_type: str,
        metadata: Mapping[str, Any] | None = None,
        *,
        node_id: str | None = None,
        correlation_id: str | None = None,
        parent_correlation_id: str | None = None,
        trace_id: str | None = None,
        span_id: str | None = None,
        schema_version: str | None = None,
        timestamp: datetime | str | None = None,
        event_id: str | None = None,
        sample_rate: float | None = None,
    ) -> str | None:
        """Queues an event; its id, or None when it was dropped (`stats` says why). Never raises."""
        try:
            event: dict[str, Any] = {
                "event_id": event_id or str(uuid4()),
                "timestamp": timestamp or datetime.now(UTC).isoformat(),
                "node_id": node_id or self._node,
                "event_type": event_type,
                "metadata": metadata,
            }
            if schema_version is not None:
                event["schema_version"] = schema_version
            if correlation_id is not None:
                event["correlation_id"] = correlation_id
            if parent_correlation_id is not None:
                event["parent_correlation_id"] = parent_correlation_id
            if trace_id is not None:
                event["trace_id"] = trace_id
            if span_id is not None:
                event["span_id"] = span_id
            if sample_rate is not None:
                event["sample_rate"] = sample_rate
            return self._pipeline.run(event)
        except Exception:  # noqa: BLE001 - whatever goes wrong here is ours, never the host's
            self._stats.add("dropped_internal_error")
            _log.exception("An event of type %s was dropped.", event_type)
            return None

    def flush(self, timeout: float = 10.0) -> bool:
        """Sends what waits; True when nothing waits any more, False when time was up."""
        return self._queue.flush(timeout)

    def stats(self) -> dict[str, int]:
        """What became of the events so far, by name."""
        return {**self._stats.as_dict(), "queued": len(self._queue)}

    def close(self, timeout: float | None = None) -> bool:
        """Flushes, and gives the connections back."""
        done = self.flush(self.options.exit_timeout if timeout is None else timeout)
        self._queue.close()
        self.registry.close()
        return done
