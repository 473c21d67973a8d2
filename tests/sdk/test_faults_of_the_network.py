"""A network that is slow, is cut, or answers nonsense, and a clock that is set: nothing blocks, nothing is lost, all of it is counted."""

import socket
import socketserver
import struct
import threading
import time
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from tests.waiting import until


class Cutting(socketserver.ThreadingTCPServer):
    """Passes bytes on to a server; of the first answers it lets so many bytes through, then resets the connection."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, port: int, cuts: list[int]) -> None:
        self.port, self.cuts, self.cut = port, cuts, 0
        super().__init__(("127.0.0.1", 0), _Pass)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Pass(socketserver.BaseRequestHandler):
    server: Cutting

    def handle(self) -> None:
        with socket.create_connection(("127.0.0.1", self.server.port)) as behind:
            there = threading.Thread(target=self._forward, args=(self.request, behind), daemon=True)
            there.start()
            allowed = self.server.cuts.pop(0) if self.server.cuts else None
            passed = 0
            while data := behind.recv(65_536):
                if allowed is not None and passed + len(data) > allowed:
                    self.request.sendall(data[: allowed - passed])
                    # A reset, not an orderly end.
                    self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    self.server.cut += 1
                    # Nobody reads from it any more, so that closing it ends it.
                    self.request.shutdown(socket.SHUT_RD)
                    there.join()
                    self.request.close()
                    return
                self.request.sendall(data)
                passed += len(data)

    @staticmethod
    def _forward(source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65_536):
                target.sendall(data)
        except OSError:
            return


@pytest.fixture
def cutting(server):
    made = []

    def make(*cuts):
        one = Cutting(urlsplit(server.url).port, list(cuts))
        threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        made.append(one)
        return one

    yield make
    for one in made:
        one.shutdown()
        one.server_close()


def ids_of(registry):
    return [event["event_id"] for event in registry.events]


@pytest.mark.parametrize("through", [0, 10, 120])
def test_an_answer_that_is_cut_off_is_asked_for_again(registry, emitting, cutting, through):
    between = cutting(through)
    client = emitting(url=between.url, batch_age_ms=1, breaker_failures=100)
    sent = client.emit("order.paid", {"n": 1})
    assert client.flush(60)
    stats = client.stats()
    assert between.cut == 1
    assert (stats["stored"], stats["emitted"], stats["queued"]) == (1, 1, 0)
    # The server knows the event by its id: it may come as often as it has to.
    assert set(ids_of(registry)) == {sent}


def test_a_server_that_takes_ten_seconds_holds_up_nobody_and_the_disk_keeps_what_waits(
    registry, emitting, tmp_path
):
    client = emitting(spool_dir=str(tmp_path), timeout=0.2, batch_age_ms=1, breaker_failures=1)
    # No answer comes before `set` below.
    registry.may_answer.clear()
    ids = [client.emit("order.paid", {"n": n}) for n in range(500)]
    assert None not in ids
    until(lambda: client.stats()["spool_bytes"], 20)
    registry.may_answer.set()
    assert client.close(timeout=30)
    again = emitting(spool_dir=str(tmp_path))
    assert again.flush(30)
    assert set(ids_of(registry)) == set(ids)


@pytest.mark.parametrize("seconds", [3600.0, -3600.0, 86_400.0 * 365])
def test_a_clock_that_is_set_is_counted_and_changes_nothing_else(registry, emitting, monkeypatch, seconds):
    client = emitting(batch_age_ms=1)
    first = client.emit("order.paid", {"n": 1})
    assert client.flush()
    moved = SimpleNamespace(time=lambda: time.time() + seconds, monotonic=time.monotonic)
    monkeypatch.setattr("onex_sdk._batcher.time", moved)
    second = client.emit("order.paid", {"n": 2})
    assert client.flush()
    until(lambda: client.stats().get("clock_jumps"), 20)
    assert ids_of(registry) == [first, second]
    assert client.stats()["clock_jumps"] == 1


def test_an_answer_of_something_else_is_no_answer(registry, emitting, canned):
    client = emitting(batch_age_ms=1, breaker_failures=100)
    registry.next_answers = [
        canned(raw=b"<html>It works!</html>"),
        canned(raw=b'{"results": "all of them"}'),
        canned(502, raw=b"\xff\xfe"),
    ]
    sent = client.emit("order.paid", {"n": 1})
    assert client.flush(30)
    assert set(ids_of(registry)) == {sent}
    assert client.stats()["stored"] == 1
