"""A program emits 100,000 events while the server is killed three times and the program once: nothing that was acknowledged
or on its disk is missing, nothing is stored twice, and sampled trees are whole."""

import json
import math
import os
import signal
import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path

import httpx
import psycopg
import pytest

from registry.local import connection
from registry.local.home import CHECKOUT, DATABASE_URL_FILE
from tests.onex import ok
from tests.waiting import until

pytestmark = [pytest.mark.journey, pytest.mark.timeout(400)]

NODE, PLAIN = "faulted_worker", "faulted.plain"
# A tree is two operations, one below the other, and a step: five events. Beside each, five events that are not sampled.
BLOCKS, TREES, OF_A_TREE, BESIDE = 10, 1_000, 5, 5
RATE = 0.1
PROGRAM = f"""
import os, sys
import onex_sdk

url, token, number, first, spool, acknowledged = sys.argv[1:]
told = os.open(acknowledged, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
client = onex_sdk.init(
    url, token, "faulted", node_id=f"{NODE}-{{number}}", spool_dir=spool, overflow="spool", breaker_seconds=0.5,
    exit_timeout=100, on_result=lambda _, result: result.kept and os.write(told, f"{{result.event_id}}\\n".encode()),
)
while not client.prepare():
    pass
at = int(first)
for line in sys.stdin:
    for n in range(at, at + {TREES}):
        with client.operation("order"), client.operation("charge"):
            onex_sdk.emit("{PLAIN}", {{"n": n}})
        for k in range({BESIDE}):
            onex_sdk.emit("{PLAIN}", {{"n": n}}, event_id=f"plain-{{n}}-{{k}}", node_id="beside", sample_rate=1.0)
    at += {TREES}
    print(at, flush=True)
assert client.flush(100), client.stats()
assert client.close()
"""


class Producer:
    """The program, which emits a block when it is told to."""

    def __init__(self, registry, folder, number, first):
        self.stderr = folder / f"stderr-{number}"
        arguments = [registry.url, registry.token, str(number), str(first), str(folder / "spool")]
        with self.stderr.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, *arguments, str(folder / "acknowledged")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT / "sdk" / "src")},
            )

    def emit(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, self.stderr.read_text()
        return int(line)

    def kill(self):
        self.process.kill()
        return self.end()

    def end(self):
        self.process.stdin.close()
        status = self.process.wait(200)
        self.process.stdout.close()
        return status


def test_a_hundred_thousand_events_survive_three_deaths_of_the_server_and_one_of_their_program(
    home, registry, api, tmp_path
):
    ok(api.post(f"subjects/{PLAIN}/versions", json={"schema": '{"type": "object"}'}))
    ok(api.post("sampling", json={"event_type": "*", "node": NODE, "rate": RATE}))
    first = Producer(registry, tmp_path, 1, 0)
    first.emit()
    for _ in range(2):
        killed = kill_server(home)
        first.emit()
        until(partial(healthy, home, without=killed), 90)
        at = first.emit()
    killed = kill_server(home)
    first.emit()
    until(lambda: on_disk(tmp_path))
    assert first.kill() == -signal.SIGKILL
    spooled = set(on_disk(tmp_path))
    second = Producer(registry, tmp_path, 2, at + TREES)
    until(partial(healthy, home, without=killed), 90)
    while second.emit() < BLOCKS * TREES:
        pass
    assert second.end() == 0, second.stderr.read_text()

    rows = stored(home)
    ids = Counter(event_id for event_id, *_ in rows)
    assert max(ids.values()) == 1
    acknowledged = set((tmp_path / "acknowledged").read_text().split())
    assert spooled
    assert not (acknowledged | spooled) - ids.keys()
    assert on_disk(tmp_path) == []
    # What the second emitted has all arrived; of the first, at most the end, which it had in memory only.
    beside = [f"plain-{n}-{k}" for n in range(BLOCKS * TREES) for k in range(BESIDE)]
    there = [event_id in ids for event_id in beside]
    died = (at + TREES) * BESIDE
    assert all(there[died:])
    held = there[:died].count(True)
    assert all(there[:held])

    trees = {number: Counter() for number in (1, 2)}
    for _, node, correlation, parent in rows:
        if node.startswith(NODE):
            trees[int(node[-1])][parent or correlation] += 1
    assert set(trees[2].values()) == {OF_A_TREE}
    # The one that the kill cut through.
    assert sum(count != OF_A_TREE for count in trees[1].values()) <= 1
    emitted = BLOCKS * TREES - (at + TREES)
    assert abs(len(trees[2]) - emitted * RATE) < 4 * math.sqrt(emitted * RATE * (1 - RATE))

    (told,) = ok(api.get("client-reports", params={"service": "faulted"}))["items"]
    (process,) = [one for one in told["processes"] if one["node_id"] == f"{NODE}-2"]
    assert process["events"]["lost"] == process["gauges"]["queued"] == process["gauges"]["spool_bytes"] == 0
    assert process["events"]["emitted"] == emitted * (OF_A_TREE + BESIDE)


def kill_server(home):
    pid = connection.find(home).pids["web"]
    os.kill(pid, signal.SIGKILL)
    return pid


def healthy(home, *, without):
    """Whether another one answers than that which was killed, whose workers may live for a moment longer."""
    found = connection.find(home)
    try:
        if found.pids["web"] == without:
            return False
        os.kill(found.pids["web"], 0)
        return httpx.get(f"{found.url}/readyz", trust_env=False).is_success
    except (OSError, httpx.TransportError):
        return False


def on_disk(folder: Path) -> list[str]:
    """The events in the spool, acknowledged or not."""
    lines = (line for path in (folder / "spool").rglob("*.log") for line in path.read_bytes().splitlines())
    return [json.loads(line[11:])["event_id"] for line in lines if line.startswith(b"E ")]


def stored(home):
    database = (home / DATABASE_URL_FILE).read_text(encoding="utf-8").strip()
    with psycopg.connect(database) as session:
        return session.execute(
            "SELECT event_id, node_id, correlation_id, parent_correlation_id FROM events_event"
            " WHERE node_id = 'beside' OR node_id LIKE %s",
            [f"{NODE}-%"],
        ).fetchall()
