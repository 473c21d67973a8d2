"""Events in and out: batches beside PostgreSQL's own COPY of the same rows, single events, and replays.

Then with millions of events stored: first pages, a tree of a thousand events, and ingest again. BENCH_EVENTS is the number of
events sent in batches, BENCH_STORED how many are stored then (0: none of this).
"""

import os
import threading
import time
from typing import Any

import psycopg

from benchmarks import full_store, harness, ingest_load
from benchmarks.harness import Report
from benchmarks.replay import replays
from events import scan
from events.errors import UnreadableBody
from registry.local.connection import Connection

EVENTS = "100000"
BATCH, CLIENTS = 500, 4
STORED = "5000000"
WARM_ROUNDS = 4
# Producers that each wait for the answer before they send the next event.
SINGLE_EVENTS, SINGLE_CONNECTIONS = 4_000, 8
# What may be wrong with a body of four million bytes: reading it has to stay linear.
HOSTILE = {
    "digits": b"[" + b"1" * 4_000_000,
    "quotes": b'["' + b'\\"' * 2_000_000,
    "spaces": b"[]" + b" " * 4_000_000,
    "strings": b"[" + b'""' * 1_000_000 + b"]",
}


def measure(report: Report) -> None:
    _hostile(report)
    with harness.running_registry() as registry:
        database = harness.database_url()
        _warm(registry)
        _batches(report, registry, database)
        _copy(report, database)
        _singles(report, registry, database)
        replays(report, registry)
        if stored := int(os.environ.get("BENCH_STORED", STORED)):
            full_store.measure_full(report, registry, database, stored)
            _batches(report, registry, database, name="full_ingest")
    ingest, copy = (
        float(report.metrics[name]["value"]) for name in ("ingest_events_per_s", "copy_rows_per_s")
    )
    report.ratio("ingest_share_of_copy", ingest / copy)
    if "full_ingest_events_per_s" in report.metrics:
        full = float(report.metrics["full_ingest_events_per_s"]["value"])
        report.ratio("full_ingest_share_of_empty", full / ingest)


def _warm(registry: Connection) -> None:
    """What a server does once: its workers finish starting, schemas are compiled, statements planned. Not measured."""
    for _ in range(WARM_ROUNDS):
        ingest_load.load(registry.url, registry.token, events=4 * BATCH, clients=CLIENTS, batch=BATCH)
        time.sleep(2)


def _hostile(report: Report) -> None:
    for name, body in HOSTILE.items():
        with report.timed(f"hostile_{name}"):
            try:
                cut = sum(len(piece.raw) for piece in scan.array_elements(body))
            except UnreadableBody:
                cut = 0
        if cut > len(body):
            raise SystemExit(f"More was cut out of the {name} than there is.")
    slowest = max(report.durations[f"hostile_{name}"] for name in HOSTILE)
    report.metric("hostile_4_mb_body_max", slowest * 1000, "ms")


def _batches(report: Report, registry: Connection, database: str, *, name: str = "ingest") -> None:
    events = int(os.environ.get("BENCH_EVENTS", EVENTS))
    load = ingest_load.load(registry.url, registry.token, events=events, clients=CLIENTS, batch=BATCH)
    _verified(report, name, load, database)
    report.metric(f"{name}_events_per_s", load.events_per_s, "events/s")
    report.metric(f"{name}_batch_p50", load.p50_ms, "ms")
    report.metric(f"{name}_batch_p99", load.p99_ms, "ms")


def _verified(report: Report, name: str, load: ingest_load.Load, database: str) -> None:
    found = ingest_load.verify(database, load)
    if not found.ok or load.acknowledged != load.sent:
        raise SystemExit(f"Acknowledged and stored differ: {load.as_dict()} {found.as_dict()}")
    report.count(f"{name}_sent", load.sent)
    report.count(f"{name}_acknowledged", load.acknowledged)
    report.count(f"{name}_stored", found.stored)
    report.duration(f"{name}_seconds", load.seconds)


def _copy(report: Report, database: str) -> None:
    """The rows just stored, in the same batches from as many sessions, into a table with the same indexes.

    What ingest does beside this COPY (HTTP, judging, the table of ids, the order of positions) is what the share is about.
    """
    with psycopg.connect(database, autocommit=True) as session:
        (partition,) = harness.row(database, "SELECT tableoid::regclass::text FROM events_event LIMIT 1")
        blobs = _blobs(session, database, report.counts["ingest_stored"])
        session.execute(f"CREATE TABLE bench_copy (LIKE {partition} INCLUDING ALL)")
    shares = [blobs[number::CLIENTS] for number in range(CLIENTS)]
    threads = [threading.Thread(target=_copy_in, args=(database, share)) for share in shares]
    with report.timed("copy_seconds"):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    with psycopg.connect(database, autocommit=True) as session:
        (rows,) = harness.row(database, "SELECT count(*) FROM bench_copy")
        session.execute("DROP TABLE bench_copy")
    if rows != report.counts["ingest_stored"]:
        raise SystemExit(f"COPY brought {rows} of {report.counts['ingest_stored']} rows.")
    report.count("copy_rows", rows)
    report.metric("copy_rows_per_s", rows / report.durations["copy_seconds"], "rows/s")


def _blobs(session: "psycopg.Connection[Any]", database: str, count: int) -> list[bytes]:
    """So many of the newest rows of the log in COPY's binary format, BATCH rows each."""
    (last,) = harness.row(database, "SELECT max(position) FROM events_event")
    first = last - count + 1
    blobs = []
    for begin in range(first, last + 1, BATCH):
        rows = f"SELECT * FROM events_event WHERE position BETWEEN {begin} AND {begin + BATCH - 1}"
        with session.cursor() as cursor, cursor.copy(f"COPY ({rows}) TO STDOUT (FORMAT BINARY)") as copy:
            blobs.append(b"".join(bytes(part) for part in copy))
    return blobs


def _copy_in(database: str, blobs: list[bytes]) -> None:
    with psycopg.connect(database, autocommit=True) as session, session.cursor() as cursor:
        for blob in blobs:
            with cursor.copy("COPY bench_copy FROM STDIN (FORMAT BINARY)") as copy:
                copy.write(blob)


def _singles(report: Report, registry: Connection, database: str) -> None:
    load = ingest_load.load(
        registry.url,
        registry.token,
        events=SINGLE_EVENTS,
        clients=CLIENTS,
        connections=SINGLE_CONNECTIONS,
        batch=1,
    )
    _verified(report, "single", load, database)
    report.metric("single_events_per_s", load.events_per_s, "events/s")
    report.metric("single_event_p50", load.p50_ms, "ms")
    report.metric("single_event_p99", load.p99_ms, "ms")


if __name__ == "__main__":
    harness.main(measure)
