"""What looking at a large log takes: the explorer's first page under each filter, and compressing a day of it.

BENCH_EVENTS events over BENCH_DAYS days, the older ones compressed; each filter is asked REPEATS times over HTTP.
"""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import httpx
import psycopg

from benchmarks import event_log, harness
from benchmarks.harness import Report, percentile
from registry.local.home import CHECKOUT

EVENTS, DAYS, REPEATS = "500000", "10", 30
FILTERS = {
    "none": {},
    "type": {"type": "shop.order"},
    "rare_type": {"type": event_log.RARE},
    "no_such_type": {"type": "shop.nothing"},
    "wildcard": {"type": "*.refund"},
    "node": {"node": "shop-07"},
    "no_such_node": {"node": "nowhere"},
    "error_code": {"error_code": "SHOP_CART_003_FAILED"},
    "no_such_code": {"error_code": "SHOP_CART_900_FAILED"},
    "violations": {"valid": "false"},
    "hour": {"since": (datetime.now(UTC) - timedelta(hours=1)).isoformat()},
    "days_ago": {"until": (datetime.now(UTC) - timedelta(days=3)).isoformat()},
    "field": {"where": "metadata.amount > 9990"},
    "type_and_field": {"type": event_log.RARE, "where": "metadata.amount > 9990"},
}


def measure(report: Report) -> None:
    events, days = int(os.environ.get("BENCH_EVENTS", EVENTS)), int(os.environ.get("BENCH_DAYS", DAYS))
    with harness.running_registry() as registry:
        database = harness.database_url()
        with report.timed("fill_seconds"):
            event_log.fill(database, events=events, days=days)
        report.count("events", events)
        _compress(report, database, days)
        with httpx.Client(
            base_url=registry.url, headers={"Authorization": f"Bearer {registry.token}"}, timeout=60
        ) as client:
            for name, chosen in FILTERS.items():
                _asked(report, client, name, chosen)


def _compress(report: Report, database: str, days: int) -> None:
    """The oldest day: how small, how fast, and how long everybody waited."""
    day = datetime.now(UTC).date() - timedelta(days=days - 1)
    command = [sys.executable, "manage.py", "compress_partition", day.isoformat()]
    subprocess.run(command, cwd=CHECKOUT, env={**os.environ, "DATABASE_URL": database}, check=True)
    with psycopg.connect(database) as session:
        row = session.execute(
            "SELECT events, bytes_before, bytes_after, raw_before, raw_after, seconds, locked_ms FROM events_coldpartition"
        ).fetchone()
    assert row is not None
    count, before, after, raw_before, raw_after, seconds, locked_ms = row
    report.metric("compressed_events_per_s", count / seconds, "events/s")
    report.metric("locked_ms", locked_ms, "ms")
    report.metric("raw_bytes_per_event", raw_before / count, "bytes")
    report.metric("frame_bytes_per_event", raw_after / count, "bytes")
    report.ratio("raw_to_frames", raw_before / raw_after)
    report.ratio("partition_before_to_after", before / after)


def _asked(report: Report, client: httpx.Client, name: str, chosen: dict[str, str]) -> None:
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        answer = client.get("/api/v1/events", params={**chosen, "limit": "50"})
        times.append((time.perf_counter() - began) * 1000)
        if answer.status_code != 200:
            print(name, answer.json()["message"])
            break
    report.count(f"{name}_found", len(answer.json().get("items", [])))
    report.metric(f"{name}_p50", percentile(times, 0.5), "ms")
    report.metric(f"{name}_p99", percentile(times, 0.99), "ms")


if __name__ == "__main__":
    harness.main(measure)
