"""The client of a program that emits events."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timezone
from typing import Any

from onex_sdk import _correlation as correlations
from onex_sdk._assemble import Parts, assemble
from onex_sdk._client import RegistryClient
from onex_sdk._correlation import Correlation
from onex_sdk._ids import new_id
from onex_sdk._lifetime import close_with_child, watch
from onex_sdk._operations import Operation
from onex_sdk._options import Options
from onex_sdk._pipeline import Pipeline
from onex_sdk._profiling import ContinuousProfiler, Profile
from onex_sdk._queue import BATCHER, Item
from onex_sdk._sampling import SamplingRules
from onex_sdk._stats import Stats
from onex_sdk._usage import Scope

_log = logging.getLogger("onex_sdk")


class Client:
    """Takes events from any thread and sends them in batches from its own. Nothing here raises into the host."""

    _parts: Parts
    _pipeline: Pipeline
    _stats: Stats
    _running: bool
    _closed: bool

    def __init__(self, options: Options) -> None:
        self.options = options
        self._node = options.node
        self._begin(None)
        watch(self)
        if options.url and options.enabled:
            self._start()
        elif options.enabled:
            _log.warning("No events are sent: init was given no url, and ONEX_URL is not set.")

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
        """Queues an event; its id, or None when it was dropped (`stats` says why). Never raises.

        The event is what `metadata` is now: changing it afterwards changes nothing. `event_id` is a new UUID where none
        is given, `timestamp` is now.
        """
        if not self._running and not self._start():
            return None
        try:
            event = _event(event_type, metadata, node_id or self._node, event_id, timestamp)
            for name, value in (
                ("schema_version", schema_version),
                ("correlation_id", correlation_id),
                ("parent_correlation_id", parent_correlation_id),
                ("trace_id", trace_id),
                ("span_id", span_id),
                ("sample_rate", sample_rate),
            ):
                if value is not None:
                    event[name] = value
            return self._pipeline.run(event)
        except Exception:  # noqa: BLE001 - whatever goes wrong here is ours, never the host's
            self._stats.add("internal_errors")
            _log.exception("An event was dropped.")
            return None

    def operation(
        self,
        name: str | None = None,
        *,
        correlation_id: str | None = None,
        remote: Correlation | None = None,
        tags: Mapping[str, str] | None = None,
        context: Mapping[str, Any] | None = None,
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
        return Profile(self.emit, step, named=lambda: self.options.named, stacks=stacks, cpu=cpu, tags=tags)

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
        return self._parts.sampling.current

    @property
    def registry(self) -> RegistryClient:
        """Asks for schemas, validates and sends at once."""
        return self._parts.registry

    def prepare(self, *event_types: str, schema_version: str | None = None) -> bool:
        """Asks the registry now for sampling rules, and the schemas and keys of these types, so that they hold from the first
        event on; False when it is away, or has nothing to judge or to encrypt one of them by.

        Without it they are asked for in the background. `emit` needs no network.
        """
        parts, label = self._parts, schema_version or ""
        found = [parts.sampling.refresh() if self.options.sampling else True]
        if parts.rulings is not None:
            found += [parts.rulings.prepare(name, label) for name in event_types]
        if parts.encrypting is not None:
            found += [parts.encrypting.prepare(name, label) for name in event_types]
        return all(found)

    def flush(self, timeout: float = 10.0) -> bool:
        """Sends what waits, here and on disk; True when nothing waits any more, False when time was up."""
        if threading.current_thread().name == BATCHER:
            return False
        parts = self._parts
        parts.queue.hurry()
        return parts.queue.wait_empty(
            timeout, lambda: parts.is_idle() and (parts.backlog is None or not parts.backlog.size)
        )

    def stats(self) -> dict[str, int]:
        """What became of the events so far, and what is still here. README.md says what each name means."""
        return {**self._stats.as_dict(), **self._parts.gauges()}

    def close(self, timeout: float | None = None) -> bool:
        """Flushes, puts on disk what could not be sent, and ends. False when events were lost by that.

        What is emitted afterwards is dropped. Called at the end of the process if it was not before.
        """
        if self._closed:
            return True
        self._closed = True
        end = time.monotonic() + (self.options.exit_timeout if timeout is None else timeout)
        parts = self._parts
        if self._running:
            parts.queue.hurry()
            parts.queue.wait_empty(end - time.monotonic(), parts.is_idle)
        parts.queue.close()
        kept = self._put_down(parts.queue.abandon())
        if parts.encrypting is not None and (lost := parts.encrypting.give_up()):
            kept = False
            _log.warning(
                "%d events were lost at the end of the process, since they could not be encrypted.", lost
            )
        ended = self._running and parts.batcher.join(max(0.1, end - time.monotonic()))
        if ended and self.options.report_seconds > 0 and parts.breaker.wait() == 0:
            parts.reporter.report(timeout=max(0.1, end - time.monotonic()))
        if parts.backlog is not None:
            parts.backlog.close()
        parts.registry.close()
        return kept

    def begin_anew(self) -> None:
        """In the child of a fork: what waits belongs to the parent, and the thread was not taken along."""
        if self._closed:
            return
        if self._parts.backlog is not None:
            self._parts.backlog.forget()
        self._begin(self._parts)

    def _begin(self, before: Parts | None) -> None:
        self._running = self._closed = False
        self._starting = threading.Lock()
        self._parts = assemble(self.options, before=before)
        self._stats, self._pipeline = self._parts.stats, self._parts.pipeline

    def _start(self) -> bool:
        """Whether events are taken. After a fork the thread is started by the first event, where there is one."""
        if self._closed or not self.options.url or not self.options.enabled:
            if self.options.enabled:
                self._stats.add("dropped_closed" if self._closed else "dropped_not_configured")
            return False
        with self._starting:
            if not self._running:
                self._parts.batcher.start()
                close_with_child(self)
                self._running = True
        return True

    def _put_down(self, left: list[Item]) -> bool:
        """What is left at the end goes to disk; what cannot is lost, and counted."""
        backlog = self._parts.backlog
        if not left or (backlog is not None and backlog.append(left)):
            return True
        for item in left:
            self._stats.settle("dropped_at_exit", item.event_type)
        _log.warning("%d events were lost at the end of the process.", len(left))
        return False


def _event(
    event_type: str, metadata: Any, node_id: str, event_id: str | None, timestamp: datetime | str | None
) -> dict[str, Any]:
    """What every event has; its time is now and its id is new where none is given."""
    at = datetime.now(timezone.utc) if timestamp is None else timestamp
    return {
        "event_id": event_id or new_id(),
        "timestamp": at.isoformat() if isinstance(at, datetime) else str(at),
        "node_id": node_id,
        "event_type": event_type if type(event_type) is str else str(event_type),
        "metadata": metadata,
    }
