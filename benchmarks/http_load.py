"""A closed-loop HTTP load: each connection sends its next request when the answer to the last one is in.

The client is Python too and shares the machine with the server, so absolute figures are a floor;
compare ratios between addresses measured in the same run.
"""

import asyncio
import multiprocessing
import re
import time
from dataclasses import dataclass

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Load:
    """What came out: seconds are wall time, latencies in milliseconds."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    failures: int

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


class _Connection(asyncio.Protocol):
    """Speaks just enough HTTP/1.1: answers carry a Content-Length, requests never a body."""

    def __init__(self, request: bytes, until: float, done: asyncio.Future[None]) -> None:
        self.request, self.until, self.done = request, until, done
        self.latencies: list[float] = []
        self.failures = 0
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._send()

    def _send(self) -> None:
        self.began = time.perf_counter()
        if self.began >= self.until:
            self.transport.close()
            return
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head = self.buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        length = _LENGTH.search(self.buffer, 0, head)
        if length is None or len(self.buffer) < head + 4 + int(length[1]):
            return
        self.latencies.append(time.perf_counter() - self.began)
        self.failures += not self.buffer.startswith(b"HTTP/1.1 200")
        self.buffer = b""
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


async def _drive(host: str, port: int, request: bytes, seconds: float, connections: int) -> list[_Connection]:
    loop = asyncio.get_running_loop()
    until = time.perf_counter() + seconds
    made = []
    for _ in range(connections):
        done: asyncio.Future[None] = loop.create_future()
        _, protocol = await loop.create_connection(
            lambda done=done: _Connection(request, until, done),  # type: ignore[misc]
            host,
            port,
        )
        made.append(protocol)
    await asyncio.wait_for(asyncio.gather(*(p.done for p in made)), seconds + 30)
    return made


def _process(args: tuple[str, int, bytes, float, int]) -> tuple[list[float], int]:
    made = asyncio.run(_drive(*args))
    return [x for p in made for x in p.latencies], sum(p.failures for p in made)


def load(
    host: str,
    port: int,
    path: str,
    headers: dict[str, str] | None = None,
    *,
    seconds: float = 5.0,
    connections: int = 16,
    processes: int = 1,
) -> Load:
    """GETs `path` for `seconds`; raises RuntimeError when an answer was not 200."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}:{port}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    job = (host, port, request, seconds, connections // processes)
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        parts = pool.map(_process, [job] * processes)
    latencies = sorted(x * 1000 for part, _ in parts for x in part)
    failures = sum(failed for _, failed in parts)
    if failures or not latencies:
        raise RuntimeError(f"{failures} of {len(latencies)} answers at {path} were not 200.")
    return Load(
        requests=len(latencies),
        seconds=seconds,
        p50_ms=latencies[len(latencies) // 2],
        p99_ms=latencies[int(len(latencies) * 0.99)],
        failures=failures,
    )
