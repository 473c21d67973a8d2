"""The SDK as producers use it: what validating costs, what sending a batch costs, and both to the end of the log.

`emit` with its queue is not there yet; these are the costs that a producer has today.
"""

import random
import time
from typing import Any

from benchmarks import harness, ingest_load
from benchmarks.harness import Report, percentile
from onex_sdk import RegistryClient

VALIDATED = 5_000
BATCH, BATCHES = 100, 200
ONE_BY_ONE = 300


def measure(report: Report) -> None:
    with (
        harness.running_registry() as registry,
        RegistryClient(registry.url, registry.token, timeout=60) as client,
    ):
        _validation(report, client)
        _one_by_one(report, client)
        _to_the_end(report, client)


def _events(run: str, count: int) -> list[dict[str, Any]]:
    rnd = random.Random(run)
    return [ingest_load.onex_event(run, rnd) for _ in range(count)]


def _validation(report: Report, client: RegistryClient) -> None:
    """Right before fast: what breaks its schema is told, what keeps it is not."""
    if not client.validate("NODE_START", {}, "1.1.0"):
        raise SystemExit("A NODE_START without its input_state passed.")
    events = _events("validated", VALIDATED)
    for event in events[:100]:
        _validate(client, event)
    times = []
    for event in events:
        began = time.perf_counter()
        _validate(client, event)
        times.append((time.perf_counter() - began) * 1e6)
    report.count("validated", len(times))
    report.duration("validating", sum(times) / 1e6)
    report.metric("validate_event_p50_us", percentile(times, 0.5), "µs")
    report.metric("validate_event_p99_us", percentile(times, 0.99), "µs")


def _validate(client: RegistryClient, event: dict[str, Any]) -> None:
    found = client.validate(event["event_type"], event["metadata"], event["schema_version"])
    if found:
        raise SystemExit(f"A valid event was said to break its schema: {found}")


def _one_by_one(report: Report, client: RegistryClient) -> None:
    """What a producer waits for that sends every event when it happens."""
    times = []
    for event in _events("single", ONE_BY_ONE):
        began = time.perf_counter()
        sent = client.send([event])
        times.append((time.perf_counter() - began) * 1e6)
        if sent.not_kept:
            raise SystemExit(f"An event was not kept: {sent.not_kept}")
    report.count("sent_singly", len(times))
    report.duration("sending_singly", sum(times) / 1e6)
    report.metric("send_one_p50_us", percentile(times, 0.5), "µs")
    report.metric("send_one_p99_us", percentile(times, 0.99), "µs")


def _to_the_end(report: Report, client: RegistryClient) -> None:
    """One producer that validates every event and sends them in batches, until the last is acknowledged."""
    events = _events("batches", BATCH * BATCHES)
    times, acknowledged = [], 0
    with report.timed("end_to_end"):
        for begin in range(0, len(events), BATCH):
            batch = events[begin : begin + BATCH]
            for event in batch:
                _validate(client, event)
            began = time.perf_counter()
            sent = client.send(batch)
            times.append((time.perf_counter() - began) * 1000)
            acknowledged += len(sent.results) - len(sent.not_kept)
    (stored,) = harness.row(
        harness.database_url(),
        "SELECT count(DISTINCT event_id) FROM events_event WHERE node_id LIKE 'load-batches-%'",
    )
    report.count("sent", len(events))
    report.count("acknowledged", acknowledged)
    report.count("stored", stored)
    report.metric(f"send_{BATCH}_p50_ms", percentile(times, 0.5), "ms")
    report.metric(f"send_{BATCH}_p99_ms", percentile(times, 0.99), "ms")
    report.metric("send_per_event_p50_us", percentile(times, 0.5) * 1000 / BATCH, "µs")
    report.metric("end_to_end_events_per_s", stored / report.durations["end_to_end"], "events/s")
    report.metric("lost", len(events) - stored, "events")


if __name__ == "__main__":
    harness.main(measure)
