"""One request, one answer: every way it can fail becomes an error of this package."""

from __future__ import annotations

# Resolving a name imports it: a fork amid that would leave a child that never again finds a server.
import encodings.idna  # noqa: F401
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from onex_sdk._errors import (
    BadAnswer,
    Denied,
    NotFound,
    Refused,
    RegistryError,
    TooLarge,
    Unavailable,
    Unreachable,
)

API = "/api/v1"
_NOT_MODIFIED = 304
_WAIT = (429, 503)
_REFUSALS: dict[int, type[Refused]] = {401: Denied, 403: Denied, 404: NotFound, 413: TooLarge}


def api_base(url: str) -> str:
    """The API's address of a server's, with or without `/api/v1` at the end."""
    bare = url.rstrip("/")
    return bare if bare.endswith(API) else bare + API


class Api:
    """The server's API over one pool of connections; safe to share between threads."""

    def __init__(self, url: str, token: str, *, timeout: float) -> None:
        self._base = api_base(url)
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._http = httpx.Client(headers=headers, timeout=timeout)

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, *, etag: str | None = None) -> tuple[Any, str | None]:
        """The JSON answer and its ETag; `(None, etag)` when what `etag` stands for is still current."""
        headers = {"If-None-Match": etag} if etag else {}
        answer = self._answer("GET", path, headers=headers)
        if answer.status_code == _NOT_MODIFIED:
            return None, etag
        return _json(answer), answer.headers.get("ETag")

    def post(
        self, path: str, body: bytes, *, encoding: str | None = None, timeout: float | None = None
    ) -> Any:
        """`timeout` is for this request, instead of the one for all."""
        headers = {"Content-Type": "application/json", **({"Content-Encoding": encoding} if encoding else {})}
        return _json(self._answer("POST", path, content=body, headers=headers, timeout=timeout))

    def put(self, path: str, body: bytes) -> Any:
        answer = self._answer("PUT", path, content=body, headers={"Content-Type": "application/json"})
        return _json(answer)

    def _answer(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        content: bytes | None = None,
        timeout: float | None = None,
    ) -> httpx.Response:
        limit = httpx.USE_CLIENT_DEFAULT if timeout is None else timeout
        try:
            answer = self._http.request(
                method, self._base + path, headers=headers, content=content, timeout=limit
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unreachable(f"{self._base} does not answer: {error}") from error
        if answer.is_success or answer.status_code == _NOT_MODIFIED:
            return answer
        raise failure_of(answer)


def failure_of(answer: httpx.Response) -> RegistryError:
    """What an answer that is no success means. Its body has been read."""
    status = answer.status_code
    if status in _WAIT:
        return Unavailable(_sentence(answer), retry_after=_seconds(answer.headers.get("Retry-After")))
    facts = _facts(answer)
    if facts is None:
        return BadAnswer(f"{answer.request.url} answered {status} and not as an Onex Registry does.")
    kind = _REFUSALS.get(status, Refused)
    return kind(
        str(facts["message"]),
        status=status,
        error_code=int(facts["error_code"]),
        details=facts.get("details") or {},
    )


def _facts(answer: httpx.Response) -> dict[str, Any] | None:
    """The body of an error if it is one of the registry's."""
    try:
        body = answer.json()
    except ValueError:
        return None
    known = isinstance(body, dict) and isinstance(body.get("error_code"), int) and "message" in body
    return body if known else None


def _sentence(answer: httpx.Response) -> str:
    facts = _facts(answer)
    return str(facts["message"]) if facts else f"The server answers {answer.status_code} at the moment."


def _seconds(header: str | None) -> float | None:
    """Of a Retry-After, which says seconds or a date."""
    if header is None or (header.isascii() and header.isdecimal()):
        return None if header is None else float(header)
    try:
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError as error:
        raise BadAnswer(f"{answer.request.url} answered something that is not JSON.") from error
