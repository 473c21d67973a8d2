"""The catalogue as it grows: publishing from many clients, and what lists and by-id reads cost at each size.

Every subject gets two versions, so that every second upload is judged against the first under BACKWARD.
BENCH_CATALOGUE_SIZES names the sizes (numbers of versions, ascending) at which reads are measured.
"""

import http.client
import json
import os
import queue
import threading
import time
from itertools import pairwise
from typing import Any
from urllib.parse import quote, urlsplit

from benchmarks import harness
from benchmarks.harness import Report, percentile
from registry.local.connection import Connection

SIZES = "100,500,2000"
CLIENTS = 8
READS = 200
FIELDS = 21  # gives a schema of about 2 KB


def measure(report: Report) -> None:
    sizes = sorted(int(size) for size in os.environ.get("BENCH_CATALOGUE_SIZES", SIZES).split(","))
    with harness.running_registry() as registry:
        _assert_compatibility_is_on(registry)
        ids: list[int] = []
        for before, size in pairwise([0, *sizes]):
            ids += _publish(report, registry, before // 2, size // 2)
            _read(report, registry, size, ids)
    report.count("versions", len(ids))
    report.metric(
        "publish_versions_per_s",
        len(ids) / sum(report.durations[f"publish_to_{size}"] for size in sizes),
        "versions/s",
    )
    _growth(report, sizes[0], sizes[-1])


def _growth(report: Report, smallest: int, largest: int) -> None:
    """What an operation costs at the largest size, as a multiple of what it costs at the smallest."""
    for name in ("publish_p50", "list_page_p50", "list_page_p99", "versions_p50", "by_id_p50", "by_id_p99"):
        first, last = (float(report.metrics[f"{name}_at_{size}"]["value"]) for size in (smallest, largest))
        report.ratio(f"{name}_growth", last / first)


def _schema(number: int, *, second: bool) -> str:
    """About 2 KB, no two alike; the second version of a subject adds an optional field."""
    names = [f"field_{number}_{one}" for one in range(FIELDS + second)]
    properties = {
        name: {"type": "string", "maxLength": 200, "description": f"What {name} says."} for name in names
    }
    return json.dumps({"type": "object", "required": names[:3], "properties": properties})


class _Client:
    """One kept-open connection."""

    def __init__(self, registry: Connection) -> None:
        parts = urlsplit(registry.api)
        self._base = parts.path
        self._headers = {
            "Authorization": f"Bearer {registry.token}",
            "Content-Type": "application/vnd.schemaregistry.v1+json",
        }
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any, float]:
        """Status, answer and milliseconds."""
        sent = None if body is None else json.dumps(body).encode()
        began = time.perf_counter()
        self._connection.request(method, f"{self._base}/{path}", sent, self._headers)
        response = self._connection.getresponse()
        answer = response.read()
        took = (time.perf_counter() - began) * 1000
        return response.status, json.loads(answer), took

    def publish(self, number: int, *, second: bool) -> tuple[int, float]:
        """The version's id, and milliseconds."""
        body = {"schemaType": "JSON", "schema": _schema(number, second=second)}
        status, answer, took = self.ask("POST", f"subjects/{_subject(number)}/versions", body)
        if status != 200:
            raise SystemExit(f"Publishing answered {status}: {answer}")
        return int(answer["id"]), took


def _subject(number: int) -> str:
    return quote(f"bench.catalogue.{number:06}", safe="")


def _assert_compatibility_is_on(registry: Connection) -> None:
    """Right before fast: an incompatible second version is refused."""
    client = _Client(registry)
    for schema, expected in (({"type": "string"}, 200), ({"type": "integer"}, 409)):
        body = {"schemaType": "JSON", "schema": json.dumps(schema)}
        status, answer, _ = client.ask("POST", "subjects/bench.refused/versions", body)
        if status != expected:
            raise SystemExit(f"An upload was answered {status} instead of {expected}: {answer}")


def _publish(report: Report, registry: Connection, first: int, last: int) -> list[int]:
    """Two versions of each of these subjects from CLIENTS connections at once; their ids, all different."""
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(first, last):
        waiting.put(number)
    told: list[tuple[int, float]] = []

    def publish() -> None:
        client = _Client(registry)
        while True:
            try:
                number = waiting.get_nowait()
            except queue.Empty:
                return
            told.extend(client.publish(number, second=second) for second in (False, True))

    threads = [threading.Thread(target=publish) for _ in range(CLIENTS)]
    with report.timed(f"publish_to_{2 * last}"):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    ids = [schema_id for schema_id, _ in told]
    if len(set(ids)) != 2 * (last - first):
        raise SystemExit(f"{2 * (last - first)} different schemas got {len(set(ids))} different ids.")
    times = [took for _, took in told]
    report.metric(f"publish_p50_at_{2 * last}", percentile(times, 0.5), "ms")
    report.metric(f"publish_p99_at_{2 * last}", percentile(times, 0.99), "ms")
    return ids


def _read(report: Report, registry: Connection, size: int, ids: list[int]) -> None:
    client = _Client(registry)
    status, names, _ = client.ask("GET", "subjects?subjectPrefix=bench.catalogue.")
    if status != 200 or len(names) != size // 2:
        raise SystemExit(f"{len(names)} of {size // 2} subjects are listed.")
    chosen = [ids[one * len(ids) // READS] for one in range(READS)]
    addresses = {
        "list_all": ["subjects"] * READS,
        "list_page": [f"subjects?limit=50&offset={max(0, size // 2 - 50)}"] * READS,
        "versions": [f"subjects/{_subject(one * (size // 2) // READS)}/versions" for one in range(READS)],
        "by_id": [f"schemas/ids/{one}" for one in chosen],
    }
    for name, paths in addresses.items():
        times = []
        for path in paths:
            status, answer, took = client.ask("GET", path)
            if status != 200 or not answer:
                raise SystemExit(f"{path} answered {status}: {answer}")
            times.append(took)
        report.metric(f"{name}_p50_at_{size}", percentile(times, 0.5), "ms")
        report.metric(f"{name}_p99_at_{size}", percentile(times, 0.99), "ms")
        report.count(f"{name}_requests_at_{size}", len(times))


if __name__ == "__main__":
    harness.main(measure)
