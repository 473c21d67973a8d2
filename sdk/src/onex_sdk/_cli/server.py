"""The registry as the command asks it: any address of its API, query and all. Every failure is a RegistryError."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any
from urllib.parse import quote

import httpx

from onex_sdk._cli.credentials import Credentials
from onex_sdk._cli.exits import WrongUsage
from onex_sdk._errors import BadAnswer, Unreachable
from onex_sdk._http import api_base, failure_of

Query = Mapping[str, Any]
_SECONDS = 60.0


class Server:
    """One pool of connections."""

    def __init__(self, credentials: Credentials, *, timeout: float = _SECONDS) -> None:
        """Raises WrongUsage for what is no address."""
        if not credentials.url.startswith(("http://", "https://")):
            raise WrongUsage(
                f"{credentials.url!r} is no address of a registry: it begins with https:// or http://."
            )
        self.url = credentials.url
        headers = {"Authorization": f"Bearer {credentials.token}", "Accept": "application/json"}
        self._base = api_base(credentials.url)
        self._http = httpx.Client(headers=headers, timeout=timeout, follow_redirects=False)

    def __enter__(self) -> Server:  # noqa: PYI034 - typing.Self needs Python 3.11
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str, query: Query | None = None) -> Any:
        return _json(self.ask("GET", path, query))

    def post(self, path: str, body: Any, query: Query | None = None) -> Any:
        return _json(self.ask("POST", path, query, content=json.dumps(body).encode()))

    def send(self, path: str, body: bytes, content_type: str, query: Query | None = None) -> Any:
        """A body that is not made here."""
        return _json(self.ask("POST", path, query, content=body, content_type=content_type))

    def ask(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        *,
        content: bytes | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> httpx.Response:
        """The answer, which is a success."""
        headers = {"Accept": accept, **({"Content-Type": content_type} if content is not None else {})}
        with self._failing():
            answer = self._http.request(
                method, self._base + path, params=_plain(query), content=content, headers=headers
            )
        if not answer.is_success:
            raise failure_of(answer)
        return answer

    @contextmanager
    def lines(self, path: str, query: Query | None = None, *, accept: str) -> Iterator[Iterator[str]]:
        """The lines of a long answer as they come; without an end of waiting between two of them."""
        headers = {"Accept": accept}
        with (
            self._failing(),
            self._http.stream(
                "GET",
                self._base + path,
                params=_plain(query),
                headers=headers,
                timeout=httpx.Timeout(_SECONDS),
            ) as answer,
        ):
            if not answer.is_success:
                answer.read()
                raise failure_of(answer)
            yield answer.iter_lines()

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unreachable(f"{self.url} does not answer: {error}") from error


def path(*parts: object) -> str:
    """An address of the API; each part is percent-encoded."""
    return "".join("/" + quote(str(part), safe="") for part in parts)


def _plain(query: Query | None) -> dict[str, str]:
    """Without what was not said."""
    said = {
        name: value
        for name, value in (query or {}).items()
        if not (value is None or value is False or value == "")
    }
    return {name: "true" if value is True else str(value) for name, value in said.items()}


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError as error:
        raise BadAnswer(f"{answer.request.url} answered something that is not JSON.") from error
