"""The SDK as programs use it: what `emit` costs the caller, and how much a second arrives as committed rows.

Before anything is timed, an event that breaks its schema has to be kept back and one that keeps it has to arrive. Beside it the
SDKs that people know, each emitting the same events: those that are not installed (benchmarks/peers/README.md) are left out and named.
"""

import json
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import harness, ingest_load
from benchmarks.harness import Report, percentile
from onex_sdk import Client, Options, RegistryClient
from registry.local.connection import Connection

WARM, EMITTED = 2_000, 20_000
VALIDATED = 5_000
END_TO_END = 60_000
# What a program may hold while the server is away, and how many events it emits then.
HELD_EVENTS, AWAY = 10_000, 300_000
PEERS = Path(__file__).parent / "peers"
PEERS_PYTHON = PEERS / ".venv-sdk" / "bin" / "python"
# Nobody listens there.
NOWHERE = "http://127.0.0.1:9"


def measure(report: Report) -> None:
    with harness.running_registry() as registry:
        _emitting(report, registry)
        _validation(report, registry)
        _to_the_end(report, registry)
    _away(report)
    _peers(report)


def _events(run: str, count: int) -> list[dict[str, Any]]:
    rnd = random.Random(run)
    return [ingest_load.onex_event(run, rnd) for _ in range(count)]


def _client(registry: Connection, **options: Any) -> Client:
    given = {"url": registry.url, "token": registry.token, "service": "load", "report_seconds": 0, **options}
    return Client(Options.read(given, {}))


def _emit(client: Client, event: dict[str, Any]) -> str | None:
    return client.emit(
        event["event_type"],
        event["metadata"],
        node_id=event["node_id"],
        correlation_id=event["correlation_id"],
        schema_version=event["schema_version"],
    )


def _emitting(report: Report, registry: Connection) -> None:
    """One event a call, the sending thread beside it, as it is in a program; the queue holds them all."""
    for validation in ("off", "strict"):
        client = _client(registry, validation=validation, queue_events=2 * EMITTED)
        events = _events(f"emit-{validation}", WARM + EMITTED)
        client.prepare(*{event["event_type"] for event in events}, schema_version="1.1.0")
        _check_judging(client, events[0], validation)
        times = _timed(lambda event, client=client: _emit(client, event), events)
        if not client.flush(120) or client.stats()["stored"] < len(events):
            raise SystemExit(f"Not every event arrived: {client.stats()}")
        client.close()
        report.count(f"emitted_{validation}", len(times))
        name = "emit" if validation == "off" else f"emit_{validation}"
        report.metric(f"{name}_p50_us", percentile(times, 0.5), "µs")
        report.metric(f"{name}_p99_us", percentile(times, 0.99), "µs")


def _check_judging(client: Client, event: dict[str, Any], validation: str) -> None:
    """Right before fast."""
    refused = client.emit("NODE_START", {}, schema_version="1.1.0")
    if (refused is None) != (validation == "strict") or _emit(client, event) is None or not client.flush(60):
        raise SystemExit(f"Validation {validation} did not judge as it should: {client.stats()}")


def _timed(emit: Callable[[dict[str, Any]], object], events: list[dict[str, Any]]) -> list[float]:
    """Microseconds of each call but the first ones."""
    times = []
    for event in events:
        began = time.perf_counter()
        emit(event)
        times.append((time.perf_counter() - began) * 1e6)
    return times[WARM:]


def _validation(report: Report, registry: Connection) -> None:
    events = _events("validated", WARM + VALIDATED)
    with RegistryClient(registry.url, registry.token, timeout=60) as client:
        if not client.validate("NODE_START", {}, "1.1.0"):
            raise SystemExit("A NODE_START without its input_state passed.")
        times = _timed(
            lambda event: client.validate(event["event_type"], event["metadata"], event["schema_version"]),
            events,
        )
    report.count("validated", len(times))
    report.metric("validate_event_p50_us", percentile(times, 0.5), "µs")
    report.metric("validate_event_p99_us", percentile(times, 0.99), "µs")


def _to_the_end(report: Report, registry: Connection) -> None:
    """One program that emits as fast as it can and waits where the queue is full, until the last event is acknowledged."""
    events = _events("end", END_TO_END)
    client = _client(registry, overflow="block", block_timeout=120)
    with report.timed("end_to_end"):
        for event in events:
            _emit(client, event)
        if not client.flush(300):
            raise SystemExit(f"Events still wait: {client.stats()}")
    client.close()
    stored, different = harness.row(
        harness.database_url(),
        "SELECT count(*), count(DISTINCT event_id) FROM events_event WHERE node_id LIKE 'load-end-%'",
    )
    report.count("sent", len(events))
    report.count("stored", stored)
    report.count("stored_twice", stored - different)
    report.metric("end_to_end_events_per_s", stored / report.durations["end_to_end"], "events/s")
    report.metric("lost", len(events) - different, "events")


def _away(report: Report) -> None:
    """How much a program grows that emits to a server that is not there."""
    client = Client(
        Options.read({"url": NOWHERE, "token": "none", "queue_events": HELD_EVENTS, "report_seconds": 0}, {})
    )
    events = _events("away", 1_000)
    for event in events * (2 * HELD_EVENTS // len(events)):
        _emit(client, event)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for event in events * (AWAY // len(events)):
        _emit(client, event)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    held = client.stats()
    client.close(timeout=0)
    if held["queued"] > HELD_EVENTS or held["emitted"] != held["queued"] + held["dropped_queue_full"]:
        raise SystemExit(f"Events are not accounted for: {held}")
    report.count("emitted_while_away", AWAY)
    report.metric("away_queue_bytes", held["queued_bytes"], "bytes")
    report.metric("away_growth_mb", grown / 1024, "MB")


def _peers(report: Report) -> None:
    if not PEERS_PYTHON.exists():
        print("Other SDKs are not installed here; benchmarks/peers/install does it.")
        return
    events = _events("peers", WARM + EMITTED)
    done = subprocess.run(
        [PEERS_PYTHON, PEERS / "sdks_driver.py", str(WARM)],
        input="\n".join(json.dumps(event) for event in events),
        env={"PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"The other SDKs could not be measured; {sys.executable} said why above.")
    ours = float(report.metrics["emit_p50_us"]["value"])
    for name, found in json.loads(done.stdout).items():
        report.metric(f"{name}_p50_us", found["p50_us"], "µs")
        report.metric(f"{name}_p99_us", found["p99_us"], "µs")
        report.count(f"{name}_arrived", found["arrived"])
        report.ratio(f"emit_to_{name}", ours / found["p50_us"])


if __name__ == "__main__":
    harness.main(measure)
