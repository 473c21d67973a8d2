"""What waits on disk: in order, whole, bounded, and found again by the next process."""

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import onex_sdk
from onex_sdk import _spool
from onex_sdk._backlog import Backlog
from onex_sdk._options import Options
from onex_sdk._queue import Item
from onex_sdk._stats import Stats
from onex_sdk._stores import Value


def _items(*numbers):
    return [Item("t", json.dumps({"event_id": n, "event_type": "t"}).encode()) for n in numbers]


def _numbers(items):
    return [json.loads(item.line)["event_id"] for item in items]


@pytest.fixture
def stats():
    return Stats()


@pytest.fixture
def backlog(tmp_path, stats, clock):
    """Makes backlogs in one folder, as processes that follow each other would."""
    made = []

    def make(**options):
        given = {"spool_bytes": 1_600, "batch_events": 10, **options}
        made.append(Backlog(tmp_path, Options(**given), stats, clock=clock))
        made[-1].keep_up()
        return made[-1]

    yield make
    for one in made:
        one.close()


def _read_all(backlog):
    numbers = []
    while items := backlog.read():
        numbers += _numbers(items)
        backlog.acknowledge(len(items))
    return numbers


def test_what_is_appended_is_read_in_the_same_order_until_it_is_acknowledged(backlog):
    spool = backlog(spool_bytes=16_000)
    assert spool.append(_items(1, 2, 3))
    assert spool.append(_items(4))
    assert _numbers(spool.read()) == [1, 2, 3, 4]
    spool.acknowledge(2)
    assert _numbers(spool.read()) == [3, 4]
    spool.acknowledge(0)
    assert _numbers(spool.read()) == [3, 4]
    spool.acknowledge(2)
    assert (spool.read(), spool.size) == ([], 0)


def test_many_segments_are_read_across_and_deleted_behind(backlog, tmp_path):
    spool = backlog()
    for n in range(24):
        assert spool.append(_items(n))
    assert len(list(tmp_path.rglob("*.log"))) > 5
    assert _read_all(spool) == list(range(24))
    assert list(tmp_path.rglob("*.log")) == []
    assert spool.append(_items(99))
    assert _read_all(spool) == [99]


def test_no_more_is_kept_than_the_cap_allows(backlog, stats):
    spool = backlog()
    taken = [spool.append(_items(n)) for n in range(60)]
    assert 0 < taken.count(True) < 60
    assert spool.size <= 1_600 + 200
    assert stats.as_dict()["spool_full"] == taken.count(False)
    assert _read_all(spool) == list(range(taken.count(True)))


def test_a_process_finds_what_a_dead_one_left_and_sends_it_first(backlog):
    first = backlog()
    first.append(_items(1, 2, 3))
    assert _numbers(first.read()) == [1, 2, 3]
    first.acknowledge(1)
    first.close()
    second = backlog()
    second.append(_items(4))
    assert _read_all(second) == [2, 3, 4]


def test_what_a_living_process_has_is_left_to_it(backlog):
    first = backlog()
    first.append(_items(1))
    assert _read_all(backlog()) == []
    assert _read_all(first) == [1]


@pytest.mark.parametrize("cut", range(1, 40, 6))
def test_a_torn_tail_loses_the_event_it_tore_and_no_other(backlog, tmp_path, stats, cut):
    spool = backlog()
    spool.append(_items(1, 2))
    spool.close()
    (segment,) = tmp_path.rglob("*.log")
    os.truncate(segment, segment.stat().st_size - cut)
    after = backlog()
    after.append(_items(3))
    assert _read_all(after) == [1, 3]
    assert stats.as_dict()["spool_damaged_lines"] == 1


@pytest.mark.parametrize("at", range(0, 80, 9))
def test_a_damaged_byte_loses_the_event_it_is_in(backlog, tmp_path, stats, at):
    spool = backlog()
    spool.append(_items(1, 2, 3, 4))
    spool.close()
    (segment,) = tmp_path.rglob("*.log")
    data = bytearray(segment.read_bytes())
    data[at] ^= 0x20
    segment.write_bytes(bytes(data))
    read = _read_all(backlog())
    assert read == sorted(read)
    assert len(read) >= 2
    assert read[-1] == 4
    assert stats.as_dict()["spool_damaged_lines"] >= 1


def test_a_lost_cursor_means_reading_again_and_nothing_worse(backlog, tmp_path):
    spool = backlog()
    spool.append(_items(1, 2, 3))
    spool.read()
    spool.acknowledge(2)
    spool.close()
    next(tmp_path.rglob("cursor")).write_text("garbage")
    assert _read_all(backlog()) == [1, 2, 3]


def test_large_values_wait_with_their_event(backlog):
    spool = backlog(spool_bytes=10_000)
    (plain,) = _items(1)
    spool.append([plain._replace(values=(Value("a.json", b"\n1\n"), Value("b.json", b"2"))), *_items(2)])
    first, second = spool.read()
    assert first.values == (Value("a.json", b"\n1\n"), Value("b.json", b"2"))
    assert second.values == ()


def test_a_disk_that_refuses_is_left_alone_for_a_while_and_then_used_again(
    backlog, stats, clock, tmp_path, caplog
):
    spool = backlog()
    # Where the folder should be is a file.
    tmp_path.joinpath("spool").write_text("")
    refused = Backlog(tmp_path / "spool", Options(), stats, clock=clock)
    assert not refused.append(_items(1))
    tmp_path.joinpath("spool").unlink()
    assert not refused.append(_items(1))
    assert stats.as_dict()["spool_failed"] == 1
    clock.now += 6
    assert refused.append(_items(1))
    refused.close()
    assert spool.append(_items(1))
    assert "cannot be used for 5 seconds" in caplog.text


FULL = """
import resource, sys
from pathlib import Path
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
sys.path.insert(0, sys.argv[1])
from onex_sdk._backlog import Backlog
from onex_sdk._options import Options
from onex_sdk._queue import Item
from onex_sdk._stats import Stats
stats = Stats()
spool = Backlog(Path(sys.argv[2]), Options(), stats)
lines = [b'{"event_id": %d, "event_type": "t"}' % n for n in range(100)]
assert spool.append([Item("t", line) for line in lines[:10]])
resource.setrlimit(resource.RLIMIT_FSIZE, (spool.size + 100, resource.RLIM_INFINITY))
print(spool.append([Item("t", line) for line in lines[10:]]), stats.as_dict()["spool_failed"], len(spool.read()))
"""


def test_a_disk_that_becomes_full_within_a_batch_keeps_nothing_of_it(tmp_path):
    """A limit on the size of files stands for the full disk: the kernel writes a part, and then no more."""
    source = str(Path(onex_sdk.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", FULL, source, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "1", "10"]
    (segment,) = tmp_path.rglob("*.log")
    assert segment.read_bytes().count(b"\n") == 10


def test_a_program_whose_disk_is_full_keeps_events_in_memory(
    emitting, server, registry, tmp_path, monkeypatch
):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    client = emitting(spool_dir=str(tmp_path), breaker_seconds=0)
    registry.next_answers += [registry.failure] * 3
    for _ in range(5):
        client.emit("t")
    assert client.flush(30)
    stats = client.stats()
    assert stats["stored"] == stats["emitted"] == 5
    assert stats["spool_failed"] >= 1


def test_where_folders_cannot_be_locked_events_wait_in_memory(
    emitting, registry, tmp_path, monkeypatch, caplog
):
    monkeypatch.setattr(_spool, "fcntl", None)  # as on Windows
    client = emitting(spool_dir=str(tmp_path), breaker_seconds=0)
    registry.next_answers += [registry.failure] * 3
    client.emit("t")
    assert client.flush(30)
    assert client.stats()["stored"] == 1
    assert "no locks" in caplog.text
    assert not any(path.is_dir() for path in tmp_path.iterdir())


def test_events_wait_on_disk_while_the_server_is_away_and_are_sent_in_order_when_it_is_back(
    emitting, registry, tmp_path
):
    client = emitting(spool_dir=str(tmp_path), breaker_seconds=0, batch_age_ms=1)
    registry.next_answers += [registry.failure] * 4
    for n in range(30):
        client.emit("t", event_id=f"e-{n}")
        client.flush(0.01)
    assert client.flush(30)
    stats = client.stats()
    assert stats["spooled"] > 0
    assert stats["drained"] == stats["spooled"]
    seen = list(dict.fromkeys(event["event_id"] for event in registry.events))
    assert seen == [f"e-{n}" for n in range(30)]
    assert stats["stored"] == 30


KILLED = """
import sys
sys.path.insert(0, sys.argv[1])
import onex_sdk
client = onex_sdk.init("http://127.0.0.1:9", "t", "killed", spool_dir=sys.argv[2], batch_age_ms=1)
n = 0
while True:
    client.emit("t", event_id=f"e-{n}")
    n += 1
    if client.stats().get("spooled", 0) > 500:
        print("spooled", flush=True)
        sys.stdin.read()
"""


def test_what_a_killed_program_had_on_disk_is_sent_by_the_next(emitting, registry, tmp_path):
    source = str(Path(onex_sdk.__file__).parent.parent)
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, source, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdout.readline() == "spooled\n"
        program.send_signal(signal.SIGKILL)
    lines = b"".join(path.read_bytes() for path in tmp_path.rglob("*.log")).splitlines()
    assert len(lines) > 500
    client = emitting(spool_dir=str(tmp_path))
    client.emit("t", event_id="new")
    assert client.flush(60)
    assert [event["event_id"] for event in registry.events] == [
        *(json.loads(line[11:])["event_id"] for line in lines),
        "new",
    ]
    assert list(tmp_path.rglob("*.log")) == []
