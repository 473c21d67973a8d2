"""Headers every page carries, and the id that ties an error page to its log line."""

import re
import secrets
from collections.abc import Callable

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse

from access import correlation

Next = Callable[[HttpRequest], HttpResponse]

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,80}")
_GIVEN_CORRELATION = re.compile(r"[!-~]{1,255}")


class ContentSecurityPolicy:
    """No inline script or style anywhere, nothing from any other host."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", _POLICY)
        return response


class NoNulInAddress:
    """PostgreSQL's text cannot hold U+0000: nothing has such a name, and nothing can be searched for by it."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\0" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
            raise BadRequest("The address holds the control character U+0000 (%00), which no name here has.")
        return self.get_response(request)


def id_of_request(given: str) -> str:
    """The caller's when it is harmless, else a new one."""
    return given if _GIVEN_ID.fullmatch(given) else secrets.token_hex(8)


class RequestId:
    """Takes the caller's X-Request-Id when it is harmless, else makes one; answers with it."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.id = id_of_request(request.headers.get("X-Request-Id", ""))  # type: ignore[attr-defined]
        response = self.get_response(request)
        response["X-Request-Id"] = request.id  # type: ignore[attr-defined]
        return response


class CorrelationOfRequest:
    """Takes the caller's X-Correlation-Id (visible ASCII, up to 255 characters): what the request changes belongs to it."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Correlation-Id", "")
        before = correlation.current.set(given if _GIVEN_CORRELATION.fullmatch(given) else "")
        try:
            return self.get_response(request)
        finally:
            correlation.current.reset(before)
