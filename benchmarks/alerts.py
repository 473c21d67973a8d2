"""Alerts: how soon a commit reaches the channel, how fast the log is evaluated, and whether exactly the right episodes open.

BENCH_ALERT_EVENTS is the number of events of the evaluation.
"""

import json
import os
import random
import signal
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg

from benchmarks import harness
from benchmarks.harness import Report, percentile, told
from registry.local.connection import Connection
from registry.local.demo.receiver import Receiver

EVENTS = "50000"
BATCH = 500
DELIVERIES = 100
RULES = 10
THRESHOLD, WINDOW = 3, timedelta(seconds=60)
# How often a node fails and how many seconds apart; only the first makes an episode.
FAILING = ((THRESHOLD, 20.0), (THRESHOLD - 1, 20.0), (THRESHOLD, 45.0))
PATIENCE = 120.0


def measure(report: Report) -> None:
    with harness.running_registry() as registry, harness.api(registry) as api:
        _deliveries(report, registry, api)
    with harness.running_registry() as registry, harness.api(registry) as api:
        _evaluation(report, registry, api)


def _deliveries(report: Report, registry: Connection, api: httpx.Client) -> None:
    """One event after the other, each opening an episode of its own: from its acknowledgement to the receiver."""
    host, _, port = registry.receiver.rpartition(":")
    with Receiver(host, int(port)) as receiver:
        channel = {"name": "bench", "url": receiver.url("/alert")}
        made = told(api.post("alerts/channels", json=channel))["channel"]["id"]
        _rule(api, "every failure", threshold=1, channels=[made])
        committed = {}
        for number in range(DELIVERIES):
            node = f"delivery-{number:03}"
            told(api.post("events", json=[_failure(node, datetime.now(UTC))]))
            committed[node] = time.monotonic()
            receiver.wait_for("/alert", number + 1, PATIENCE)
    arrived: dict[str, float] = {}
    for message in receiver.at("/alert"):
        arrived.setdefault(_group(message.body), message.at)
    if arrived.keys() != committed.keys():
        raise SystemExit(f"{len(committed.keys() - arrived.keys())} of {DELIVERIES} alerts did not arrive.")
    took = [arrived[node] - at for node, at in committed.items()]
    report.count("delivered", len(arrived))
    report.metric("commit_to_delivered_p50_s", percentile(took, 0.5), "s")
    report.metric("commit_to_delivered_p99_s", percentile(took, 0.99), "s")


def _group(body: bytes) -> str:
    return str(json.loads(body)["data"]["group"]["node_id"])


def _evaluation(report: Report, registry: Connection, api: httpx.Client) -> None:
    """The evaluator stands still while events are stored; then it is let go, and catches up with all rules."""
    for number in range(RULES):
        _rule(api, f"bursts {number}", threshold=THRESHOLD, channels=[])
    database = harness.database_url()
    events, expected = _log(int(os.environ.get("BENCH_ALERT_EVENTS", EVENTS)))
    evaluator = registry.pids["alerts"]
    os.kill(evaluator, signal.SIGSTOP)
    try:
        with report.timed("storing"):
            for begin in range(0, len(events), BATCH):
                counts = told(api.post("events", json=events[begin : begin + BATCH]))["counts"]
                if sum(counts.get(one, 0) for one in ("stored", "stored_with_violations")) != sum(
                    counts.values()
                ):
                    raise SystemExit(f"Not all events were stored: {counts}")
        began, (behind,) = time.perf_counter(), harness.row(database, _LEAST_READ)
    finally:
        os.kill(evaluator, signal.SIGCONT)
    while harness.row(database, _LEFT)[0]:
        if time.perf_counter() - began > PATIENCE:
            raise SystemExit("The evaluator did not reach the end of the log.")
        time.sleep(0.02)
    report.duration("evaluation", time.perf_counter() - began)
    (head,) = harness.row(database, "SELECT position FROM events_loghead")
    report.count("evaluated_events", head - behind)
    report.count("evaluated_rules", RULES)
    report.metric("evaluation_events_per_s", (head - behind) / report.durations["evaluation"], "events/s")
    _compare(report, database, expected)


_LEAST_READ = "SELECT min(cursor) FROM alerts_rule"
_LEFT = "SELECT count(*) FROM alerts_rule, events_loghead WHERE cursor < position"


def _compare(report: Report, database: str, expected: set[str]) -> None:
    """For every rule, the nodes that made an episode against those that had to."""
    with psycopg.connect(database) as session:
        rows = session.execute("SELECT rule_id, \"group\"->>'node_id' FROM alerts_episode").fetchall()
        rules = [rule for (rule,) in session.execute("SELECT id FROM alerts_rule")]
    wanted = {(rule, node) for rule in rules for node in expected}
    found = set(rows)
    report.count("episodes_expected", len(wanted))
    report.count("episodes_found", len(rows))
    report.metric("episodes_missing", len(wanted - found), "episodes")
    report.metric("episodes_invented", len(rows) - len(wanted & found), "episodes")


def _log(count: int) -> tuple[list[dict[str, Any]], set[str]]:
    """Events in random order of nodes, and the nodes of which THRESHOLD failures lie within one window.

    A fifth are failures; nodes fail in a burst (an episode), once too few (none), or too far apart (none).
    """
    rnd = random.Random(1)
    began = datetime.now(UTC) - timedelta(minutes=6)
    failures = []
    expected = set()
    for number in range(count // 15):
        node, kind = f"node-{number:05}", number % len(FAILING)
        if kind == 0:
            expected.add(node)
        times, gap = FAILING[kind]
        start = began + timedelta(seconds=rnd.uniform(0, 60))
        failures += [_failure(node, start + timedelta(seconds=gap * one)) for one in range(times)]
    quiet = [
        _event("NODE_START", f"node-{one % 1000:05}", began + timedelta(seconds=one * 200 / count), {})
        for one in range(count - len(failures))
    ]
    everything = sorted(failures + quiet, key=lambda event: str(event["timestamp"]))
    return everything, expected


def _failure(node: str, at: datetime) -> dict[str, Any]:
    return _event("NODE_FAILURE", node, at, {"error": "the disk did not answer", "execution_time_ms": 3.5})


def _event(event_type: str, node: str, at: datetime, metadata: dict[str, Any]) -> dict[str, Any]:
    return {
        "event_id": str(uuid.uuid4()),
        "timestamp": at.isoformat(),
        "node_id": node,
        "event_type": event_type,
        "schema_version": "1.0.0",
        "metadata": {"input_state": {}, **metadata},
    }


def _rule(api: httpx.Client, name: str, *, threshold: int, channels: list[int]) -> None:
    rule = {
        "name": name,
        "selector": {"field": "event_type", "op": "eq", "value": "NODE_FAILURE"},
        "threshold": threshold,
        "window_seconds": int(WINDOW.total_seconds()),
        "group_by": ["node_id"],
        "channels": channels,
    }
    told(api.post("alerts/rules", json=rule))


if __name__ == "__main__":
    harness.main(measure)
