"""A webhook receiver on this machine: keeps what arrives, when, and whether its signature holds."""

import base64
import hashlib
import hmac
import secrets
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


@dataclass(frozen=True, slots=True)
class Message:
    """One request: `at` is a monotonic clock in seconds, `headers` have lower-case names."""

    path: str
    at: float
    headers: dict[str, str]
    body: bytes
    signed: bool


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # The supervisor holds the port for its own user; sharing it is how that user listens there.
    allow_reuse_port = True


@dataclass
class Receiver:
    """Listens at an address that the running instance keeps reserved, and answers 204. A context manager."""

    host: str
    port: int
    secret: str = field(default_factory=lambda: "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode())
    messages: list[Message] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._arrived = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                at = time.monotonic()
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.take(
                    Message(self.path, at, headers, body, signature_holds(receiver.secret, headers, body))
                )
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name upstream
                """Quiet: the story tells what arrived."""

        self._server = _Server((self.host, self.port), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, message: Message) -> None:
        with self._arrived:
            self.messages.append(message)
            self._arrived.notify_all()

    def url(self, path: str) -> str:
        return f"http://{self.host}:{self.port}{path}"

    def at(self, path: str) -> list[Message]:
        with self._arrived:
            return [message for message in self.messages if message.path == path]

    def wait_for(self, path: str, count: int, seconds: float) -> list[Message]:
        """The messages at `path` once there are `count` of them, or those that came within `seconds`."""
        deadline = time.monotonic() + seconds
        with self._arrived:
            self._arrived.wait_for(
                lambda: sum(m.path == path for m in self.messages) >= count,
                max(0.0, deadline - time.monotonic()),
            )
        return self.at(path)


def signature_holds(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """Standard Webhooks 1.0.0, `v1`: HMAC-SHA256 over `id.timestamp.body` with the decoded secret."""
    signed = b".".join(
        [headers.get("webhook-id", "").encode(), headers.get("webhook-timestamp", "").encode(), body]
    )
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    given = headers.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(expected, one) for one in given)
