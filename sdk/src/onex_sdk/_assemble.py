"""What a client is made of, put together by its options. Nothing of it starts here; after a fork all is made anew."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from onex_sdk._backlog import Backlog
from onex_sdk._batcher import Batcher
from onex_sdk._breaker import Breaker
from onex_sdk._client import RegistryClient
from onex_sdk._dead_letters import DeadLetters
from onex_sdk._options import Options
from onex_sdk._pipeline import Pipeline
from onex_sdk._queue import Queue
from onex_sdk._report import Reporter
from onex_sdk._sender import Sender
from onex_sdk._size import Sizes
from onex_sdk._stats import Stats
from onex_sdk._stores import ValueStore
from onex_sdk._validating import Validation
from onex_sdk._wire import Wire


@dataclass(frozen=True, kw_only=True)
class Parts:
    stats: Stats
    registry: RegistryClient
    backlog: Backlog | None
    queue: Queue
    breaker: Breaker
    validation: Validation | None
    pipeline: Pipeline
    reporter: Reporter
    batcher: Batcher

    def gauges(self) -> dict[str, int]:
        return _gauges(self.queue, self.backlog, self.breaker)


def assemble(options: Options) -> Parts:
    stats = Stats()
    registry = RegistryClient(
        options.url, options.token, timeout=options.timeout, latest_ttl=options.schema_ttl
    )
    backlog = Backlog(Path(options.spool_dir), options, stats) if options.spool_dir else None
    queue = Queue(options, stats, spill=backlog.append if backlog else None)
    breaker = Breaker(failures=options.breaker_failures, seconds=options.breaker_seconds)
    dead_letters = DeadLetters(_dead_letter_file(options), options.dead_letter_bytes, stats)
    store = options.value_store if isinstance(options.value_store, ValueStore) else None
    validation = _validation(options, registry, stats, dead_letters)
    reporter = Reporter(registry.api, options, stats, lambda: _gauges(queue, backlog, breaker))
    sender = Sender(
        Wire(registry.api, options, stats).post_events,
        stats=stats,
        breaker=breaker,
        dead_letters=dead_letters,
        store=store,
        on_result=options.on_result,
    )
    chores = [reporter.report_when_due, *([validation.keep_up] if validation else [])]
    return Parts(
        stats=stats,
        registry=registry,
        backlog=backlog,
        queue=queue,
        breaker=breaker,
        validation=validation,
        pipeline=Pipeline(
            stats=stats,
            sizes=Sizes(options, stats, dead_letters, store),
            queue=queue,
            judge=validation.judge if validation else None,
        ),
        reporter=reporter,
        batcher=Batcher(queue, sender, breaker, stats=stats, backlog=backlog, chores=chores),
    )


def _validation(
    options: Options, registry: RegistryClient, stats: Stats, dead_letters: DeadLetters
) -> Validation | None:
    if options.validation == "off":
        return None
    strict = options.validation == "strict"
    return Validation(registry, stats, dead_letters, strict=strict, ttl=options.schema_ttl)


def _dead_letter_file(options: Options) -> Path | None:
    if options.dead_letter_file:
        return Path(options.dead_letter_file)
    return Path(options.spool_dir) / "dead-letters.ndjson" if options.spool_dir else None


def _gauges(queue: Queue, backlog: Backlog | None, breaker: Breaker) -> dict[str, int]:
    return {
        "queued": len(queue),
        "queued_bytes": queue.size,
        "spool_bytes": backlog.size if backlog else 0,
        "circuit_open": int(breaker.state == "open"),
    }
