"""Ports of this machine: asked for, found free, and kept."""

import errno
import socket

from registry.local.errors import Refusal


def reserve(host: str, port: int) -> socket.socket:
    """A bound socket that listens to nothing and keeps the port for this user while it is open.

    Only processes of the same user that also set SO_REUSEPORT, as the web server does, can bind the port.
    `port` 0 takes any free one. Raises Refusal with the way out.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror:
        raise Refusal(
            f"{host!r} is no address of this machine. Use --host 127.0.0.1, or 0.0.0.0 for all."
        ) from None
    except OverflowError:
        raise Refusal(f"{port} is no port: use 1 to 65535, or --port 0 for any free one.") from None
    _refuse_taken(family, address, host, port)
    reserved = socket.socket(family, kind, protocol)
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    _bind(reserved, address, host, port)
    return reserved


def port_of(reserved: socket.socket) -> int:
    port: int = reserved.getsockname()[1]
    return port


def _refuse_taken(family: int, address: tuple[object, ...], host: str, port: int) -> None:
    # Without SO_REUSEPORT, which would let us share the port with another registry without a word.
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _bind(probe, address, host, port)


def _bind(one: socket.socket, address: tuple[object, ...], host: str, port: int) -> None:
    try:
        one.bind(address)
    except PermissionError:
        raise Refusal(
            f"Port {port} may not be used by this user. Choose one above 1023: ./run --port 8090."
        ) from None
    except OSError as problem:
        if problem.errno == errno.EADDRINUSE:
            raise Refusal(
                f"Port {port} is taken by another program. Choose another with ./run --port {port + 1}, or --port 0 for any free one."
            ) from None
        raise Refusal(
            f"{host} is no address of this machine. Use --host 127.0.0.1, or 0.0.0.0 for all."
        ) from None
