"""The foundation's two promises in figures: by-id reads from memory, and acknowledged events that stay.

Reads: the fast path beside the same answer through Django REST framework and beside an empty granian
application, all in one run. Events: clients send batches while web and worker processes are killed;
every acknowledged event has to be in the table once.
"""

import contextlib
import json
import socket
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import httpx

from benchmarks import harness, ingest_load
from benchmarks.harness import Report
from benchmarks.http_load import Load, load
from registry.local import connection
from registry.local.connection import Connection
from registry.local.home import DATABASE_URL_FILE, home_named

SCHEMA = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "required": ["order_id"],
    "properties": {
        "order_id": {"type": "string"},
        **{f"field_{n}": {"type": "string", "description": "One of many fields."} for n in range(12)},
    },
}
SECONDS = 5.0
CONNECTIONS = 16
EVENTS = 200_000
BATCH = 500
CLIENTS = 4
KILLS = 5


def measure(report: Report) -> None:
    with harness.running_registry() as registry:
        reads(report, registry)
    with harness.running_registry() as registry:
        events(report, registry, kills=0)
    with harness.running_registry() as registry:
        events(report, registry, kills=KILLS)


def reads(report: Report, registry: Connection) -> None:
    schema_id = _register(registry)
    fast, through_drf = f"/api/v1/schemas/ids/{schema_id}", f"/api/v1/schemas/ids/{schema_id}?format="
    _assert_equal_answers(registry, fast, through_drf)
    address = urllib.parse.urlsplit(registry.url)
    token = {"Authorization": f"Bearer {registry.token}"}
    _add(report, "by_id_fast_path", _load(address.hostname, address.port, fast, token))
    _add(report, "by_id_through_drf", _load(address.hostname, address.port, through_drf, token))
    with _empty_application() as port:
        _add(report, "granian_hello_world", _load("127.0.0.1", port, "/", {}))
    rate = {name: float(metric["value"]) for name, metric in report.metrics.items()}
    report.ratio(
        "fast_path_to_drf", rate["by_id_fast_path_per_second"] / rate["by_id_through_drf_per_second"]
    )
    report.ratio(
        "fast_path_to_hello_world",
        rate["by_id_fast_path_per_second"] / rate["granian_hello_world_per_second"],
    )


def _register(registry: Connection) -> int:
    answer = httpx.post(
        f"{registry.api}/subjects/bench.order/versions",
        headers={"Authorization": f"Bearer {registry.token}"},
        json={"schemaType": "JSON", "schema": json.dumps(SCHEMA)},
    )
    answer.raise_for_status()
    schema_id: int = answer.json()["id"]
    return schema_id


def _assert_equal_answers(registry: Connection, *paths: str) -> None:
    """Right before fast: both ways give the same schema, and neither does without a token."""
    told = []
    for path in paths:
        denied = httpx.get(registry.url + path)
        given = httpx.get(registry.url + path, headers={"Authorization": f"Bearer {registry.token}"})
        if denied.status_code != 401 or given.status_code != 200:
            raise SystemExit(
                f"{path} answered {denied.status_code} without and {given.status_code} with a token."
            )
        told.append(given.json())
    if told[0] != told[1] or json.loads(told[0]["schema"]) != SCHEMA:
        raise SystemExit(f"{paths[0]} and {paths[1]} answer differently.")


def _load(host: str | None, port: int | None, path: str, headers: dict[str, str]) -> Load:
    assert host
    assert port
    load(host, port, path, headers, seconds=1.0, connections=CONNECTIONS)  # warms caches and connections
    return load(host, port, path, headers, seconds=SECONDS, connections=CONNECTIONS)


def _add(report: Report, name: str, one: Load) -> None:
    report.metric(f"{name}_per_second", one.per_second, "requests/s")
    report.metric(f"{name}_p50", one.p50_ms, "ms")
    report.metric(f"{name}_p99", one.p99_ms, "ms")
    report.count(f"{name}_requests", one.requests)
    report.duration(f"{name}_seconds", one.seconds)


@contextlib.contextmanager
def _empty_application() -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    argv = [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port), "--workers", "2"]
    server = subprocess.Popen(
        [*argv, "--no-ws", "benchmarks.hello:application"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}/")
        yield port
    finally:
        server.terminate()
        server.wait(20)


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            httpx.get(url)
            return
        time.sleep(0.1)
    raise SystemExit(f"{url} did not answer within 20 s.")


def events(report: Report, registry: Connection, *, kills: int) -> None:
    """Every acknowledged event is stored once and positions have no gap, whatever was killed; then how fast."""
    home = home_named()
    result = ingest_load.load(
        registry.url,
        registry.token,
        events=EVENTS,
        clients=CLIENTS,
        batch=BATCH,
        kills=kills,
        victims=lambda: _victims(home),
    )
    check = ingest_load.verify((home / DATABASE_URL_FILE).read_text(encoding="ascii").strip(), result)
    if not check.ok or result.acknowledged != EVENTS or result.kills != kills:
        raise SystemExit(f"Acknowledged and stored differ: {result.as_dict()} {check.as_dict()}")
    name = "ingest_with_kills" if kills else "ingest"
    report.metric(f"{name}_events_per_s", result.events_per_s, "events/s")
    report.metric(f"{name}_batch_p50", result.p50_ms, "ms")
    report.metric(f"{name}_batch_p99", result.p99_ms, "ms")
    for counted in ("sent", "acknowledged", "kills"):
        report.count(f"{name}_{counted}", getattr(result, counted))
    report.count(f"{name}_stored", check.stored)
    report.count(f"{name}_stored_twice", check.twice)
    report.count(f"{name}_lost", check.lost)
    report.duration(f"{name}_seconds", result.seconds)


def _victims(home: Path) -> list[int]:
    """The web server's processes and the workers, as they are at this moment."""
    found = connection.find(home)
    pids = {} if found is None else found.pids
    mains = [pid for name, pid in pids.items() if name in {"web", "alerts", "replay", "work"}]
    return mains + _children_of(pids.get("web", 0))


def _children_of(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


if __name__ == "__main__":
    harness.main(measure)
