"""Processes that fork, end, or are ended, in real processes: every event is sent once, by the process that emitted it."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import onex_sdk

HEAD = """
import multiprocessing, os, sys, threading
import onex_sdk
client = onex_sdk.init(sys.argv[1], sys.argv[2], "forks", batch_age_ms=3_600_000, report_seconds=0, **OPTIONS)
"""

FORK = """
client.emit("parent", event_id="before")
children = []
for n in range(4):
    pid = os.fork()
    if pid == 0:
        assert client.stats()["queued"] == 0
        client.emit("child", event_id=f"child-{n}")
        assert client.flush(60)
        os._exit(0)
    children.append(pid)
assert all(os.waitpid(pid, 0)[1] == 0 for pid in children)
client.emit("parent", event_id="after")
"""

WHILE_EMITTING = """
stop = threading.Event()
def work(name):
    n = 0
    while not stop.is_set() and n < 2_000:
        client.emit("thread", event_id=f"{name}-{n}")
        n += 1
threads = [threading.Thread(target=work, args=[f"t{i}"]) for i in range(4)]
for thread in threads: thread.start()
children = []
for n in range(5):
    pid = os.fork()
    if pid == 0:
        client.emit("child", event_id=f"child-{n}")
        os._exit(0 if client.flush(60) else 1)
    children.append(pid)
assert all(os.waitpid(pid, 0)[1] == 0 for pid in children)
stop.set()
for thread in threads: thread.join()
print(client.stats()["emitted"])
"""

MULTIPROCESSING = """
def work(n):
    onex_sdk.emit("child", event_id=f"child-{n}")

context = multiprocessing.get_context("fork")
client.emit("parent", event_id="parent")
processes = [context.Process(target=work, args=[n]) for n in range(3)]
for process in processes: process.start()
for process in processes: process.join()
"""

AT_EXIT = """
import atexit
atexit.register(lambda: client.emit("last", event_id="last"))
client.emit("first", event_id="first")
"""

UNHANDLED = """
client.emit("first", event_id="first")
raise SystemExit(3)
"""


def _run(server, token, program, *, code=0, **options):
    source = f"OPTIONS = {options!r}\n{HEAD}{program}"
    done = subprocess.run(
        [sys.executable, "-c", source, server.url, token],
        capture_output=True,
        text=True,
        timeout=100,
        env={"PYTHONPATH": str(Path(onex_sdk.__file__).parent.parent)},
        check=False,
    )
    assert done.returncode == code, done.stderr
    return done


def _ids(registry):
    return sorted(event["event_id"] for event in registry.events)


def test_a_child_sends_its_own_events_and_the_parent_its(server, registry, token):
    _run(server, token, FORK)
    assert _ids(registry) == ["after", "before", "child-0", "child-1", "child-2", "child-3"]


def test_forking_while_threads_emit_neither_hangs_nor_doubles(server, registry, token):
    done = _run(server, token, WHILE_EMITTING, exit_timeout=60)
    counts = Counter(event["event_id"] for event in registry.events)
    assert set(counts.values()) == {1}
    assert len(counts) == int(done.stdout) + 5


def test_children_of_multiprocessing_flush_at_their_end(server, registry, token):
    _run(server, token, MULTIPROCESSING, exit_timeout=60)
    assert _ids(registry) == ["child-0", "child-1", "child-2", "parent"]


def test_what_waits_is_sent_at_the_end_of_the_program(server, registry, token):
    _run(server, token, AT_EXIT, exit_timeout=60)
    assert _ids(registry) == ["first", "last"]


def test_also_when_it_ends_with_an_error(server, registry, token):
    _run(server, token, UNHANDLED, code=3, exit_timeout=60)
    assert _ids(registry) == ["first"]


@pytest.mark.parametrize("spooled", [True, False])
def test_a_server_that_never_answers_holds_the_end_up_no_longer_than_allowed(
    server, registry, token, tmp_path, spooled
):
    registry.may_answer.clear()
    options = {"spool_dir": str(tmp_path)} if spooled else {}
    done = _run(server, token, AT_EXIT, exit_timeout=0.2, **options)
    registry.may_answer.set()
    lines = b"".join(path.read_bytes() for path in tmp_path.rglob("*.log")).splitlines()
    kept = [json.loads(line[11:])["event_id"] for line in lines]
    assert kept == (["first", "last"] if spooled else [])
    assert ("2 events were lost at the end of the process." in done.stderr) == (not spooled)


def test_a_fork_leaves_the_parents_spool_to_the_parent(server, registry, token, tmp_path):
    registry.next_answers += [registry.failure] * 2
    _run(server, token, FORK, spool_dir=str(tmp_path), breaker_seconds=0, exit_timeout=60)
    assert sorted(set(_ids(registry))) == ["after", "before", "child-0", "child-1", "child-2", "child-3"]
