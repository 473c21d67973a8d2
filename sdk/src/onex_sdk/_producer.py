"""The client of a program that emits events."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from onex_sdk import _correlation as correlations
from onex_sdk._batcher import Batcher
from onex_sdk._client import RegistryClient
from onex_sdk._correlation import Correlation
from onex_sdk._decisions import Decisions
from onex_sdk._operations import KIND as OPERATION
from onex_sdk._operations import SCHEMA_VERSION as OPERATION_VERSION
from onex_sdk._operations import Operation
from onex_sdk._options import Options
from onex_sdk._pipeline import Pipeline
from onex_sdk._profiling import ContinuousProfiler, Profile
from onex_sdk._queue import Queue
from onex_sdk._sampling import SamplingRules
from onex_sdk._sender import Sender
from onex_sdk._stats import Stats
from onex_sdk._usage import Scope

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
        self._decisions = Decisions(options, self.registry, self._stats)
        self._pipeline = Pipeline(
            stats=self._stats,
            queue=self._queue,
            fill_context=correlations.fill,
            keep=self._decisions.keep,
            validate=self._decisions.validate,
        )
        self._batcher = Batcher(self._queue, Sender(self.registry, self._stats))
        self._batcher.start()
        self._decisions.ensure()

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
            self._decisions.ensure()
            return self._pipeline.run(event)
        except Exception:  # noqa: BLE001 - whatever goes wrong here is ours, never the host's
            self._stats.add("dropped_internal_error")
            _log.exception("An event of type %s was dropped.", event_type)
            return None

    def operation(
        self,
        name: str | None = None,
        *,
        correlation_id: str | None = None,
        remote: Correlation | None = None,
        tags: Mapping[str, str] | None = None,
        context: Mapping[str, Any] | None = None,
        kind: str = OPERATION,
        schema_version: str | None = OPERATION_VERSION,
    ) -> Operation:
        """A piece of work, for `with`, `async with`, or as a decorator: START, and SUCCESS or ERROR.

        What is emitted within belongs to it. It hangs below the operation around it, or below `remote`, which
        `extract` reads from the headers of a request.
        """
        return Operation(
            self.emit,
            name,
            correlation_id=correlation_id,
            remote=remote,
            tags=tags,
            context=context,
            kind=kind,
            schema_version=schema_version,
            sampling=self.sampling_rules,
        )

    def profile(
        self,
        step: str | None = None,
        *,
        stacks: bool = False,
        cpu: Scope = "thread",
        tags: Mapping[str, str] | None = None,
    ) -> Profile:
        """Measures a step, for `with`, `async with`, or as a decorator, and emits a PERFORMANCE_PROFILE."""
        return Profile(
            self.emit, step, named=lambda: self.options.named, stacks=stacks, cpu=cpu, tags=tags
        )

    def profiler(self, *, every: float = 60.0, operation: str = "process") -> ContinuousProfiler:
        """Looks at all threads from now on, and emits a PERFORMANCE_PROFILE every so many seconds, until `stop`."""
        return ContinuousProfiler(
            self.emit, every=every, operation=operation, named=lambda: self.options.named
        )

    def correlation(self, correlation_id: str) -> AbstractContextManager[Correlation | None]:
        """What is emitted within belongs to this chain of work, which others may belong to as well."""
        return correlations.use(correlations.joined(correlation_id, sampling=self.sampling_rules()))

    def sampling_rules(self) -> SamplingRules:
        """Those that hold now, as the registry told them last."""
        return self._decisions.rules

    def refresh(self) -> bool:
        """Asks the registry now for sampling rules, and for the schemas of what was emitted; whether it answered.

        A thread of its own does so all the time; this is for a program that wants to know before it begins.
        """
        return self._decisions.refresh()

    def flush(self, timeout: float = 10.0) -> bool:
        """Sends what waits; True when nothing waits any more, False when time was up."""
        return self._queue.flush(timeout)

    def stats(self) -> dict[str, int]:
        """What became of the events so far, by name."""
        return {**self._stats.as_dict(), "queued": len(self._queue)}

    def close(self, timeout: float | None = None) -> bool:
        """Flushes, and gives the connections back."""
        done = self.flush(self.options.exit_timeout if timeout is None else timeout)
        self._decisions.close()
        self._queue.close()
        self.registry.close()
        return done
