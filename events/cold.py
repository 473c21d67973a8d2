"""Compressing the partitions of old days, and taking that back; what the producers sent stays readable, byte for byte.

A partition is written anew beside itself, read back and compared, and takes the old one's place, all in one transaction:
whoever is killed in it has done nothing. Meanwhile everybody reads the old one; only at the end they wait, for milliseconds.
"""

import hashlib
import logging
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import Q
from psycopg.errors import DeadlockDetected, LockNotAvailable
from psycopg.types.json import Jsonb

from access import audit
from access.actor import SYSTEM, Actor
from events import note_profiles, partitions
from events.changes import EVENT_TYPES
from events.documents import derived
from events.errors import NotCompressible
from events.fold import fold_statistics
from events.frames import Codec, is_frame, train
from events.models import ColdPartition, Dictionary, exact
from events.recount import holds_uncounted, seal

log = logging.getLogger(__name__)
# One partition at a time, over all processes.
_LOCK = 7_265_003
_BATCH = 2_000
# With fewer events a dictionary is longer than what it saves.
LEAST_EVENTS = 1_000
_SAMPLES_OF_A_TYPE = 2_000
_SAMPLES = 12_000
_SAMPLE_BYTES = 16 * 1024
_TRIES = 10
# Statistics count an event before it is compressed; so many seconds go into that.
_COUNT_SECONDS = 60.0
_PAUSE = 3.0

_KEPT = """position, received_at, occurred_at, event_id, event_type, schema_version, content_id, node_id, correlation_id,
    parent_correlation_id, trace_id, span_id, error_code, error_pattern, sample_rate, violations, lints, producer, replay_id, replay,
    signature_verdict"""
# The product's own events and profiles are shown by what their documents tell, and some documents are more than the bytes.
_DOCUMENTS_KEPT = [*EVENT_TYPES, note_profiles.EVENT_TYPE]
_COLD = "CASE WHEN event_type = ANY(%(kept)s) OR lints::text LIKE '%%renamed:%%' THEN one.document END"
_HOT = "coalesce(one.document, packed.document)"
_PUT = """
INSERT INTO {copy} ({kept}, raw, document)
SELECT {kept}, packed.raw, {document} FROM {name} AS one JOIN packed USING (position)
WHERE position BETWEEN %(first)s AND %(last)s
"""
_SUM = "SELECT count(*), coalesce(bit_xor(hashtextextended(ROW({kept})::text, 0)), 0) FROM {name}"
_SAMPLE = """
SELECT raw FROM (
    SELECT raw, row_number() OVER (PARTITION BY event_type ORDER BY hashint8(position)) AS nth
    FROM {name} WHERE length(raw) <= %s
) AS one WHERE nth <= %s LIMIT %s
"""
Stopping = Callable[[], bool]


class _Interrupted(Exception):
    """The worker is to stop: all is rolled back, and done again some other time."""


@dataclass(slots=True)
class _Read:
    """What went by while a table was read from its first to its last event."""

    events: int
    stored: int
    exact: int
    last: int
    digest: bytes


def compress_next(*, today: date | None = None, stopping: Stopping = lambda: False) -> ColdPartition | None:
    """Compresses the oldest partition that is due, if there is one. In use elsewhere, it stays until the next time."""
    for name in due(today=today):
        try:
            return compress_partition(actor=SYSTEM, name=name, stopping=stopping)
        except NotCompressible as reason:
            log.info("partition %s stays as it is: %s", name, reason.message)
        except _Interrupted:
            return None
    return None


def due(*, today: date | None = None) -> list[str]:
    """The partitions of days that ended EVENT_COLD_AFTER_DAYS ago and a day more, and were neither compressed nor decompressed before."""
    if not settings.EVENT_COLD_AFTER:
        return []
    # A day to spare: rules look back as far as a week from events that are told late.
    before = (today or datetime.now(UTC).date()) - settings.EVENT_COLD_AFTER - timedelta(days=1)
    known = set(ColdPartition.objects.values_list("name", flat=True))
    return [name for name in partitions.older_than(before) if name not in known and _worth_it(name)]


def _worth_it(name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM (SELECT FROM {name} LIMIT %s) AS first_ones", [LEAST_EVENTS])  # noqa: S608
        return bool(cursor.fetchone()[0] == LEAST_EVENTS)


def compress_partition(*, actor: Actor, name: str, stopping: Stopping = lambda: False) -> ColdPartition:
    """Raises NotCompressible where there is no such partition, it is today's, has too few events, or is compressed or in use."""
    actor.require_everywhere("admin")
    day = partitions.existing().get(name)
    if day is None or day >= datetime.now(UTC).date():
        raise NotCompressible(f"There is no partition '{name}' of a day that is over.", partition=name)
    if not _worth_it(name):
        raise NotCompressible(
            f"Partition '{name}' has fewer than {LEAST_EVENTS:,} events: compressing them saves nothing.",
            partition=name,
        )
    fold_statistics(seconds=_COUNT_SECONDS)
    if holds_uncounted(day):
        raise NotCompressible(
            f"Partition '{name}' holds events that statistics have not counted yet. Try again later.",
            partition=name,
        )
    return _rewritten(actor, name, _packing, stopping, compressed=False)


def decompress_partition(*, actor: Actor, name: str, stopping: Stopping = lambda: False) -> ColdPartition:
    """Takes a compression back; only `compress_partition` compresses it again. Raises NotCompressible."""
    actor.require_everywhere("admin")
    return _rewritten(actor, name, _unpacking, stopping, compressed=True)


# What the column `raw` of a row becomes.
_Change = Callable[[bytes], bytes]


def _rewritten(
    actor: Actor,
    name: str,
    change_for: Callable[[str], tuple[_Change, Dictionary | None]],
    stopping: Stopping,
    *,
    compressed: bool,
) -> ColdPartition:
    began = time.monotonic()
    with transaction.atomic():
        _take_turn(name)
        _require(name, compressed=compressed)
        sizes = {"bytes_before": _size(name)}
        change, dictionary = change_for(name)
        copy = partitions.begin_copy(name)
        before = _write(name, copy, change, dictionary, stopping)
        after = _compared(name, copy, before, stopping)
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {copy}")
        sizes["bytes_after"] = _size(copy)
        if not compressed:
            # Sizes and times cannot be counted anew from compressed rows.
            seal(Q(received_on=partitions.day_of(name)))
        locked_ms = _put_when_free(name, stopping)
        row = _noted_partition(
            name,
            before,
            after,
            **sizes,
            dictionary=dictionary,
            seconds=time.monotonic() - began,
            locked_ms=locked_ms,
        )
        forget_unused()
        audit.record(
            actor=actor,
            action="events.decompressed" if compressed else "events.compressed",
            target=f"partition/{name}",
            details={"events": before.events, **sizes},
        )
    return row


def _require(name: str, *, compressed: bool) -> None:
    if ColdPartition.objects.filter(name=name, dictionary__isnull=False).exists() != compressed:
        raise NotCompressible(
            f"Partition '{name}' is {'not ' if compressed else ''}compressed.", partition=name
        )


def _noted_partition(name: str, before: _Read, after: _Read, **known: Any) -> ColdPartition:
    row, _ = ColdPartition.objects.update_or_create(
        name=name,
        defaults={
            "day": partitions.day_of(name),
            "events": before.events,
            "last_position": before.last,
            "raw_before": before.stored,
            "raw_after": after.stored,
            "digest": before.digest,
            "changed_at": datetime.now(UTC),
            **known,
        },
    )
    return row


def forget_unused() -> int:
    """Dictionaries that no partition names any more, within the caller's transaction; how many went."""
    count, _ = Dictionary.objects.filter(partitions=None).delete()
    return count


def _take_turn(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            raise NotCompressible("Another partition is being rewritten. Try again later.", partition=name)
        # Each batch is short; looking at the whole of a large partition is not.
        cursor.execute("SET LOCAL statement_timeout = 0")


def _size(name: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_total_relation_size(%s::regclass)", [name])
        return int(cursor.fetchone()[0])


def _packing(name: str) -> tuple[_Change, Dictionary]:
    """The dictionary for a partition: the newest one again, unless one of its own saves more than it is long."""
    with connection.cursor() as cursor:
        cursor.execute(_SAMPLE.format(name=name), [_SAMPLE_BYTES, _SAMPLES_OF_A_TYPE, _SAMPLES])
        samples = [exact(raw) for (raw,) in cursor.fetchall()]
        cursor.execute(f"SELECT count(*) FROM {name}")  # noqa: S608 -- one of our names
        (count,) = cursor.fetchone()
    random.Random(0).shuffle(samples)  # noqa: S311 -- the same choice each time
    # What a dictionary was made of says nothing about what it is good for.
    tried, learnt = samples[: len(samples) // 5], samples[len(samples) // 5 :]
    newest = Dictionary.objects.order_by("-number").first()
    number = _new_number()
    content = train(learnt, number)
    if content is None and newest is None:
        raise NotCompressible(f"Too little can be learnt from the events of '{name}'.", partition=name)
    if newest is not None:
        again = Codec(bytes(newest.content))
        saved = (
            (_packed_size(again, tried) - _packed_size(Codec(content), tried)) * count / max(len(tried), 1)
            if content
            else 0
        )
        if content is None or saved <= len(content):
            return again.pack, newest
    assert content is not None
    made = Dictionary.objects.create(number=number, content=content, trained_on=len(learnt))
    return Codec(content).pack, made


def _new_number() -> int:
    """One that no dictionary ever had, those included that are forgotten: other processes remember them by number."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('events_dictionary_numbers')")
        return int(cursor.fetchone()[0])


def _packed_size(codec: Codec, samples: list[bytes]) -> int:
    return sum(len(codec.pack(one)) for one in samples)


def _unpacking(name: str) -> tuple[_Change, None]:
    return exact, None


def _write(name: str, copy: str, change: _Change, dictionary: Dictionary | None, stopping: Stopping) -> _Read:
    """Fills the copy; what was read for it."""
    gone_by = _Read(0, 0, 0, 0, b"")
    digest = hashlib.sha256()
    document = _HOT if dictionary is None else _COLD
    put = _PUT.format(copy=copy, name=name, kept=_KEPT, document=document)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE packed (position bigint, raw bytea, document jsonb) ON COMMIT DROP")
        for batch in _batches(name, stopping):
            with cursor.copy("COPY packed FROM STDIN (FORMAT BINARY)") as rows:
                rows.set_types(["int8", "bytea", "jsonb"])
                for position, stored, lints, kept in batch:
                    raw = _noted(gone_by, digest, position, stored)
                    text = derived(raw, lints) if dictionary is None and kept is None else None
                    if is_frame(raw):
                        raise NotCompressible("An event begins like a frame.", position=position)
                    rows.write_row(
                        (position, change(stored), None if text is None else Jsonb(text, dumps=bytes))
                    )
            cursor.execute(put, {"first": batch[0][0], "last": batch[-1][0], "kept": _DOCUMENTS_KEPT})
            cursor.execute("TRUNCATE packed")
        cursor.execute("DROP TABLE packed")
    gone_by.digest = digest.digest()
    return gone_by


def _batches(
    name: str, stopping: Stopping
) -> Iterator[list[tuple[int, bytes, list[str] | None, bool | None]]]:
    """Position, the column `raw` as it is, lints, and true where there is a document."""
    after = 0
    while True:
        if stopping():
            raise _Interrupted
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT position, raw, (SELECT array_agg(one) FROM jsonb_array_elements_text(lints) AS one), "  # noqa: S608
                f"CASE WHEN document IS NOT NULL THEN true END FROM {name} WHERE position > %s "
                "ORDER BY position LIMIT %s",
                [after, _BATCH],
            )
            rows = [(position, bytes(raw), lints, kept) for position, raw, lints, kept in cursor.fetchall()]
        if not rows:
            return
        yield rows
        after = rows[-1][0]


def _noted(read: _Read, digest: "hashlib._Hash", position: int, stored: bytes) -> bytes:
    raw = exact(stored)
    digest.update(position.to_bytes(8, "big") + len(raw).to_bytes(4, "big") + raw)
    read.events, read.last = read.events + 1, position
    read.stored, read.exact = read.stored + len(stored), read.exact + len(raw)
    return raw


def _compared(name: str, copy: str, before: _Read, stopping: Stopping) -> _Read:
    """Reads the copy back as everybody will read it. Raises NotCompressible for the slightest difference."""
    after, digest = _Read(0, 0, 0, 0, b""), hashlib.sha256()
    for batch in _batches(copy, stopping):
        for position, stored, _, _ in batch:
            _noted(after, digest, position, stored)
    after.digest = digest.digest()
    with connection.cursor() as cursor:
        cursor.execute(_SUM.format(kept=_KEPT, name=name))
        columns = cursor.fetchone()
        cursor.execute(_SUM.format(kept=_KEPT, name=copy))
        same = columns == cursor.fetchone()
    if (after.events, after.exact, after.digest) != (before.events, before.exact, before.digest) or not same:
        raise NotCompressible(
            f"What was written of '{name}' is not what was read: nothing was changed.", partition=name
        )
    return after


def _put_when_free(name: str, stopping: Stopping) -> float:
    for _ in range(_TRIES):
        if stopping():
            raise _Interrupted
        try:
            with transaction.atomic():
                return partitions.put_copy(name)
        except OperationalError as problem:
            if not isinstance(problem.__cause__, LockNotAvailable | DeadlockDetected):
                raise
            # Everybody who waited behind us has a turn.
            time.sleep(_PAUSE)
    raise NotCompressible(
        f"Partition '{name}' is in use: nothing was changed. Try again later.", partition=name
    )
