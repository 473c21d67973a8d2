"""What every benchmark shares: where it ran, a running registry, and a report for people and for machines.

A benchmark is a module with `def measure(report: Report) -> None` that ends in `harness.main(measure)`.
It checks that the answers are right before it times them, and counts what it sent, so that each metric can be
recomputed from the JSON.
"""

import argparse
import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg

from registry.local import connection
from registry.local.connection import Connection
from registry.local.home import CHECKOUT, DATABASE_URL_FILE, discard, home_named, open_home

START_SECONDS = 120


@dataclass
class Report:
    """Figures by name. Metrics have a unit; counts and durations (seconds) are what they were computed from."""

    metrics: dict[str, dict[str, float | str]] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    durations: dict[str, float] = field(default_factory=dict)

    def metric(self, name: str, value: float, unit: str) -> None:
        self.metrics[name] = {"value": value, "unit": unit}

    def ratio(self, name: str, value: float) -> None:
        self.ratios[name] = value

    def count(self, name: str, value: int) -> None:
        self.counts[name] = value

    def duration(self, name: str, seconds: float) -> None:
        self.durations[name] = seconds

    @contextlib.contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Record how long the body took."""
        began = time.perf_counter()
        yield
        self.duration(name, time.perf_counter() - began)


def main(measure: Callable[[Report], None]) -> None:
    """Measure, print the table, and write the JSON that `--json FILE` asks for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    report = Report()
    measure(report)
    _print_table(report)
    if options.json:
        document = {**vars(report), "machine": machine(), **commit(), "measured_at": _now()}
        options.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


@contextlib.contextmanager
def running_registry(**settings: str) -> Iterator[Connection]:
    """A registry of the benchmark's own, started empty on a free port with these environment settings."""
    home = home_named()
    discard(home)
    open_home(home)
    argv = [sys.executable, "-m", "registry.local", "serve", "--port", "0"]
    stack = subprocess.Popen(
        argv,
        cwd=CHECKOUT,
        env={**os.environ, "ONEX_HOME": str(home), **settings},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield _when_up(home, stack)
    finally:
        stack.send_signal(signal.SIGTERM)
        stack.wait(30)


def _when_up(home: Path, stack: subprocess.Popen[bytes]) -> Connection:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        found = connection.find(home)
        if found:
            return found
        if stack.poll() is not None:
            raise SystemExit("The registry did not start; it says why above.")
        time.sleep(0.1)
    raise SystemExit(f"The registry was not up after {START_SECONDS} s. Its logs are in {home / 'logs'}.")


def api(registry: Connection) -> httpx.Client:
    """HTTP with the administrator's token; paths begin behind /api/v1/."""
    headers = {"Authorization": f"Bearer {registry.token}"}
    return httpx.Client(base_url=registry.api + "/", headers=headers, timeout=60, trust_env=False)


def told(answer: httpx.Response) -> Any:
    """The JSON of an answer that must not be an error."""
    if not answer.is_success:
        raise SystemExit(f"{answer.request.url} answered {answer.status_code}: {answer.text}")
    return answer.json()


def database_url() -> str:
    """Of the running registry's database, to look whether it holds what clients were told."""
    return (home_named() / DATABASE_URL_FILE).read_text(encoding="ascii").strip()


def row(database: str, query: str) -> tuple[Any, ...]:
    """The first row of the answer."""
    with psycopg.connect(database) as session:
        found = session.execute(query).fetchone()
    if found is None:
        raise SystemExit(f"Nothing was found: {query}")
    return tuple(found)


def percentile(values: Iterable[float], share: float) -> float:
    """The value that `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def machine() -> dict[str, str | int]:
    """Enough to judge a figure by."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count() or 0,
        "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def commit() -> dict[str, str | bool]:
    """The commit that was measured, and whether the files differ from it."""
    return {
        "commit": _git("rev-parse", "HEAD") or "unknown",
        "modified": bool(_git("status", "--porcelain", "--untracked-files=no")),
    }


def _git(*argv: str) -> str:
    with contextlib.suppress(FileNotFoundError):
        return subprocess.run(
            ["git", *argv], cwd=CHECKOUT, capture_output=True, text=True, check=False
        ).stdout.strip()
    return ""


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _print_table(report: Report) -> None:
    here, state = machine(), commit()
    rows = [(name, _figure(one["value"]), str(one["unit"])) for name, one in report.metrics.items()]
    rows += [(name, f"{value:.2f}", "x") for name, value in report.ratios.items()]
    rows += [(name, f"{count:,}", "") for name, count in report.counts.items()]
    rows += [(name, f"{seconds:.2f}", "s") for name, seconds in report.durations.items()]
    width = max((len(name) for name, _, _ in rows), default=0)
    for name, value, unit in rows:
        print(f"{name:<{width}}  {value:>14} {unit}")
    print(
        f"\n{here['processor']}, {here['cores']} cores, {here['memory_mb']} MB, Python {here['python']}, "
        f"commit {str(state['commit'])[:12]}{' (modified)' if state['modified'] else ''}"
    )


def _figure(value: float | str) -> str:
    if isinstance(value, str) or value == 0:
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
