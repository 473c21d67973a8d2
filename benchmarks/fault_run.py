"""kill -9 at random while events come in, are followed by a reader and played back: was anything lost, doubled or skipped?

`run(...)` drives a registry that is running; what it kills, that registry's supervisor starts again.
"""

import contextlib
import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg

from benchmarks.ingest_load import Check, Load, load, onex_event, verify
from registry.local import connection
from registry.local.connection import Connection
from registry.local.demo.receiver import Receiver
from registry.local.home import DATABASE_URL_FILE

# "web worker" is one of the processes that answer requests.
KINDS = ("web", "web worker", "alerts", "replay", "work", "beat", "postgres")
REPLAY_EVENTS = 200
# Sent again to the target when a run is taken over: what was not noted as sent when its worker was killed.
SMALL_BATCH = 10
_PATIENCE = 240.0


@dataclass(frozen=True)
class Outcome:
    load: Load
    check: Check
    killed: dict[str, int]
    # Of the events stored, how many the reader never saw, and how many it saw twice or out of order.
    missed: int
    disordered: int
    replay_state: str
    # Distinct events of the replay that arrived, and how many arrived again.
    replayed: int
    repeated: int

    @property
    def ok(self) -> bool:
        stored = self.check.ok and self.load.acknowledged == self.load.sent
        followed = not self.missed and not self.disordered
        played = (self.replay_state, self.replayed) == ("completed", REPLAY_EVENTS)
        return stored and followed and played and self.repeated <= SMALL_BATCH * self.load.kills


def run(
    home: Path, registry: Connection, receiver: Receiver, *, events: int, batch: int, kills: int, seed: int
) -> Outcome:
    """Raises TimeoutError when the registry does not come back, or the replay does not end."""
    database = (home / DATABASE_URL_FILE).read_text(encoding="ascii").strip()
    path = f"/faults/{seed}"
    replay = _start_replay(registry, receiver.url(path), random.Random(seed))
    killed: Counter[str] = Counter()
    reader = _Reader(database)
    told = load(
        registry.url,
        registry.token,
        events=events,
        batch=batch,
        kills=kills,
        victims=_one_after_the_other(home, random.Random(seed), killed),
        seed=seed,
    )
    ended = _play_to_the_end(registry, replay)
    seen = reader.end()
    check = verify(database, told)
    with psycopg.connect(database) as session:
        positions = {
            position
            for (position,) in session.execute(
                "SELECT position FROM events_event WHERE position > %s", [reader.begin]
            )
        }
    indexes = [int(one.headers["onex-replay-index"].split("/")[0]) for one in receiver.at(path)]
    return Outcome(
        load=told,
        check=check,
        killed=dict(killed),
        missed=len(positions - set(seen)),
        disordered=sum(later <= earlier for earlier, later in itertools.pairwise(seen)),
        replay_state=ended["state"],
        replayed=len(set(indexes)),
        repeated=len(indexes) - len(set(indexes)),
    )


def _one_after_the_other(home: Path, rnd: random.Random, killed: Counter[str]) -> Callable[[], list[int]]:
    """Every kind is killed before one of them is killed again; in what order, the seed says."""

    def kinds() -> Iterator[str]:
        while True:
            yield from rnd.sample(KINDS, len(KINDS))

    waiting = kinds()

    def victim() -> list[int]:
        pids = _running(home)
        kind = next(kind for kind in waiting if kind in pids)
        killed[kind] += 1
        return [pids[kind]]

    return victim


def _running(home: Path) -> dict[str, int]:
    found = connection.find(home)
    pids = {} if found is None else {kind: pid for kind, pid in found.pids.items() if kind in KINDS}
    with contextlib.suppress(OSError):
        children = Path(f"/proc/{pids['web']}/task/{pids['web']}/children").read_text(encoding="ascii")
        if answering := [pid for pid in children.split() if b"resource_tracker" not in _command_of(pid)]:
            pids["web worker"] = int(answering[-1])
    return pids


def _command_of(pid: str) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


class _Reader:
    """Follows the log by position, as every reader of it does, whatever becomes of its connection."""

    def __init__(self, database: str) -> None:
        self._database = database
        self._done = threading.Event()
        self._seen: list[int] = []
        with psycopg.connect(database) as session:
            (self.begin,) = session.execute("SELECT position FROM events_loghead").fetchone() or (0,)
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()

    def end(self) -> list[int]:
        """The positions in the order in which they were seen, up to the end of the log."""
        self._done.set()
        self._thread.join(_PATIENCE)
        return self._seen

    def _follow(self) -> None:
        while True:
            try:
                with psycopg.connect(self._database, autocommit=True) as session:
                    return self._read(session)
            except psycopg.OperationalError:
                time.sleep(0.1)  # killed as well

    def _read(self, session: "psycopg.Connection[Any]") -> None:
        while True:
            ended = self._done.is_set()
            cursor = self._seen[-1] if self._seen else self.begin
            found = session.execute(
                "SELECT position FROM events_event WHERE position > %s ORDER BY position LIMIT 5000", [cursor]
            ).fetchall()
            self._seen += [position for (position,) in found]
            if ended and not found:
                return
            if not found:
                time.sleep(0.01)


def _start_replay(registry: Connection, target: str, rnd: random.Random) -> str:
    """At its own speed it takes longer than everything else."""
    correlation = f"faults-{rnd.getrandbits(64):x}-{time.time_ns():x}"
    began = datetime.now(UTC) - timedelta(days=1)
    events = [
        {
            **onex_event("replayed", rnd),
            "event_id": f"{correlation}-{number}",
            "timestamp": (began + timedelta(seconds=number)).isoformat(),
            "correlation_id": correlation,
            "parent_correlation_id": None,
        }
        for number in range(REPLAY_EVENTS)
    ]
    with _api(registry) as api:
        api.post("events", json=events).raise_for_status()
        answer = api.post("replays", json={"correlation_id": correlation, "target": target})
        answer.raise_for_status()
        run_id: str = answer.json()["id"]
        return run_id


def _play_to_the_end(registry: Connection, replay: str) -> dict[str, Any]:
    """At full speed from here on; while processes come back, requests may fail."""
    deadline, faster = time.monotonic() + _PATIENCE, False
    with _api(registry) as api:
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.HTTPError):
                if not faster:
                    faster = api.post(f"replays/{replay}/speed", json={"speed": "max"}).is_success
                answer = api.get(f"replays/{replay}")
                if answer.is_success and answer.json()["replay"]["finished_at"]:
                    found: dict[str, Any] = answer.json()["replay"]
                    return found
            time.sleep(0.2)
    raise TimeoutError(f"Replay {replay} did not end within {_PATIENCE:g} s.")


def _api(registry: Connection) -> httpx.Client:
    headers = {"Authorization": f"Bearer {registry.token}"}
    return httpx.Client(base_url=registry.api + "/", headers=headers, timeout=30, trust_env=False)
