"""The least a WSGI application can do: what the server itself costs."""

from collections.abc import Callable, Iterable

BODY = b'{"hello": "world"}'


def application(environ: dict[str, object], start_response: Callable[..., object]) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(BODY)))])
    return [BODY]
