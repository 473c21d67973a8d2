"""Requests of an ASGI application as operations: FastAPI, Starlette, and whatever speaks ASGI.

    app.add_middleware(OnexMiddleware)

Nothing of those libraries is imported.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

import onex_sdk
from onex_sdk import Client

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

_FULL_MATCH = 2


class OnexMiddleware:
    """Each HTTP request is an operation named by its method and route, below the one that calls.

    An answer of 500 or more is a failure. The answer names the chain of work in `x-correlation-id`. Paths that begin
    with one of `skip` are left alone. `client` is the one of the process unless one is given.
    """

    def __init__(self, app: App, client: Client | None = None, *, skip: Iterable[str] = ()) -> None:
        self.app = app
        self._client = client
        self._skip = tuple(skip)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (self._skip and scope["path"].startswith(self._skip)):
            await self.app(scope, receive, send)
            return
        told = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        client = self._client or onex_sdk.client()
        operation = client.operation(_name(scope, self.app), remote=onex_sdk.extract(told))
        status = 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                chain = operation.correlation
                if chain is not None:
                    named = (b"x-correlation-id", chain.correlation_id.encode("latin-1", "replace"))
                    message["headers"] = [*message.get("headers", ()), named]
            await send(message)

        async with operation:
            await self.app(scope, receive, watched)
            if status >= 500:
                operation.fail(f"HTTP {status}")


def _name(scope: MutableMapping[str, Any], app: App) -> str:
    """By the route and never by the path, of which there are too many to compare."""
    outer = scope.get("app", app)
    route = _route(getattr(outer, "routes", ()), scope)
    return f"{scope['method']} {route or '(no route)'}"


def _route(routes: Iterable[Any], scope: MutableMapping[str, Any]) -> str | None:
    for route in routes:
        matches = getattr(route, "matches", None)
        if matches is None:
            continue
        match, below = matches(scope)
        if match.value != _FULL_MATCH:
            continue
        path = str(getattr(route, "path", None) or "")
        return path + (_route(_below(route), {**scope, **below}) or "")
    return None


def _below(route: Any) -> Iterable[Any]:
    """Of what is mounted; and of a router that a newer FastAPI includes without copying its routes."""
    candidates = getattr(route, "effective_candidates", None)
    return candidates() if callable(candidates) else getattr(route, "routes", None) or ()
