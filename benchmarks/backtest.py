"""Backtests: how long trying a rule on a filled log takes, and whether the planted bursts are found, all and no others.

BENCH_BACKTEST_EVENTS is the size of the log. Bursts of failures are planted in it with a recorded seed, beside groups that stay
just below the threshold; what is selected is 1 % of the log.
"""

import os
import random
import time
from datetime import timedelta
from typing import Any

import httpx
import psycopg

from benchmarks import event_log, harness
from benchmarks.harness import Report, told

EVENTS = "1000000"
THRESHOLD, WINDOW = 5, 60
PATIENCE = 300.0
_BURSTS = 200


def measure(report: Report) -> None:
    count = int(os.environ.get("BENCH_BACKTEST_EVENTS", EVENTS))
    with harness.running_registry() as registry, harness.api(registry) as api:
        database = harness.database_url()
        with report.timed("filling"):
            event_log.fill(database, events=count, days=10)
        planted = _plant(database, random.Random(1))
        _columns(report, api, count, planted)
        _documents(report, api, count)


def _plant(database: str, chance: random.Random) -> set[str]:
    """Turns events into failures of nodes of their own: bursts, and stretches with one too few. The nodes with a burst."""
    bursting: set[str] = set()
    with psycopg.connect(database, autocommit=True) as session:
        rows = session.execute(
            "SELECT position, received_at FROM events_event TABLESAMPLE BERNOULLI (2) ORDER BY position"
        ).fetchall()
        # No two of them share an event.
        places = chance.sample(range(0, len(rows) - THRESHOLD, THRESHOLD), _BURSTS)
        for number, first in enumerate(places):
            node, many = f"planted-{number:03}", number % 2 == 0
            begins = rows[first][1]
            for place in range(THRESHOLD if many else THRESHOLD - 1):
                position, received = rows[first + place]
                session.execute(
                    "UPDATE events_event SET event_type = 'bench.failure', node_id = %s, occurred_at = %s"
                    " WHERE position = %s AND received_at = %s",
                    [node, min(begins + timedelta(seconds=place), received), position, received],
                )
            if many:
                bursting.add(node)
    return bursting


def _columns(report: Report, api: httpx.Client, count: int, planted: set[str]) -> None:
    """A rule about columns of the log."""
    rule = {
        "selector": {"field": "event_type", "op": "eq", "value": "bench.failure"},
        "threshold": THRESHOLD,
        "window_seconds": WINDOW,
        "group_by": ["node_id"],
    }
    found = _backtest(report, api, "planted", rule)
    told_nodes = {one["group"]["node_id"] for one in found["shown"]}
    report.count("looked_at", found["looked_at"])
    report.count("episodes_missing", len(planted - told_nodes))
    report.count("episodes_invented", len(told_nodes - planted))
    if found["looked_at"] != count or told_nodes != planted:
        raise SystemExit("The backtest did not find exactly the planted bursts.")


def _documents(report: Report, api: httpx.Client, count: int) -> None:
    """A rule that looks into the documents of the most frequent types: the database narrows down, the predicate asks again."""
    rule = {
        "selector": {"all": [{"field": "error_code", "op": "exists", "value": True}]},
        "threshold": 50,
        "window_seconds": 3600,
        "group_by": ["node_id", "event_type"],
    }
    found = _backtest(report, api, "codes", rule)
    report.count("codes_matched", found["matched"])
    if found["looked_at"] != count or not found["matched"]:
        raise SystemExit("The backtest did not read the whole log.")


def _backtest(report: Report, api: httpx.Client, name: str, rule: dict[str, Any]) -> dict[str, Any]:
    began = time.monotonic()
    started = told(api.post("alerts/backtests", json={"name": name, **rule}))
    progress: set[int] = set()
    while started["state"] == "running":
        if time.monotonic() - began > PATIENCE:
            raise SystemExit(f"The backtest {name} did not end.")
        time.sleep(0.1)
        started = told(api.get(f"alerts/backtests/{started['id']}"))
        progress.add(started["done"])
    if started["state"] != "completed":
        raise SystemExit(f"The backtest {name} is {started['state']}: {started['problem']}")
    seconds = time.monotonic() - began
    report.metric(f"{name}_s", round(seconds, 2), "s")
    report.metric(f"{name}_events_per_s", round(started["result"]["looked_at"] / seconds), "events/s")
    report.count(f"{name}_progress_seen", len(progress))
    return dict(started["result"])


if __name__ == "__main__":
    harness.main(measure)
