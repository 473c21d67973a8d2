"""Do readers that follow positions miss rows, whatever writers commit in whatever order?

`chase(log, plan)` lets writers write batches to a log, some of them slow to commit and some rolled back, while readers
follow it by "everything after the last position I saw", beside somebody else's transaction that stays open all along.
There are two logs: `Ours`, which is written by ingest itself, and `Sequence`, whose positions a sequence gives out:
readers of that one miss rows, so the harness can tell the two apart.
"""

import itertools
import json
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Protocol

from django.db import connection, transaction

from access.actor import SYSTEM
from events import decode
from events.ingest import ingest_events


class Log(Protocol):
    def write(self, rnd: random.Random, size: int) -> None:
        """Writes so many rows, within the caller's transaction."""

    def positions(self, after: int) -> list[int]:
        """The positions behind `after` that can be seen, in their order."""


class Ours:
    """The event log, written to by ingest."""

    def __init__(self, event: Callable[[random.Random], dict[str, object]]) -> None:
        self._event = event

    def write(self, rnd: random.Random, size: int) -> None:
        body = json.dumps([self._event(rnd) for _ in range(size)]).encode()
        items = decode.pieces(body, content_type="application/json")
        counts = ingest_events(actor=SYSTEM, items=items).counts
        assert counts == {"stored": size}, counts

    def positions(self, after: int) -> list[int]:
        return _column("SELECT position FROM events_event WHERE position > %s ORDER BY position", after)


class Sequence:
    """A table whose positions come from a sequence, as a `bigserial` has them."""

    def __init__(self) -> None:
        self._table = f"bench_sequence_{uuid.uuid4().hex[:8]}"
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE TABLE {self._table} (position bigserial PRIMARY KEY, payload text)")

    def write(self, rnd: random.Random, size: int) -> None:
        payloads = [f"{rnd.getrandbits(128):032x}" for _ in range(size)]
        with connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO {self._table} (payload) SELECT unnest(%s::text[])", [payloads])

    def positions(self, after: int) -> list[int]:
        return _column(
            f"SELECT position FROM {self._table} WHERE position > %s ORDER BY position",
            after,
        )

    def drop(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE {self._table}")


def _column(query: str, after: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(query, [after])
        return [position for (position,) in cursor.fetchall()]


@dataclass(frozen=True)
class Plan:
    writers: int = 8
    readers: int = 2
    # Of every writer; or, when there is a time, as many as it has for.
    batches: int = 40
    seconds: float = 0.0
    size: int = 5
    # Of a hundred transactions, how many wait up to 20 ms before they commit, and how many are rolled back.
    delayed: int = 10
    rolled_back: int = 5
    seed: int = 1


@dataclass(frozen=True)
class Chase:
    """What came out; of the readers, the one with most of it."""

    committed: int
    rolled_back: int
    # Never seen, although committed.
    missed: int
    # Seen twice, or not in the order of their positions.
    disordered: int
    seconds: float


def chase(log: Log, plan: Plan) -> Chase:
    """Rows that were there before do not count."""
    begin = max(log.positions(0), default=0)
    done = threading.Event()
    began = time.monotonic()
    with _foreign_transaction(), ThreadPoolExecutor(plan.writers + plan.readers) as pool:
        readers = [pool.submit(_read, log, begin, done) for _ in range(plan.readers)]
        writers = [pool.submit(_write, log, plan, number) for number in range(plan.writers)]
        try:
            rolled_back = sum(writer.result() for writer in writers)
        finally:
            done.set()
        seconds = time.monotonic() - began
        seen = [reader.result() for reader in readers]
    committed = set(log.positions(begin))
    return Chase(
        committed=len(committed),
        rolled_back=rolled_back,
        missed=max(len(committed - set(positions)) for positions in seen),
        disordered=max(
            sum(later <= earlier for earlier, later in itertools.pairwise(positions)) for positions in seen
        ),
        seconds=seconds,
    )


def _write(log: Log, plan: Plan, number: int) -> int:
    """One writer's transactions; how many rows it rolled back."""
    rnd = random.Random(f"{plan.seed}/{number}")
    until, rolled_back = time.monotonic() + plan.seconds, 0
    try:
        for batch in itertools.count():
            if time.monotonic() >= until if plan.seconds else batch >= plan.batches:
                return rolled_back
            give_up, wait = rnd.randrange(100) < plan.rolled_back, rnd.randrange(100) < plan.delayed
            with transaction.atomic():
                log.write(rnd, plan.size)
                if wait:
                    with connection.cursor() as cursor:
                        cursor.execute("SELECT pg_sleep(%s)", [rnd.uniform(0, 0.02)])
                transaction.set_rollback(give_up)
            rolled_back += plan.size if give_up else 0
    finally:
        connection.close()
    raise AssertionError


def _read(log: Log, cursor: int, done: threading.Event) -> list[int]:
    """Reads on from the last position seen, as alerts do, until the writers are done and nothing is left."""
    seen: list[int] = []
    try:
        while True:
            ended = done.is_set()
            found = log.positions(cursor)
            seen += found
            cursor = found[-1] if found else cursor
            if ended and not found:
                return seen
    finally:
        connection.close()


@contextmanager
def _foreign_transaction() -> Iterator[None]:
    """Somebody who has written elsewhere and does not commit: whoever waits for the oldest transaction waits for him."""
    other = connection.copy()
    other.set_autocommit(False)
    with closing(other), other.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_foreign (id int)")
        yield
        other.rollback()
