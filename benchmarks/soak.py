"""Does the memory of the web server and the workers stay flat while events come in and are asked for?

BENCH_SECONDS is for how long (600 by default). Memory is the proportional share (PSS) of each process, several times a
minute; the slope is that of a line through the second half, when caches are full.
"""

import os
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from benchmarks import harness, ingest_load
from benchmarks.harness import Report
from registry.local import connection
from registry.local.connection import Connection
from registry.local.home import home_named

SECONDS = 600.0
SAMPLES = 120
BATCH = 200
#: Who is looked at; "web" with the processes that answer its requests.
WATCHED = ("web", "alerts", "replay", "work", "beat")
QUERIES = (
    "events?limit=50",
    "events?type=NODE_*&limit=50",
    "events?error_code=ONEX_STAMP&limit=50",
    "events?valid=false&limit=50",
    "subjects?limit=50",
)


def measure(report: Report) -> None:
    seconds = float(os.environ.get("BENCH_SECONDS", SECONDS))
    with harness.running_registry() as registry:
        stop, done = threading.Event(), {"events": 0, "queries": 0}
        works: tuple[Callable[[Connection, threading.Event, dict[str, int]], None], ...] = (_ingest, _query)
        problems: list[str] = []
        threads = [
            threading.Thread(target=_noting, args=(problems, lambda work=work: work(registry, stop, done)))
            for work in works
        ]
        for thread in threads:
            thread.start()
        samples = _watch(seconds, problems)
        stop.set()
        for thread in threads:
            thread.join(60)
        (stored,) = harness.row(
            harness.database_url(), "SELECT count(*) FROM events_event WHERE node_id LIKE 'load-soak-%'"
        )
    if not done["events"] or stored != done["events"]:
        raise SystemExit(f"{done['events']} events were acknowledged, and {stored} are stored.")
    report.count("events", done["events"])
    report.count("queries", done["queries"])
    report.duration("seconds", seconds)
    for name in WATCHED:
        _add(report, name, [(at, memory[name]) for at, memory in samples])


def _add(report: Report, name: str, samples: list[tuple[float, float]]) -> None:
    later = samples[len(samples) // 2 :]
    report.metric(f"{name}_first_mb", samples[0][1], "MB")
    report.metric(f"{name}_last_mb", samples[-1][1], "MB")
    report.metric(f"{name}_most_mb", max(memory for _, memory in samples), "MB")
    report.metric(f"{name}_slope_mb_per_minute", _slope(later) * 60, "MB/min")


def _slope(points: list[tuple[float, float]]) -> float:
    """Of the line with the least squares, in y per x."""
    middle_x = sum(x for x, _ in points) / len(points)
    middle_y = sum(y for _, y in points) / len(points)
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    return sum((x - middle_x) * (y - middle_y) for x, y in points) / spread if spread else 0.0


def _noting(problems: list[str], work: Callable[[], None]) -> None:
    """A thread that ends by an exception would end silently."""
    try:
        work()
    except (SystemExit, httpx.HTTPError) as refused:
        problems.append(str(refused) or repr(refused))


def _watch(seconds: float, problems: list[str]) -> list[tuple[float, dict[str, float]]]:
    began, samples = time.monotonic(), []
    for number in range(1, SAMPLES + 1):
        time.sleep(max(0.0, began + seconds * number / SAMPLES - time.monotonic()))
        if problems:
            raise SystemExit(f"A client gave up: {problems[0]}")
        samples.append((time.monotonic() - began, _memory()))
    return samples


def _memory() -> dict[str, float]:
    """MB of each watched process with its children."""
    found = connection.find(home_named())
    if found is None:
        raise SystemExit("The registry has ended.")
    return {name: sum(_pss(pid) for pid in _family(found.pids[name])) / 1024 for name in WATCHED}


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [pid, *(one for child in children for one in _family(int(child)))]


def _pss(pid: int) -> int:
    """Kilobytes, pages shared with others counted by their share."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def _ingest(registry: Connection, stop: threading.Event, done: dict[str, int]) -> None:
    rnd = random.Random(time.time_ns())
    with harness.api(registry) as api:
        while not stop.is_set():
            batch = [ingest_load.onex_event("soak", rnd) for _ in range(BATCH)]
            answer = harness.told(api.post("events", json=batch))
            done["events"] += answer["counts"].get("stored", 0)


def _query(registry: Connection, stop: threading.Event, done: dict[str, int]) -> None:
    with harness.api(registry) as api:
        while not stop.is_set():
            for query in QUERIES:
                harness.told(api.get(query))
                done["queries"] += 1
            newest = harness.told(api.get("events?limit=1"))["items"]
            if newest and newest[0]["correlation_id"]:
                harness.told(api.get(f"correlations/{newest[0]['correlation_id']}"))
                done["queries"] += 1
            stop.wait(0.2)


if __name__ == "__main__":
    harness.main(measure)
