"""`POST /api/v1/events` without Django, for callers that this process knows already: most of a small request's time was Django's.

A WSGI middleware around the application. It believes what the process knows of the caller and of the catalogue, without a
question of its own to the database; both are looked at in the transaction that stores. When one of them has changed nothing
was stored, and the view begins anew, which also gets whatever is not known here.
"""

from collections.abc import Callable, Iterable
from io import BytesIO
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.db import connection
from rest_framework.response import Response

from access import tokens
from access.authentication import secret_in
from access.errors import ProductError, Unauthenticated
from events import decode
from events.ingest import ingest_events
from events.store import Outdated
from registry import problems
from registry.middleware import id_of_request
from registry.wire import JSON, WireRenderer, named_type

ADDRESS = "/api/v1/events"
Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class FastIngest:
    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if (
            environ["PATH_INFO"] != ADDRESS
            or environ["REQUEST_METHOD"] != "POST"
            or environ.get("QUERY_STRING")
        ):
            return self._application(environ, start_response)
        caller, length = _caller(environ), _length(environ)
        if caller is None or not length:
            return self._application(environ, start_response)
        body = environ["wsgi.input"].read(length)
        answer = _answer(caller, body, environ)
        if answer is None:
            return self._application({**environ, "wsgi.input": BytesIO(body)}, start_response)
        return _send(answer, environ, start_response)


def _caller(environ: Environ) -> tokens.Known | None:
    """None for whom the view has to look at: unknown here, or not allowed to send anything."""
    try:
        secret = secret_in(environ.get("HTTP_AUTHORIZATION", ""))
    except Unauthenticated:
        return None
    known = tokens.remembered(secret) if secret else None
    return known if known is not None and known.actor.may("ingest") else None


def _length(environ: Environ) -> int:
    """0 for a body of unknown length, or of more than may be sent."""
    said = environ.get("CONTENT_LENGTH", "")
    length = int(said) if said.isascii() and said.isdigit() and len(said) < 20 else 0
    return length if length <= settings.INGEST_MAX_BYTES else 0


def _answer(caller: tokens.Known, body: bytes, environ: Environ) -> Response | None:
    """What the view would answer; None, with nothing stored, when it has to look for itself."""
    try:
        plain = decode.plain_body(body, encoding=environ.get("HTTP_CONTENT_ENCODING", ""))
        pieces = decode.pieces(plain, content_type=environ.get("CONTENT_TYPE", ""))
    except ProductError:
        # The view first asks whether the caller may still send anything.
        return None
    try:
        return Response(ingest_events(actor=caller.actor, items=pieces, epoch=caller.epoch).as_dict())
    except Outdated:
        return None
    except Exception as failed:  # noqa: BLE001 -- what nobody can explain happens to the view as well, which logs it
        return problems.answer(failed, {"request": SimpleNamespace(META=environ)})
    finally:
        # Outside of Django's request cycle nobody else gives it back to the pool.
        if not connection.in_atomic_block:
            connection.close()


def _send(answer: Response, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    body = WireRenderer().render(answer.data)
    kind = answer.content_type or named_type(environ.get("HTTP_ACCEPT", "")) or JSON
    headers = [
        *((name, value) for name, value in answer.items() if name != "Content-Type"),
        ("Content-Type", kind),
        ("Content-Length", str(len(body))),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Request-Id", id_of_request(environ.get("HTTP_X_REQUEST_ID", ""))),
    ]
    start_response(f"{answer.status_code} {answer.reason_phrase}", headers)
    return (body,)
