"""Replays: how well events keep their moments, to a target within the server and to a webhook, and how fast they can go.

Each event's plan and departure are the run's own record, which the benchmark reads as anybody can; the webhook is timed by
its receiver. BENCH_REPLAY_EVENTS is the length of the runs within the server.
"""

import os
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from benchmarks import harness
from benchmarks.harness import Report, percentile, told
from registry.local.connection import Connection
from registry.local.demo.receiver import Receiver

EVENTS = int(os.environ.get("BENCH_REPLAY_EVENTS", "10000"))
# 1,000 events a second at ×1.
GAP = 0.001
WEBHOOK_EVENTS, WEBHOOK_GAP, WEBHOOK_SPEED = 400, 0.1, 5.0
_BATCH = 2_000
SUBJECT = "NODE_START"
CANDIDATE = {"to": "schema", "subject": SUBJECT, "version": "1.0.0"}


def measure(report: Report) -> None:
    with harness.running_registry() as registry:
        replays(report, registry)


def replays(report: Report, registry: Connection) -> None:
    """All of it against a registry that runs."""
    with harness.api(registry) as api:
        _stored(api, "bench-within", EVENTS, GAP)
        _punctual(report, api)
        _as_fast_as_possible(report, api)
        _to_a_webhook(report, registry, api)


def _punctual(report: Report, api: httpx.Client) -> None:
    run = _played(api, "bench-within", {"to": "browser", "speed": 1})
    errors = [abs(item["late_ms"]) for item in _items(api, run["id"])]
    report.count("replayed_at_x1", len(errors))
    report.duration("replay_at_x1_seconds", _seconds(run))
    report.metric("replay_timing_error_p50_ms", percentile(errors, 0.5), "ms")
    report.metric("replay_timing_error_p99_ms", percentile(errors, 0.99), "ms")
    report.metric("replay_timing_error_max_ms", max(errors), "ms")


def _as_fast_as_possible(report: Report, api: httpx.Client) -> None:
    for name, target in (("watched", {"to": "browser"}), ("judged", CANDIDATE), ("copied", {"to": "ingest"})):
        run = _played(api, "bench-within", target | {"speed": "max"})
        counts = told(api.get(f"replays/{run['id']}/outcomes"))["counts"]
        if sum(counts.values()) != EVENTS or run["failed"]:
            raise SystemExit(f"Not all events were {name}: {counts}.")
        report.duration(f"replay_{name}_seconds", _seconds(run))
        report.metric(f"replay_{name}_events_per_s", EVENTS / _seconds(run), "events/s")


def _played(api: httpx.Client, correlation: str, asked: dict[str, Any]) -> dict[str, Any]:
    run = told(api.post("replays", json={"correlation_id": correlation, **asked}))
    while not run["finished_at"]:
        time.sleep(0.2)
        run = told(api.get(f"replays/{run['id']}"))["replay"]
    if (run["state"], run["done"]) != ("completed", run["total"]):
        raise SystemExit(f"The replay is {run['state']} at {run['done']} of {run['total']}: {run['problem']}")
    return dict(run)


def _seconds(run: dict[str, Any]) -> float:
    began, ended = (datetime.fromisoformat(run[name]) for name in ("started_at", "finished_at"))
    return (ended - began).total_seconds()


def _items(api: httpx.Client, run: str) -> Iterator[dict[str, Any]]:
    page = told(api.get(f"replays/{run}/items"))
    while True:
        yield from page["items"]
        if not page["next"]:
            return
        page = told(api.get(f"replays/{run}/items", params={"after": page["next"]}))


def _to_a_webhook(report: Report, registry: Connection, api: httpx.Client) -> None:
    """How far from their moments events arrive: gaps at the receiver against gaps in the log, as they are scaled."""
    host, _, port = registry.receiver.rpartition(":")
    with Receiver(host, int(port)) as receiver:
        _stored(api, "bench-webhook", WEBHOOK_EVENTS, WEBHOOK_GAP)
        _played(
            api,
            "bench-webhook",
            {"to": "webhook", "target": receiver.url("/replay"), "speed": WEBHOOK_SPEED},
        )
        arrived = receiver.wait_for("/replay", WEBHOOK_EVENTS, 10)
    indexes = [int(message.headers["onex-replay-index"].partition("/")[0]) for message in arrived]
    if indexes != list(range(1, WEBHOOK_EVENTS + 1)):
        raise SystemExit(f"{len(arrived)} of {WEBHOOK_EVENTS} events arrived, or not in their order.")
    first = arrived[0].at
    errors = [
        abs(message.at - first - index * WEBHOOK_GAP / WEBHOOK_SPEED) * 1000
        for index, message in enumerate(arrived)
    ]
    report.count("replayed_to_webhook", len(arrived))
    report.duration("replay_to_webhook_seconds", arrived[-1].at - first)
    report.metric("replay_to_webhook_error_p50_ms", percentile(errors, 0.5), "ms")
    report.metric("replay_to_webhook_error_p99_ms", percentile(errors, 0.99), "ms")
    report.metric("replay_to_webhook_error_max_ms", max(errors), "ms")


def _stored(api: httpx.Client, correlation: str, count: int, gap: float) -> None:
    began = datetime.now(UTC) - timedelta(hours=1)
    events = [
        {
            "event_id": str(uuid.uuid4()),
            "timestamp": (began + timedelta(seconds=number * gap)).isoformat(),
            "node_id": "bench",
            "event_type": SUBJECT,
            "schema_version": "1.0.0",
            "correlation_id": correlation,
            "metadata": {"input_state": {}},
        }
        for number in range(count)
    ]
    for start in range(0, count, _BATCH):
        counts = told(api.post("events", json=events[start : start + _BATCH]))["counts"]
        if set(counts) - {"stored", "stored_with_violations"}:
            raise SystemExit(f"Not all events were stored: {counts}.")


if __name__ == "__main__":
    harness.main(measure)
