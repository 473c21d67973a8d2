"""kill -9 in the middle of everything: what was acknowledged is there once, and what ran goes on."""

import logging
import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from benchmarks import fault_run
from benchmarks.ingest_load import load, verify
from registry.local import connection
from registry.local.home import DATABASE_URL_FILE
from tests.onex import an_event, ok
from tests.waiting import until

log = logging.getLogger(__name__)
pytestmark = [pytest.mark.journey, pytest.mark.timeout(200)]
LOAD_EVENTS, LOAD_BATCH = 16_000, 200
# At its own speed the replay takes longer than everything else here.
REPLAY_EVENTS, BETWEEN = 400, 0.3


def test_nothing_acknowledged_is_lost_or_doubled_and_a_replay_goes_on(home, registry, api, receiver):
    run = start_replay(api, receiver)
    told = load(
        registry.url,
        registry.token,
        events=LOAD_EVENTS,
        batch=LOAD_BATCH,
        kills=3,
        victims=one_after_the_other(home, receiver),
    )

    assert told.kills == 3
    assert told.acknowledged == LOAD_EVENTS
    database = (home / DATABASE_URL_FILE).read_text(encoding="utf-8").strip()
    found = verify(database, told)
    assert found.ok, found
    assert found.stored == LOAD_EVENTS

    until(lambda: healthy(home), 60)
    ok(api.post(f"replays/{run}/speed", json={"speed": "max"}))
    finished = until(lambda: ended(api, run), 60)
    assert (finished["state"], finished["done"], finished["failed"]) == ("completed", REPLAY_EVENTS, 0)
    indexes = [int(one.headers["onex-replay-index"].split("/")[0]) for one in receiver.at("/kill/replay")]
    assert indexes == sorted(indexes)
    assert sorted(set(indexes)) == list(range(1, REPLAY_EVENTS + 1))
    assert len(indexes) - REPLAY_EVENTS <= 1


def test_five_kills_at_random_lose_nothing_double_nothing_and_no_reader_skips(home, registry, receiver):
    """`./run bench faults` kills fifty times. FAULT_SEED repeats a run that failed."""
    seed = int(os.environ.get("FAULT_SEED", random.randrange(10**6)))
    log.warning("FAULT_SEED=%s", seed)

    found = fault_run.run(home, registry, receiver, events=12_000, batch=200, kills=5, seed=seed)

    assert found.load.kills == 5
    assert found.load.acknowledged == found.check.stored == 12_000
    assert (found.check.lost, found.check.twice, found.check.gaps) == (0, 0, 0)
    assert (found.missed, found.disordered) == (0, 0)
    assert (found.replay_state, found.replayed) == ("completed", fault_run.REPLAY_EVENTS)
    assert found.ok, found


def start_replay(api, receiver):
    began = datetime.now(UTC) - timedelta(seconds=REPLAY_EVENTS * BETWEEN)
    events = [
        an_event(
            "NODE_START",
            {"input_state": {}},
            schema_version="1.0.0",
            correlation_id="killed",
            timestamp=(began + timedelta(seconds=n * BETWEEN)).isoformat(),
        )
        for n in range(REPLAY_EVENTS)
    ]
    ok(api.post("events", json=events))
    asked = {"correlation_id": "killed", "target": receiver.url("/kill/replay")}
    return ok(api.post("replays", json=asked))["id"]


def one_after_the_other(home, receiver):
    """A web server's worker, the worker of replays in mid-replay, and the web server itself."""

    def names():
        yield a_child_of(connection.find(home).pids["web"])
        assert len(receiver.wait_for("/kill/replay", 10, 60)) < REPLAY_EVENTS
        yield connection.find(home).pids["replay"]
        yield connection.find(home).pids["web"]

    left = names()
    return lambda: [next(left)]


def a_child_of(pid):
    """One of the processes that answer requests; Python's own resource tracker is not one."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return next(
        int(c) for c in children if b"resource_tracker" not in Path(f"/proc/{c}/cmdline").read_bytes()
    )


def ended(api, run):
    replay = ok(api.get(f"replays/{run}"))["replay"]
    return replay if replay["finished_at"] else None


def healthy(home):
    found = connection.find(home)
    try:
        for pid in found.pids.values():
            os.kill(pid, 0)
        return httpx.get(f"{found.url}/readyz", trust_env=False).is_success
    except (OSError, httpx.TransportError):
        return False
