"""The guarded way out: HTTP to addresses that people typed in, without reaching into our own network.

The name is resolved once, every address it has must be allowed, and the connection goes to that literal
address; Host, SNI and certificate check keep the name. So a name that resolves differently the second time
(DNS rebinding) gains nothing. No proxies, no redirects, no environment, a bounded time and a bounded answer.
"""

from __future__ import annotations

import functools
import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpcore
import httpx
from django.conf import settings

from access.addresses import Address, Allowed, denied, never, parse_allowed, plain
from access.errors import TargetRefused, TargetUnreachable

ANSWER_MAX_BYTES = 64 * 1024
_WRITE_BYTES = 16 * 1024
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,253}")
_UNREACHABLE = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)

Resolve = Callable[[str, int], list[Any]]


@dataclass(frozen=True, slots=True)
class Target:
    """A checked URL. `host` is what is resolved, in ASCII; `port` is never missing."""

    url: httpx.URL
    host: str
    port: int

    @property
    def place(self) -> str:
        """host:port, as OUTBOUND_ALLOW wants it and as messages may show it: paths often hold a secret."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the first bytes of the body, from which address, after how long."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    address: str
    duration_ms: float
    # Whether there was more than the caller wanted to have.
    cut: bool = False


def check_target(url: str) -> Target:
    """Refuses what can be refused without asking the network: for the moment when somebody saves a target.

    Names are resolved, and their addresses judged, at every call. Raises TargetRefused.
    """
    try:
        parsed = httpx.URL(url)
        host, port = parsed.raw_host.decode("ascii").rstrip("."), parsed.port
    except (httpx.InvalidURL, UnicodeError, ValueError) as bad:
        raise TargetRefused(f"'{url[:200]}' is not a URL: {bad}", pointer="/url") from bad
    if parsed.scheme not in {"http", "https"} or not (_NAME.fullmatch(host) or ":" in host):
        raise TargetRefused("A target begins with http:// or https:// and names a host.", pointer="/url")
    if parsed.userinfo:
        raise TargetRefused(
            "A target holds no user name or password: they would show up in logs. Receivers check the signature.",
            pointer="/url",
        )
    target = Target(parsed, host, port or (443 if parsed.scheme == "https" else 80))
    _check_port(target)
    literal = _literal(host)
    if literal is not None:
        _check_address(target, literal)
    elif host == "localhost" or host.endswith(".localhost"):
        _check_address(target, ipaddress.IPv4Address("127.0.0.1"))
    return target


def place_of(url: str) -> str:
    """host:port of an address: what lists and the audit log show, since paths often hold a secret."""
    try:
        return check_target(url).place
    except TargetRefused:
        return "an address that is refused now"


def allowed() -> Allowed:
    return parse_allowed(tuple(settings.OUTBOUND_ALLOW))


def _check_port(target: Target) -> None:
    if target.port not in settings.OUTBOUND_PORTS and not allowed().place(target.host, target.port):
        ports = ", ".join(map(str, settings.OUTBOUND_PORTS))
        raise TargetRefused(
            f"This server calls the ports {ports}, not {target.port}. An operator can add it to OUTBOUND_PORTS, "
            f"or allow exactly this target with OUTBOUND_ALLOW={target.place}.",
            pointer="/url",
            setting="OUTBOUND_ALLOW",
        )


def _check_address(target: Target, address: Address) -> None:
    if never(address):
        raise TargetRefused(
            f"'{target.host}' leads to {address}, a link-local or cloud metadata address. No setting allows those.",
            pointer="/url",
            address=str(address),
        )
    open_here = allowed()
    if not denied(address) or open_here.place(target.host, target.port) or open_here.address(plain(address)):
        return
    raise TargetRefused(
        f"'{target.host}' leads to {address}, which is not on the public Internet; this server does not call "
        f"such addresses. An operator can allow it with OUTBOUND_ALLOW={target.place}.",
        pointer="/url",
        address=str(address),
        setting="OUTBOUND_ALLOW",
    )


def _literal(host: str) -> Address | None:
    """The address a host spells without DNS, in all the spellings the C library takes: 127.1, 0x7f.1, 2130706433."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (socket.gaierror, UnicodeError):
        return None
    return ipaddress.ip_address(found[0][4][0])


def _ask_dns(host: str, port: int) -> list[Any]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


class Outbound:
    """Sends requests one after the other; not for two threads at once. A context manager.

    Connections are kept open between requests to one host, so that a stream of requests pays for one
    handshake; each was checked when it was dialled and leads where it led then.
    """

    def __init__(self, *, timeout: float | None = None, resolve: Resolve = _ask_dns) -> None:
        self._timeout = timeout or settings.OUTBOUND_TIMEOUT_SECONDS
        self._backend = _GuardedBackend(resolve)
        self._pool = httpcore.ConnectionPool(
            ssl_context=_tls(settings.OUTBOUND_CA_FILE),
            max_connections=1,
            keepalive_expiry=15.0,
            network_backend=self._backend,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, stack: TracebackType | None
    ) -> None:
        self._pool.close()

    def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Any answer, whatever its status. Raises TargetRefused, or TargetUnreachable when none came in time.

        A kept connection may be closed by the receiver in the moment we use it; then the request goes out once
        more on a new one, so what it carries needs an id by which the receiver knows it again.
        """
        return self._send(_Request("POST", body, headers, ANSWER_MAX_BYTES), url)

    def get(self, url: str, *, headers: Mapping[str, str], most: int) -> Answer:
        """The same for reading, with up to `most` bytes of the answer; a redirect is an answer, and is not followed."""
        return self._send(_Request("GET", None, headers, most), url)

    def _send(self, request: _Request, url: str) -> Answer:
        target = check_target(url)
        began = time.monotonic()
        self._backend.begin(target, until=began + self._timeout)
        try:
            return self._once(target, request, began)
        except TargetUnreachable as lost:
            if self._backend.dialled or isinstance(lost.__cause__, httpcore.TimeoutException):
                raise
        return self._once(target, request, began)

    def _once(self, target: Target, request: _Request, began: float) -> Answer:
        try:
            with self._pool.stream(
                request.method,
                httpcore.URL(
                    scheme=target.url.raw_scheme,
                    host=target.url.raw_host,
                    port=target.url.port,
                    target=target.url.raw_path,
                ),
                headers=[
                    ("Host", target.url.netloc),
                    *([] if request.body is None else [("Content-Length", str(len(request.body)))]),
                    ("User-Agent", "onex-registry"),
                    *request.headers.items(),
                ],
                content=request.body,
            ) as response:
                received = _first_bytes(response.iter_stream(), request.most)
        except _UNREACHABLE as problem:
            raise TargetUnreachable(
                _sentence(target, problem, self._timeout), address=self._backend.address
            ) from problem
        return Answer(
            status=response.status,
            body=received[: request.most],
            headers={
                name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers
            },
            address=self._backend.address,
            duration_ms=(time.monotonic() - began) * 1000,
            cut=len(received) > request.most,
        )


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    body: bytes | None
    headers: Mapping[str, str]
    # Bytes of the answer that are read.
    most: int


def _first_bytes(parts: Iterable[bytes], most: int) -> bytes:
    """Up to the cap and one more, which tells that there is more; leaving early closes the connection."""
    received = bytearray()
    for part in parts:
        received += part
        if len(received) > most:
            break
    return bytes(received[: most + 1])


def _sentence(target: Target, problem: Exception, timeout: float) -> str:
    if isinstance(problem, httpcore.TimeoutException):
        return f"{target.place} did not answer within {timeout:g} seconds."
    return f"{target.place} cannot be reached: {problem or type(problem).__name__}"


@functools.lru_cache(maxsize=2)
def _tls(ca_file: str) -> ssl.SSLContext:
    if ca_file:
        return ssl.create_default_context(cafile=ca_file)
    return httpx.create_ssl_context(trust_env=False)


class _GuardedBackend(httpcore.NetworkBackend):
    """Dials only what the current target may reach, until the current deadline."""

    def __init__(self, resolve: Resolve) -> None:
        self._dialler = httpcore.SyncBackend()
        self._resolve = resolve
        self._target: Target
        self._until = 0.0
        self.address = ""
        # Whether the present request had to dial, or went out on a kept connection.
        self.dialled = False

    def begin(self, target: Target, *, until: float) -> None:
        self._target, self._until, self.dialled = target, until, False

    def left(self, timeout: float | None = None) -> float:
        """Seconds of the deadline; a slow trickle of bytes cannot stretch it. Raises httpcore.ReadTimeout."""
        rest = self._until - time.monotonic()
        if rest <= 0:
            raise httpcore.ReadTimeout
        return rest if timeout is None else min(rest, timeout)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        self.dialled = True
        addresses = self._addresses(host, port)
        problem: Exception | None = None
        for index, address in enumerate(addresses):
            self.address = str(address)
            try:
                # A black hole among several addresses must leave time for the others.
                share = self.left(timeout) / (len(addresses) - index)
                stream = self._dialler.connect_tcp(str(address), port, share, local_address, socket_options)
                return _BoundedStream(stream, self)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failed:
                problem = failed
        raise problem or httpcore.ConnectError("the name has no address")

    def _addresses(self, host: str, port: int) -> list[Address]:
        """All addresses of the name, each of them checked: one bad address refuses the whole name."""
        try:
            found = self._resolve(host, port)
        except (OSError, UnicodeError) as unknown:
            raise httpcore.ConnectError(f"the name cannot be resolved ({unknown})") from unknown
        addresses = list(dict.fromkeys(ipaddress.ip_address(entry[4][0]) for entry in found))
        for address in addresses:
            _check_address(self._target, address)
        return addresses

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.NetworkStream:
        raise httpcore.ConnectError("sockets in the file system are not called")


class _BoundedStream(httpcore.NetworkStream):
    """A connection on which every step ends at the request's deadline."""

    def __init__(self, stream: httpcore.NetworkStream, backend: _GuardedBackend) -> None:
        self._stream = stream
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._backend.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _WRITE_BYTES):
            self._stream.write(buffer[start : start + _WRITE_BYTES], self._backend.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, self._backend.left(timeout))
        return _BoundedStream(secured, self._backend)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
