"""A registry of a few lines, standard library only: it speaks the wire shape and remembers what it was asked."""

import gzip
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import pytest

from onex_sdk import Client, Options, RegistryClient

TOKEN = "onex_test_token"


def _zstandard() -> Any:
    import zstandard

    return zstandard.ZstdDecompressor()


@dataclass
class Answer:
    """One canned answer, given before the registry's own; `raw` replaces the JSON body."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def plain(self) -> bytes:
        match self.headers.get("content-encoding"):
            case "gzip":
                return gzip.decompress(self.body)
            case "zstd":
                return _zstandard().decompress(self.body)
        return self.body


class FakeRegistry:
    """Versions per subject, ETags on what moves, and one result per event."""

    def __init__(self) -> None:
        self.versions: dict[str, list[dict[str, Any]]] = {}
        self.asked: list[Asked] = []
        self.reports: list[dict[str, Any]] = []
        self.next_answers: list[Answer] = []
        self.with_etags = True
        self.arrived = threading.Event()
        #: Set while answers may leave.
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.sampling: dict[str, Any] = {
            "revision": 0,
            "algorithm": "onex-consistent-56/1",
            "default_rate": 1.0,
            "rules": [],
        }
        self.taxonomies: dict[str, Any] = {}
        #: Rows of data keys; None where this registry has no such thing.
        self.data_keys: list[dict[str, Any]] | None = None
        #: What `GET /client-reports` answers.
        self.producers: list[dict[str, Any]] = []

    def publish(
        self, subject: str, schema: Any, *, references: list[dict[str, Any]] | None = None, **more: Any
    ) -> dict[str, Any]:
        text = schema if isinstance(schema, str) else json.dumps(schema)
        versions = self.versions.setdefault(subject, [])
        version = {
            "subject": subject,
            "version": len(versions) + 1,
            "id": sum(map(len, self.versions.values())) + 1,
            "schema": text,
            "schemaType": "JSON",
            "semver": f"1.{len(versions)}.0",
            **({"references": references} if references else {}),
            **more,
        }
        versions.append(version)
        return version

    failure = Answer(500, raw=b"oops")

    @property
    def events(self) -> list[dict[str, Any]]:
        """All that came, in order, however often."""
        posted = [asked for asked in self.asked if asked.path == "/api/v1/events"]
        return [event for asked in posted for event in json.loads(asked.plain)]

    def paths(self, method: str = "GET") -> list[str]:
        return [asked.path for asked in self.asked if asked.method == method]

    def answer(self, asked: Asked) -> Answer:
        if self.next_answers:
            return self.next_answers.pop(0)
        if asked.method == "PUT":
            return Answer(body={})
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return Answer(401, {"error_code": 40100, "message": "This token is not known.", "details": {}})
        if asked.method == "POST" and asked.path == "/api/v1/client-reports":
            self.reports.append(json.loads(asked.body))
            return Answer(body={})
        if asked.path.startswith("/api/v1/keys/data") and self.data_keys is not None:
            return self._keys(asked, self.data_keys)
        return self._told(asked)

    def _told(self, asked: Asked) -> Answer:
        if asked.method == "POST":
            return self._ingest(json.loads(asked.plain))
        return self._conditional(self._read(asked.path.removeprefix("/api/v1/").split("/")), asked)

    def _read(self, parts: list[str]) -> Answer:
        match parts:
            case ["subjects", name, "versions", wanted]:
                return self._version(unquote(name), unquote(wanted))
            case ["schemas", "ids", wanted]:
                everything = [version for versions in self.versions.values() for version in versions]
                for version in everything:
                    if version["id"] == int(wanted):
                        return Answer(body={k: version[k] for k in ("schema", "references") if k in version})
            case ["client-reports"]:
                return Answer(body={"items": self.producers})
            case ["sampling", "resolved"]:
                return Answer(body=self.sampling)
            case ["taxonomies", name, "versions", _] if unquote(name) in self.taxonomies:
                return Answer(body={"document": self.taxonomies[unquote(name)]})
        return Answer(404, {"error_code": 40403, "message": "Schema not found", "details": {}})

    def _keys(self, asked: Asked, rows: list[dict[str, Any]]) -> Answer:
        if asked.method == "POST":
            rows.append({**json.loads(asked.body), "state": "active"})
            return Answer(body=rows[-1])
        kid = asked.path.removeprefix("/api/v1/keys/data/")
        if kid != asked.path:
            return Answer(body=next(row for row in rows if row["kid"] == kid))
        query = dict(pair.split("=") for pair in asked.path.partition("?")[2].split("&"))
        found = [row for row in rows if all(row[name] == value for name, value in query.items())]
        return Answer(body={"items": found, "previous": None, "next": None})

    def _version(self, name: str, wanted: str) -> Answer:
        versions = self.versions.get(name)
        if not versions:
            return Answer(
                404,
                {
                    "error_code": 40401,
                    "message": f"Subject '{name}' not found.",
                    "details": {"subject": name},
                },
            )
        if wanted.isdecimal():
            return Answer(body=versions[int(wanted) - 1])
        by_semver = [version for version in versions if version["semver"] == wanted]
        if by_semver or (wanted[0].isdecimal() and wanted.count(".") == 2):
            return Answer(body=by_semver[0]) if by_semver else self._no_version(wanted)
        return Answer(body=versions[-1])

    def _no_version(self, wanted: str) -> Answer:
        return Answer(404, {"error_code": 40402, "message": f"Version {wanted} not found.", "details": {}})

    def _conditional(self, answer: Answer, asked: Asked) -> Answer:
        if answer.status == 200 and self.with_etags:
            etag = '"' + hashlib.sha256(json.dumps(answer.body).encode()).hexdigest()[:16] + '"'
            if asked.headers.get("if-none-match") == etag:
                return Answer(304, headers={"ETag": etag})
            answer.headers["ETag"] = etag
        return answer

    def _ingest(self, events: list[dict[str, Any]]) -> Answer:
        results = [
            {
                "index": i,
                "event_id": e.get("event_id"),
                "status": "stored",
                "schema_version": "1.0.0",
                "errors": [],
            }
            for i, e in enumerate(events)
        ]
        return Answer(body={"results": results, "counts": {"stored": len(events)}})


def _handler(registry: FakeRegistry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        # One connection per request, so that a stopped server is really away.
        protocol_version = "HTTP/1.0"

        def _do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, self.path, headers, body)
            registry.arrived.set()
            registry.may_answer.wait(30)
            answer = registry.answer(asked)
            registry.asked.append(asked)
            raw = answer.raw if answer.raw is not None else json.dumps(answer.body).encode()
            raw = b"" if answer.status == 304 else raw
            self.send_response(answer.status)
            for name, value in {**answer.headers, "Content-Length": str(len(raw))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = do_PUT = _do  # noqa: N815

        def log_message(self, *_: Any) -> None: ...

    return Handler


@dataclass
class Running:
    registry: FakeRegistry
    url: str
    stop: Any


@pytest.fixture
def server() -> Iterator[Running]:
    registry = FakeRegistry()
    http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(registry))
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    stopped = threading.Event()

    def stop() -> None:
        if not stopped.is_set():
            stopped.set()
            registry.may_answer.set()
            http.shutdown()
            thread.join()
            http.server_close()

    yield Running(registry, f"http://127.0.0.1:{http.server_port}", stop)
    stop()


@pytest.fixture
def registry(server: Running) -> FakeRegistry:
    return server.registry


class Clock:
    """Seconds that pass when told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(server: Running, clock: Clock) -> Iterator[RegistryClient]:
    with RegistryClient(server.url, TOKEN, timeout=5, latest_ttl=60, clock=clock) as made:
        yield made


@pytest.fixture
def canned() -> type[Answer]:
    return Answer


@pytest.fixture
def token() -> str:
    return TOKEN


@pytest.fixture
def emitting(server: Running) -> Iterator[Callable[..., Client]]:
    """Makes clients of the registry that ask and tell it nothing beside events, and ends them after the test."""
    made: list[Client] = []

    def make(**options: Any) -> Client:
        quiet = {"report_seconds": 0, "sampling": False}
        given = {"url": server.url, "token": TOKEN, "service": "test", **quiet, **options}
        made.append(Client(Options.read(given, {})))
        return made[-1]

    yield make
    for client in made:
        client.close(timeout=0.2)
