"""Load for ingest over HTTP: client processes send batches until each is acknowledged, then the log is checked.

`load(...)` sends, optionally while processes are killed, and `verify(...)` looks into the database whether everything
that was acknowledged is stored, nothing twice, and positions have no gap.
"""

import contextlib
import hashlib
import http.client
import json
import multiprocessing
import os
import queue
import random
import signal
import statistics
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit

import psycopg

ACKNOWLEDGED = {"stored", "stored_with_violations", "duplicate"}
_GIVE_UP_AFTER = 120.0
_NODES = 200


@dataclass
class Load:
    """What the clients saw."""

    run: str
    clients: int
    batch: int
    sent: int = 0
    acknowledged: int = 0
    # By the status of the answer that acknowledged; a batch sent again comes back as duplicates.
    statuses: dict[str, int] = field(default_factory=dict)
    # Answers that were no acknowledgement: connection errors and HTTP statuses, by name.
    refusals: dict[str, int] = field(default_factory=dict)
    kills: int = 0
    seconds: float = 0.0
    # Of the requests that were acknowledged, in milliseconds.
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    max_ms: float = 0.0
    # Sum of the first 60 bits of each sent event's SHA-256.
    fingerprint: int = 0

    @property
    def events_per_s(self) -> float:
        return self.acknowledged / self.seconds if self.seconds else 0.0

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "events_per_s": round(self.events_per_s, 1)}


@dataclass
class Check:
    """What the database says about a run. `ok` is the whole answer."""

    expected: int
    stored: int
    twice: int
    lost: int
    # Positions of the whole log, from its first to its head, that no event has.
    gaps: int
    # Whether the stored bytes are those that were sent.
    same_bytes: bool

    @property
    def ok(self) -> bool:
        whole = self.stored == self.expected and self.same_bytes
        return whole and not (self.twice or self.lost or self.gaps)

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "ok": self.ok}


def onex_event(run: str, rnd: random.Random) -> dict[str, Any]:
    """A valid ONEX event of about 550 bytes of one of five types, with keys spread as a fleet of nodes spreads them."""
    kind = rnd.choice(list(_METADATA))
    correlation = str(uuid.UUID(int=rnd.getrandbits(128)))
    return {
        "event_id": str(uuid.UUID(int=rnd.getrandbits(128), version=4)),
        "timestamp": f"2026-11-23T{rnd.randrange(24):02}:{rnd.randrange(60):02}:{rnd.randrange(60):02}.{rnd.randrange(10**6):06}Z",
        "node_id": f"load-{run}-{rnd.randrange(_NODES):03}",
        "event_type": kind,
        "schema_version": "1.1.0",
        "correlation_id": correlation,
        "parent_correlation_id": str(uuid.UUID(int=rnd.getrandbits(128))) if rnd.random() < 0.5 else None,
        "trace_id": f"{rnd.getrandbits(128):032x}",
        "span_id": f"{rnd.getrandbits(64):016x}",
        "metadata": _METADATA[kind](rnd),
    }


def _input(rnd: random.Random) -> dict[str, Any]:
    return {
        "file_path": f"src/module_{rnd.randrange(1000)}/handler.py",
        "author": "load",
        "lines": rnd.randrange(900),
    }


_METADATA: dict[str, Callable[[random.Random], dict[str, Any]]] = {
    "NODE_START": lambda rnd: {
        "input_state": _input(rnd),
        "node_version": "1.4.2",
        "operation_type": "stamp_file",
    },
    "NODE_SUCCESS": lambda rnd: {
        "input_state": _input(rnd),
        "output_state": {"status": "success", "message": "Stamped", "lines": rnd.randrange(900)},
        "execution_time_ms": round(rnd.expovariate(0.02), 3),
        "result_summary": "Successfully stamped the file",
    },
    "NODE_FAILURE": lambda rnd: {
        "input_state": _input(rnd),
        "error": "The target could not be read: permission denied",
        "error_type": "PermissionError",
        "error_code": f"ONEX_STAMP_{rnd.randrange(1, 11):03}",
        "execution_time_ms": round(rnd.expovariate(0.02), 3),
    },
    "TELEMETRY_OPERATION_START": lambda _: {
        "operation": "stamp",
        "function": "stamp_file",
        "args_count": 2,
        "kwargs_keys": ["author", "overwrite"],
    },
    "TELEMETRY_OPERATION_SUCCESS": lambda rnd: {
        "operation": "stamp",
        "function": "stamp_file",
        "execution_time_ms": round(rnd.expovariate(0.02), 3),
        "result_type": "StampResult",
        "success": True,
    },
}


def load(
    url: str,
    token: str,
    *,
    events: int,
    clients: int = 4,
    connections: int = 1,
    batch: int = 500,
    kills: int = 0,
    victims: Callable[[], Sequence[int]] = lambda: (),
    seed: int = 1,
) -> Load:
    """Sends `events` events and waits until every batch is acknowledged; each client has so many connections.

    While it sends, `kills` times at random one of the processes that `victims()` names at that moment gets SIGKILL;
    their supervisor is expected to start them again. Raises TimeoutError when a batch is not acknowledged within
    120 s. The time counts from the first request: events are made before.
    """
    context = multiprocessing.get_context("spawn")
    start, answers = context.Barrier(clients + 1), context.Queue()
    result = Load(run=f"{random.SystemRandom().getrandbits(32):08x}", clients=clients, batch=batch)
    batches = -(-events // clients // batch)
    job = _Job(url, token, result.run, batches=batches, batch=batch, seed=seed, connections=connections)
    processes = [context.Process(target=_client, args=(job, n, start, answers)) for n in range(clients)]
    for process in processes:
        process.start()
    result.fingerprint = sum(answers.get(timeout=_GIVE_UP_AFTER) for _ in processes)
    start.wait(timeout=_GIVE_UP_AFTER)
    began = time.perf_counter()
    killer = _Killer(kills, job.batches * clients, victims, random.Random(seed))
    latencies = _collect(result, answers, job.batches * clients, killer)
    result.kills = killer.kills
    result.seconds = time.perf_counter() - began
    for process in processes:
        process.join(timeout=10)
    latencies.sort()
    result.p50_ms = round(statistics.median(latencies), 1)
    result.p99_ms = round(latencies[min(len(latencies) - 1, int(len(latencies) * 0.99))], 1)
    result.max_ms = round(latencies[-1], 1)
    return result


def _collect(result: Load, answers: Any, batches: int, killer: "_Killer") -> list[float]:
    """Counts acknowledged batches as they come in; milliseconds of each."""
    latencies: list[float] = []
    statuses: Counter[str] = Counter()
    refusals: Counter[str] = Counter()
    while len(latencies) < batches:
        try:
            latency, counts, refused = answers.get(timeout=_GIVE_UP_AFTER)
        except queue.Empty:
            raise TimeoutError(f"Only {len(latencies)} of {batches} batches were acknowledged.") from None
        latencies.append(latency)
        statuses.update(counts)
        refusals.update(refused)
        killer.after(len(latencies))
    result.statuses, result.refusals = dict(statuses), dict(refusals)
    result.sent = sum(statuses.values())
    result.acknowledged = sum(statuses[status] for status in ACKNOWLEDGED)
    return latencies


class _Killer:
    """SIGKILL for one of the victims, after batches chosen at random."""

    def __init__(
        self, kills: int, batches: int, victims: Callable[[], Sequence[int]], rnd: random.Random
    ) -> None:
        self._waiting = sorted(rnd.sample(range(1, max(batches, kills + 1)), kills))
        self._victims, self._rnd = victims, rnd
        self.kills = 0

    def after(self, batches: int) -> None:
        while self._waiting and batches >= self._waiting[0]:
            self._waiting.pop(0)
            if pids := list(self._victims()):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._rnd.choice(pids), signal.SIGKILL)
                    self.kills += 1


@dataclass(frozen=True)
class _Job:
    """What every client process is told."""

    url: str
    token: str
    run: str
    batches: int
    batch: int
    seed: int
    connections: int


def _client(job: _Job, number: int, start: Any, answers: Any) -> None:
    rnd = random.Random(f"{job.run}/{job.seed}/{number}")
    batches = [[_text(onex_event(job.run, rnd)) for _ in range(job.batch)] for _ in range(job.batches)]
    answers.put(sum(_bits_of(event) for batch in batches for event in batch))
    bodies = [b"[" + b",".join(batch) + b"]" for batch in batches]
    threads = [
        threading.Thread(target=_send, args=(job, bodies[number :: job.connections], answers))
        for number in range(job.connections)
    ]
    start.wait(timeout=_GIVE_UP_AFTER)
    for thread in threads:
        thread.start()
    # The queue of answers is closed when this function returns.
    for thread in threads:
        thread.join()


def _text(event: dict[str, Any]) -> bytes:
    return json.dumps(event, separators=(",", ":")).encode()


def _bits_of(event: bytes) -> int:
    return int(hashlib.sha256(event).hexdigest()[:15], 16)


def _send(job: _Job, bodies: Sequence[bytes], answers: Any) -> None:
    sender = _Sender(job.url, job.token)
    for body in bodies:
        answers.put(sender.until_acknowledged(body))


class _Sender:
    """One kept-open connection that sends a body again until it is answered with 200."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._path = parts.path.rstrip("/") + "/api/v1/events"
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._connection = http.client.HTTPConnection(self._host, self._port, timeout=30)

    def until_acknowledged(self, body: bytes) -> tuple[float, dict[str, int], dict[str, int]]:
        """Milliseconds of the acknowledged request, its counts, and what was answered before."""
        refused: Counter[str] = Counter()
        deadline = time.monotonic() + _GIVE_UP_AFTER
        while time.monotonic() < deadline:
            began = time.perf_counter()
            try:
                status, answer = self._post(body)
            except (OSError, http.client.HTTPException) as broken:
                refused[type(broken).__name__] += 1
                self._connection.close()
            else:
                if status == 200:
                    return (time.perf_counter() - began) * 1000, json.loads(answer)["counts"], dict(refused)
                refused[str(status)] += 1
                if status < 500 and status != 429:
                    raise RuntimeError(f"HTTP {status}: {answer[:500]!r}")
            time.sleep(0.1)
        raise TimeoutError(f"A batch was not acknowledged within {_GIVE_UP_AFTER:g} s: {dict(refused)}")

    def _post(self, body: bytes) -> tuple[int, bytes]:
        self._connection.request("POST", self._path, body, self._headers)
        response = self._connection.getresponse()
        return response.status, response.read()


_STORED = """
SELECT count(*), count(DISTINCT event_id), sum(('x' || left(encode(sha256(raw), 'hex'), 15))::bit(60)::bigint)
FROM events_event WHERE node_id LIKE %s
"""


def verify(database_url: str, result: Load) -> Check:
    """Compares what the clients were told with the rows of the log."""
    with psycopg.connect(database_url) as connection:
        stored, different, fingerprint = connection.execute(_STORED, [f"load-{result.run}-%"]).fetchone() or (
            0,
            0,
            0,
        )
        (gaps,) = connection.execute(
            "SELECT coalesce(max(position) - min(position) + 1 - count(*), 0) FROM events_event"
        ).fetchone() or (0,)
    return Check(
        expected=result.acknowledged,
        stored=stored,
        twice=stored - different,
        lost=max(0, result.acknowledged - different),
        gaps=gaps,
        same_bytes=int(fingerprint or 0) == result.fingerprint,
    )
