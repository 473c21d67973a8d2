"""Nothing that the server does makes a program grow, stop or wait for longer than its policy says."""

import asyncio
import json
import signal
import threading

import pytest

from onex_sdk._backlog import Backlog
from onex_sdk._batcher import Batcher
from onex_sdk._breaker import Breaker
from onex_sdk._dead_letters import DeadLetters
from onex_sdk._errors import Unreachable
from onex_sdk._options import Options
from onex_sdk._queue import Item, Queue
from onex_sdk._sender import Sender
from onex_sdk._stats import Stats


def _stuck(emitting, registry, **options):
    """A client whose first event is under way to a server that does not answer."""
    client = emitting(batch_age_ms=0, queue_events=4, **options)
    registry.may_answer.clear()
    client.emit("first", event_id="first")
    assert registry.arrived.wait(10)
    return client


def _ids(registry):
    return [event["event_id"] for event in registry.events]


def test_the_oldest_make_room_by_default(emitting, registry):
    client = _stuck(emitting, registry)
    for n in range(6):
        client.emit("t", event_id=f"e-{n}")
    registry.may_answer.set()
    assert client.flush()
    # Four are held at once, and the one that is under way is one of them.
    assert _ids(registry) == ["first", "e-3", "e-4", "e-5"]
    assert client.stats()["dropped_queue_full"] == 3


def test_the_new_ones_are_dropped_where_that_is_the_policy(emitting, registry):
    client = _stuck(emitting, registry, overflow="drop_new")
    taken = [client.emit("t", event_id=f"e-{n}") for n in range(6)]
    assert taken == ["e-0", "e-1", "e-2", None, None, None]
    registry.may_answer.set()
    assert client.flush()
    assert _ids(registry) == ["first", "e-0", "e-1", "e-2"]


def test_a_queue_that_holds_less_than_a_batch_leaves_when_it_is_full(emitting, registry):
    client = emitting(batch_age_ms=3_600_000, queue_events=4)
    for n in range(4):
        client.emit("t", event_id=f"e-{n}")
    assert registry.arrived.wait(10)
    assert client.flush()
    assert len(_ids(registry)) == 4


def test_blocking_waits_for_room(emitting, registry):
    client = _stuck(emitting, registry, overflow="block", block_timeout=30)
    threading.Timer(0.05, registry.may_answer.set).start()
    for n in range(6):
        assert client.emit("t", event_id=f"e-{n}") == f"e-{n}"
    assert client.flush()
    assert len(_ids(registry)) == 7


def test_blocking_gives_up_when_its_time_is_up(emitting, registry):
    client = _stuck(emitting, registry, overflow="block", block_timeout=0.01)
    assert [client.emit("t") is None for _ in range(5)] == [False, False, False, True, True]
    assert client.stats()["dropped_queue_full"] == 2


def test_an_event_loop_is_never_blocked(emitting, registry):
    client = _stuck(emitting, registry, overflow="block", block_timeout=600)

    async def emit_all():
        return [client.emit("t") for _ in range(5)]

    assert asyncio.run(emit_all()).count(None) == 2


def test_what_overflows_goes_to_disk_and_comes_back_in_order(emitting, registry, tmp_path):
    client = _stuck(emitting, registry, overflow="spool", spool_dir=str(tmp_path))
    for n in range(50):
        assert client.emit("t", event_id=f"e-{n}")
    assert client.stats()["spooled"] > 40
    registry.may_answer.set()
    assert client.flush(30)
    assert _ids(registry) == ["first", *(f"e-{n}" for n in range(50))]
    assert client.stats()["spool_bytes"] == 0


def test_the_queue_is_bounded_by_bytes_too(emitting, registry):
    client = _stuck(emitting, registry, queue_bytes=3_000)
    for _ in range(3):
        client.emit("t", {"text": "x" * 1_000})
    assert client.stats()["queued_bytes"] <= 3_000
    assert client.stats()["dropped_queue_full"] == 1
    # Larger than all there is room for.
    assert client.emit("t", {"text": "x" * 4_000}) is None


def test_a_signal_handler_may_emit_while_emit_is_interrupted(emitting, registry):
    client = emitting(batch_age_ms=3_600_000)
    previous = signal.signal(signal.SIGALRM, lambda *_: client.emit("from_handler"))
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    try:
        for _ in range(2_000):
            client.emit("from_main")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert client.flush(30)
    stats = client.stats()
    assert stats["stored"] == stats["emitted"] >= 2_000


def _dead(_body):
    raise Unreachable("nobody there")


@pytest.mark.parametrize("overflow", ["drop_oldest", "drop_new", "spool"])
def test_an_hour_with_a_dead_server_costs_no_more_than_the_bounds(clock, tmp_path, overflow):
    """Every second of it 10 events of a kilobyte, by a clock that is told to go on."""
    options = Options(
        overflow=overflow,
        queue_events=500,
        queue_bytes=200_000,
        spool_dir=str(tmp_path) if overflow == "spool" else "",
        spool_bytes=1_000_000,
    )
    stats = Stats()
    backlog = Backlog(tmp_path, options, stats, clock=clock) if options.spool_dir else None
    queue = Queue(options, stats, spill=backlog.append if backlog else None, clock=clock)
    breaker = Breaker(failures=5, seconds=60, clock=clock)
    sender = Sender(_dead, stats=stats, breaker=breaker, dead_letters=DeadLetters(None, 0, stats))
    batcher = Batcher(queue, sender, breaker, stats=stats, backlog=backlog)
    line = json.dumps({"event_type": "t", "metadata": "x" * 1_000}).encode()
    for _ in range(3_600):
        for _ in range(10):
            stats.settle("emitted", "t")
            queue.put(Item("t", line))
        while batcher.step().seconds == 0.0:
            pass
        clock.now += 1
        assert queue.size <= 200_000
        assert len(queue) <= 500
    counts = stats.as_dict()
    on_disk = backlog.size if backlog else 0
    assert on_disk <= 1_000_000
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.log")) == on_disk
    # A failure now and then, not one each second.
    assert counts["requests"] < 100
    spooled = counts.get("spooled", 0)
    assert counts["emitted"] == counts["dropped_queue_full"] + len(queue) + spooled == 36_000
    if backlog:
        backlog.close()
