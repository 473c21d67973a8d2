"""A real HTTP server on this machine that webhooks are sent to, or that something is read from: it records what came and answers as told."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


@dataclass(frozen=True)
class Received:
    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float = field(default_factory=time.time)


@dataclass(frozen=True)
class Reply:
    status: int = 204
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Senders that are killed in mid-request are what some tests are about."""


class Receiver:
    """`answer` is asked for every request; `received` holds them in the order they came."""

    def __init__(self, answer: Callable[[Received], Reply] = lambda _: Reply()) -> None:
        self.answer = answer
        self.received: list[Received] = []
        self._arrived = threading.Condition()
        self._server = _Server(("127.0.0.1", 0), self._handler())

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def place(self) -> str:
        """What OUTBOUND_ALLOW has to name."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.place}/hook"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait_for(self, count: int, seconds: float = 30.0) -> list[Received]:
        """The requests so far, as soon as there are `count` of them."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: len(self.received) >= count, seconds):
                raise AssertionError(f"only {len(self.received)} of {count} requests came in {seconds} s")
            return list(self.received)

    def _take(self, received: Received) -> Reply:
        with self._arrived:
            self.received.append(received)
            self._arrived.notify_all()
        return self.answer(received)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                reply = receiver._take(Received(self.path, headers, body))
                time.sleep(reply.delay)
                self.send_response(reply.status)
                for name, value in {**reply.headers, "Content-Length": str(len(reply.body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)

            do_GET = do_POST  # noqa: N815 -- the base class looks for this name

            def log_message(self, *_: object) -> None:
                pass

        return Handler
