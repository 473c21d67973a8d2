"""What a client is made of, put together by its options. Nothing of it starts here; after a fork all is made anew."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from onex_sdk._backlog import Backlog
from onex_sdk._batcher import Batcher
from onex_sdk._breaker import Breaker
from onex_sdk._bundle import Bundle, read_bundle
from onex_sdk._client import RegistryClient
from onex_sdk._correlation import fill
from onex_sdk._dead_letters import DeadLetters
from onex_sdk._errors import UnusableBundle
from onex_sdk._judging import Judge
from onex_sdk._keeping import Keeper
from onex_sdk._options import Options
from onex_sdk._pipeline import Pipeline
from onex_sdk._protection import encrypting as encrypting_by
from onex_sdk._protection import redacting, signing
from onex_sdk._queue import Queue
from onex_sdk._report import Reporter
from onex_sdk._rulings import Rulings
from onex_sdk._sampling_source import SamplingSource
from onex_sdk._sender import Sender
from onex_sdk._size import Sizes
from onex_sdk._stats import Stats
from onex_sdk._stores import ValueStore
from onex_sdk._wire import Wire

if TYPE_CHECKING:
    from onex_sdk._encrypting import Encrypting

_log = logging.getLogger("onex_sdk")


@dataclass(frozen=True, kw_only=True)
class Parts:
    stats: Stats
    registry: RegistryClient
    backlog: Backlog | None
    queue: Queue
    breaker: Breaker
    sampling: SamplingSource
    #: None where validation is off.
    rulings: Rulings | None
    #: None where nothing is encrypted.
    encrypting: Encrypting | None
    pipeline: Pipeline
    reporter: Reporter
    batcher: Batcher

    def gauges(self) -> dict[str, int]:
        return _gauges(self.queue, self.encrypting, self.backlog, self.breaker)

    def is_idle(self) -> bool:
        """Whether nothing waits to be encrypted."""
        return self.encrypting is None or not self.encrypting.count


def assemble(options: Options, *, before: Parts | None = None) -> Parts:
    """`before` is what there was before a fork: what it had been told by the registry holds on. Raises InvalidOption."""
    stats = Stats()
    registry = RegistryClient(
        options.url, options.token, timeout=options.timeout, latest_ttl=options.schema_ttl
    )
    backlog = Backlog(Path(options.spool_dir), options, stats) if options.spool_dir else None
    queue = Queue(options, stats, spill=backlog.append if backlog else None)
    breaker = Breaker(failures=options.breaker_failures, seconds=options.breaker_seconds)
    dead_letters = DeadLetters(_dead_letter_file(options), options.dead_letter_bytes, stats)
    store = options.value_store if isinstance(options.value_store, ValueStore) else None
    told = _told(options, registry, stats, before)
    reporter = Reporter(
        registry.api, options, stats, lambda: _gauges(queue, told.encrypting, backlog, breaker)
    )
    sender = Sender(
        Wire(registry.api, options, stats).post_events,
        stats=stats,
        breaker=breaker,
        dead_letters=dead_letters,
        store=store,
        on_result=options.on_result,
    )
    pipeline = Pipeline(
        stats=stats,
        sizes=Sizes(options, stats, dead_letters, store),
        queue=queue,
        fill_context=fill,
        keep=Keeper(told.sampling) if options.sampling else None,
        judge=_judge(options, told.rulings, stats, dead_letters),
        encrypt=told.encrypting.encrypt if told.encrypting else None,
        encrypt_held=told.encrypting.resume if told.encrypting else None,
        redact=redacting(options),
        sign=signing(options),
    )
    chores = [*told.chores(options, pipeline), reporter.report_when_due]
    return Parts(
        stats=stats,
        registry=registry,
        backlog=backlog,
        queue=queue,
        breaker=breaker,
        sampling=told.sampling,
        rulings=told.rulings,
        encrypting=told.encrypting,
        pipeline=pipeline,
        reporter=reporter,
        batcher=Batcher(queue, sender, breaker, stats=stats, backlog=backlog, chores=chores),
    )


@dataclass(frozen=True)
class _Told:
    """What the registry tells about events. The sending thread keeps it up to date."""

    sampling: SamplingSource
    rulings: Rulings | None
    encrypting: Encrypting | None

    def chores(self, options: Options, pipeline: Pipeline) -> list[Callable[[], None]]:
        return [
            *([self.sampling.keep_up] if options.sampling else []),
            *([self.rulings.keep_up] if self.rulings else []),
            *([_encrypting_what_waits(self.encrypting, pipeline)] if self.encrypting else []),
        ]


def _told(options: Options, registry: RegistryClient, stats: Stats, before: Parts | None) -> _Told:
    """No rulings where validation is off, nothing that encrypts where no key is named. Raises InvalidOption."""
    sampling = SamplingSource(registry.sampling, path=_sampling_file(options))
    rulings = (
        None if options.validation == "off" else Rulings(registry, _bundle(options), ttl=options.schema_ttl)
    )
    encrypting = encrypting_by(options, registry, stats)
    if before is not None:
        sampling.take_over(before.sampling)
        if rulings is not None and before.rulings is not None:
            rulings.take_over(before.rulings)
        if encrypting is not None and before.encrypting is not None:
            encrypting.take_over(before.encrypting)
    return _Told(sampling, rulings, encrypting)


def _encrypting_what_waits(encrypting: Encrypting, pipeline: Pipeline) -> Callable[[], None]:
    """For the sending thread."""

    def keep_up() -> None:
        waited = encrypting.count
        encrypting.keep_up(pipeline.resume, pipeline.queue.has_room)
        if encrypting.count != waited:
            pipeline.queue.wake()

    return keep_up


def _judge(
    options: Options, rulings: Rulings | None, stats: Stats, dead_letters: DeadLetters
) -> Judge | None:
    if rulings is None:
        return None
    return Judge(rulings, stats, dead_letters, strict=options.validation == "strict")


def _bundle(options: Options) -> Bundle | None:
    """A program starts without its file of schemas, and says so."""
    if not options.bundle:
        return None
    try:
        return read_bundle(options.bundle)
    except UnusableBundle as error:
        _log.warning("%s Events are judged by what the registry answers.", error)
        return None


def _sampling_file(options: Options) -> Path | None:
    if options.sampling_file:
        return Path(options.sampling_file)
    return Path(options.spool_dir) / "sampling.json" if options.spool_dir else None


def _dead_letter_file(options: Options) -> Path | None:
    if options.dead_letter_file:
        return Path(options.dead_letter_file)
    return Path(options.spool_dir) / "dead-letters.ndjson" if options.spool_dir else None


def _gauges(
    queue: Queue, encrypting: Encrypting | None, backlog: Backlog | None, breaker: Breaker
) -> dict[str, int]:
    return {
        "queued": len(queue) + (encrypting.count if encrypting else 0),
        "queued_bytes": queue.size + (encrypting.size if encrypting else 0),
        "spool_bytes": backlog.size if backlog else 0,
        "circuit_open": int(breaker.state == "open"),
    }
