"""`GET /api/v1/schemas/ids/{id}`, also below a context's base URL, without Django: finished bytes from memory, after a token check from memory.

A WSGI middleware around the application. Whatever it does not know, or may not answer, falls through to the view,
which gives the same answer or the proper refusal. What is kept is thrown away as a whole when the authority epoch has
moved (a revocation, a change of roles, a permanent delete, a deprecation), which is looked at every FAST_PATH_CHECK_SECONDS by
whichever request comes; while one thread looks, others go on for at most as long again, and then fall through.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import orjson
from django.conf import settings
from django.db import Error, connection
from psycopg_pool import PoolTimeout

from access.actor import SYSTEM
from access.authentication import secret_in
from access.errors import ProductError
from access.models import AuthorityEpoch
from access.tokens import LAST_USED_RESOLUTION, actor_of_secret
from registry.answers import IMMUTABLE, etag_of, schema_by_id
from registry.by_id import newest_of, users_of_id
from registry.context_addresses import PREFIX as CONTEXTS
from registry.context_addresses import in_context
from registry.contexts import DEFAULT, context_of, is_context
from registry.deprecation import deprecated_among, headers_of, versions_speaking_for
from registry.fetches import fetches
from registry.models import Version
from registry.wire import content_type_for

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

#: An id as it is written in the address, and the context that it is asked for in.
Key = tuple[str, str]

PREFIX = "/api/v1/schemas/ids/"
_MAX_READERS = 10_000


@dataclass(frozen=True, slots=True)
class Reader:
    """What a token may read, and until when that may be believed without asking again."""

    prefixes: tuple[str, ...]
    # Who is counted as having fetched.
    client: str
    # time.time() of the token's expiry.
    expires: float
    # time.monotonic(); asking again now and then keeps "last used" of the token true.
    reload: float

    def is_fresh(self) -> bool:
        return time.time() < self.expires and time.monotonic() < self.reload

    def may_read(self, subjects: frozenset[str]) -> bool:
        return any(name.startswith(self.prefixes) for name in subjects)


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer and the subjects whose readers may have it."""

    body: bytes
    etag: str
    # By the content type the client asked for.
    headers: dict[str, list[tuple[str, str]]]
    subjects: frozenset[str]
    # What is counted as fetched.
    content_id: int


@dataclass(slots=True)
class Known:
    """Everything kept under one epoch. A new epoch begins with nothing, and late loaders fill the old one in vain."""

    epoch: int
    readers: dict[bytes, Reader] = field(default_factory=dict)
    answers: dict[Key, Answer] = field(default_factory=dict)
    size: int = 0

    def keep_reader(self, key: bytes, reader: Reader) -> None:
        if len(self.readers) >= _MAX_READERS:
            self.readers.clear()
        self.readers[key] = reader

    def keep_answer(self, key: Key, answer: Answer) -> None:
        self.size += len(answer.body)
        if self.size > settings.FAST_PATH_MAX_BYTES:
            self.answers.clear()
            self.size = len(answer.body)
        self.answers[key] = answer


class FastPath:
    def __init__(self, application: Application) -> None:
        self._application = application
        self._known = Known(epoch=-1)
        self._check_at = 0.0
        self._checking = threading.Lock()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        key = _key(environ["PATH_INFO"], environ.get("QUERY_STRING", ""))
        if key is not None and environ["REQUEST_METHOD"] == "GET":
            answer = self._answer(key, environ.get("HTTP_AUTHORIZATION", ""))
            if answer is not None:
                return _send(answer, environ, start_response)
        return self._application(environ, start_response)

    def _answer(self, key: Key, authorization: str) -> Answer | None:
        """None when somebody else has to answer."""
        if not authorization:
            return None
        try:
            known = self._current()
            if known is None:
                return None
            # First the token: without one nobody makes the store work.
            reader = _reader(known, authorization)
            answer = known.answers.get(key) or _load_answer(known, key)
        except (Error, PoolTimeout, ProductError):
            return None
        if answer is None or not reader.may_read(answer.subjects):
            return None
        fetches.note(answer.content_id, reader.client)
        return answer

    def _current(self) -> Known | None:
        """What is known under the present epoch; None when nobody could look at it for too long."""
        now = time.monotonic()
        if now < self._check_at:
            return self._known
        if not self._checking.acquire(blocking=False):
            return self._known if now < self._check_at + settings.FAST_PATH_CHECK_SECONDS else None
        try:
            epoch = _epoch()
            if epoch != self._known.epoch:
                self._known = Known(epoch)
            self._check_at = now + settings.FAST_PATH_CHECK_SECONDS
        finally:
            self._checking.release()
        return self._known


def _key(path: str, query: str) -> Key | None:
    """None for whatever is no bare read of an id."""
    if path.startswith(CONTEXTS):
        path, query = in_context(path, query)
    if not path.startswith(PREFIX):
        return None
    number = path[len(PREFIX) :]
    if not (number.isascii() and number.isdigit()):
        return None
    return (number, DEFAULT) if not query else _in_named_context(number, query)


def _in_named_context(number: str, query: str) -> Key | None:
    """The parameter is the context's qualifier alone; with a subject in it the answer depends on more than the id."""
    name, _, value = query.partition("=")
    subject = unquote(value)
    if name != "subject" or "&" in value or (subject and not is_context(subject)):
        return None
    return number, context_of(subject)


def _send(answer: Answer, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    headers = answer.headers[content_type_for(environ.get("HTTP_ACCEPT", ""))]
    if environ.get("HTTP_IF_NONE_MATCH") == answer.etag:
        start_response("304 Not Modified", [header for header in headers if header[0] != "Content-Length"])
        return ()
    start_response("200 OK", headers)
    return (answer.body,)


def _reader(known: Known, authorization: str) -> Reader:
    # The digest, so that no secret stays in memory.
    key = hashlib.sha256(authorization.encode()).digest()
    reader = known.readers.get(key)
    if reader is None or not reader.is_fresh():
        reader = _load_reader(authorization)
        known.keep_reader(key, reader)
    return reader


@contextmanager
def _database() -> Iterator[None]:
    """Outside of Django's request cycle nobody else gives the connection back to the pool."""
    try:
        yield
    finally:
        if not connection.in_atomic_block:
            connection.close()


def _epoch() -> int:
    with _database():
        return AuthorityEpoch.objects.values_list("value", flat=True).first() or 0


def _load_reader(authorization: str) -> Reader:
    """Raises Unauthenticated."""
    with _database():
        actor = actor_of_secret(secret_in(authorization) or "")
    assert actor.token is not None
    expires = actor.token.expires_at
    return Reader(
        prefixes=actor.readable_prefixes(),
        client=actor.label,
        expires=expires.timestamp() if expires else float("inf"),
        reload=time.monotonic() + LAST_USED_RESOLUTION.total_seconds(),
    )


def _load_answer(known: Known, key: Key) -> Answer | None:
    number, context = key
    with _database():
        users = users_of_id(int(number[:18]), context)
        subjects = frozenset(users.values_list("subject__name", flat=True))
        version = newest_of(users.select_related("content", "identity"))
        deprecated = deprecated_among(versions_speaking_for(version)) if version else None
    if version is None or str(version.identity.number) != number:
        return None
    if deprecated and _says_more(deprecated, subjects):
        return None
    body = orjson.dumps(schema_by_id(version))
    headers = _headers(version, len(body), headers_of(deprecated, SYSTEM))
    answer = Answer(body, etag_of(version), headers, subjects, version.content_id)
    known.keep_answer(key, answer)
    return answer


def _says_more(deprecated: Version, subjects: frozenset[str]) -> bool:
    """Whether the headers name a subject that not every reader of the schema may read: the view looks at who asks."""
    successor = deprecated.replaced_by
    return len(subjects) > 1 or (successor is not None and successor.subject.name not in subjects)


class _ByContentType(dict[str, list[tuple[str, str]]]):
    """Header lists made when a content type is first asked for; there are three."""

    def __init__(self, common: list[tuple[str, str]]) -> None:
        super().__init__()
        self._common = common

    def __missing__(self, content_type: str) -> list[tuple[str, str]]:
        self[content_type] = [("Content-Type", content_type), *self._common]
        return self[content_type]


def _headers(version: Version, length: int, deprecation: dict[str, str]) -> _ByContentType:
    return _ByContentType(
        [
            ("Content-Length", str(length)),
            ("ETag", etag_of(version)),
            ("X-Content-Type-Options", "nosniff"),
            *IMMUTABLE.items(),
            *deprecation.items(),
        ]
    )
