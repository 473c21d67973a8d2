"""Makes every body one that Django can read, and reads what an answer left of it.

Django takes a body's length from its header; a chunked one, which has none, would be an empty one.

A refusal (401, 403, 404, 415) is ready before the body has arrived. The web server then ends the connection without
saying so, and the next request that a client sends over it fails.
"""

from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from typing import IO, Any

from django.conf import settings

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

_CHUNK = 64 * 1024


class WholeBody:
    """Around an application that calls `start_response` before it returns, as Django does.

    Beyond API_BODY_MAX_BYTES the rest is not read, and the answer says that the connection ends.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if not _has_body(environ):
            return self._application(environ, start_response)
        started: list[Any] = []
        answer = self._application(_counted(environ), lambda *given: started.extend(given))
        status, headers, *problem = started
        if not _read_to_end(environ):
            headers = [*headers, ("Connection", "close")]
        start_response(status, headers, *problem)
        return answer


def _has_body(environ: Environ) -> bool:
    return environ.get("CONTENT_LENGTH", "") not in {"", "0"} or "HTTP_TRANSFER_ENCODING" in environ


def _counted(environ: Environ) -> Environ:
    """With a chunked body read and its length said; one that is too long is cut there, and refused for its length."""
    if "HTTP_TRANSFER_ENCODING" not in environ:
        return environ
    body = b"".join(_pieces(environ["wsgi.input"], settings.API_BODY_MAX_BYTES + 1))
    told = {name: value for name, value in environ.items() if name != "HTTP_TRANSFER_ENCODING"}
    return {**told, "CONTENT_LENGTH": str(len(body)), "wsgi.input": BytesIO(body)}


def _pieces(stream: IO[bytes], most: int) -> Iterator[bytes]:
    while most > 0 and (piece := stream.read(min(_CHUNK, most))):
        most -= len(piece)
        yield piece


def _read_to_end(environ: Environ) -> bool:
    """False when the rest is too long to be waited for, or never comes."""
    length = environ.get("CONTENT_LENGTH", "")
    left: int = settings.API_BODY_MAX_BYTES
    if length.isdigit() and int(length[:20]) > left:
        return False
    stream: IO[bytes] = environ["wsgi.input"]
    try:
        while left >= 0 and (read := len(stream.read(_CHUNK))):
            left -= read
    except OSError:  # the client has gone
        return False
    return left >= 0
