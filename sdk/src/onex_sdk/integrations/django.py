"""Requests of a Django project as operations.

MIDDLEWARE = ["onex_sdk.integrations.django.OnexMiddleware", …]
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve

import onex_sdk
from onex_sdk import Operation

_KEPT = "_onex_operation"


class OnexMiddleware:
    """Each request is an operation named by its method and route, below the one that calls.

    An answer of 500 or more is a failure, by the exception where there was one. The answer names the chain of work
    in `X-Correlation-ID`. The client is the one of the process.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self._is_async:
            return self._answered(request)
        with _operation(request) as operation:
            return _told(operation, cast("HttpResponseBase", self.get_response(request)))

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """Django makes an answer of it, so that no exception arrives here."""
        operation = getattr(request, _KEPT, None)
        if operation is not None:
            operation.fail(exception)

    async def _answered(self, request: HttpRequest) -> HttpResponseBase:
        async with _operation(request) as operation:
            return _told(operation, await self.get_response(request))


def _operation(request: HttpRequest) -> Operation:
    client = onex_sdk.client()
    operation = client.operation(_name(request), remote=onex_sdk.extract(dict(request.headers.items())))
    setattr(request, _KEPT, operation)
    return operation


def _told(operation: Operation, answer: HttpResponseBase) -> HttpResponseBase:
    if answer.status_code >= 500 and not operation.failed:
        operation.fail(f"HTTP {answer.status_code}")
    if operation.correlation is not None:
        answer.headers["X-Correlation-ID"] = operation.correlation.correlation_id
    return answer


def _name(request: HttpRequest) -> str:
    """By the route and never by the path, of which there are too many to compare."""
    try:
        route = "/" + resolve(request.path_info, getattr(request, "urlconf", None)).route
    except Resolver404:
        route = "(no route)"
    return f"{request.method} {route}"
