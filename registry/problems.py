"""The one place where a ProductError becomes an HTTP answer.

Body: `{"error_code": 40401, "message": "…", "details": {…}}`; the HTTP status is the first three digits of
the five-digit code. `Accept: application/problem+json` gets RFC 9457's shape with the same content.
"""

import logging
from collections.abc import Callable, Iterator
from typing import cast

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from psycopg.errors import LockNotAvailable, QueryCanceled
from psycopg_pool import PoolTimeout
from rest_framework import exceptions
from rest_framework.response import Response

from access.errors import Kind, ProductError
from registry.wire import PROBLEM, wants_problem

log = logging.getLogger(__name__)

STATUS: dict[Kind, int] = {
    "invalid": 422,
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "too_large": 413,
    "limited": 429,
    "unavailable": 503,
}

# Codes that registry clients know by number (Confluent's), then ours. Whatever is not listed answers with
# its kind's status and 00.
NUMBER: dict[str, int] = {
    "subject_not_found": 40401,
    "version_not_found": 40402,
    "schema_not_found": 40403,
    "subject_soft_deleted": 40404,
    "subject_not_soft_deleted": 40405,
    "version_soft_deleted": 40406,
    "version_not_soft_deleted": 40407,
    "subject_level_not_configured": 40408,
    "subject_mode_not_configured": 40409,
    "incompatible_schema": 40901,
    "undecided_schema": 40901,
    # Ours: the declared SemVer says less than the change is, or is given to another schema.
    "version_too_low": 40921,
    "version_taken": 40922,
    "approval_required": 40923,
    "already_decided": 40924,
    "approval_outdated": 40925,
    "invalid_transition": 40926,
    "already_published": 40927,
    "approval_not_found": 40421,
    "study_not_found": 40422,
    "import_not_found": 40423,
    "not_restored": 40928,
    "import_not_repeatable": 40929,
    "migration_not_found": 40424,
    "migration_refused": 40931,
    "migration_exists": 40932,
    "migration_not_waiting": 40933,
    "not_migrated": 40934,
    "invalid_migration": 42215,
    "signing_key_not_found": 40451,
    "data_key_not_found": 40452,
    "signing_key_taken": 40951,
    "signing_key_ended": 40952,
    "data_key_taken": 40953,
    "data_key_ended": 40954,
    "invalid_signing_key": 42251,
    "invalid_data_key": 42252,
    "invalid_archive": 42212,
    "registry_unusable": 42213,
    "archive_too_large": 41301,
    "invalid_schema": 42201,
    "invalid_version": 42202,
    "invalid_compatibility_level": 42203,
    "invalid_mode": 42204,
    "operation_not_permitted": 42205,
    "reference_exists": 42206,
    "id_does_not_match": 42207,
    "invalid_subject": 42208,
    "schema_too_large": 42209,
    "invalid_rule_set": 42210,
    "context_not_empty": 42211,
    "body_too_large": 41300,
    "malformed_body": 40000,
    "unsupported_media_type": 41500,
}


def number_of(error: ProductError) -> int:
    """The five-digit code of an error."""
    return NUMBER.get(error.code, STATUS[error.kind] * 100)


def body_of(error: ProductError) -> dict[str, object]:
    body: dict[str, object] = {"error_code": number_of(error), "message": error.message}
    details = {"code": error.code, **error.facts}
    return {**body, "details": details}


def answer(exc: Exception, context: dict[str, object]) -> Response | None:
    """DRF's exception handler. Unknown exceptions are not ours to explain: they stay 500 with a stack in the log."""
    error = as_product_error(exc)
    if error is None:
        return None
    response = _response(error, str(getattr(context.get("request"), "META", {}).get("HTTP_ACCEPT", "")))
    if retry_after := error.facts.get("retry_after"):
        response["Retry-After"] = str(retry_after)
    if isinstance(error, NotAuthenticated) or error.kind == "unauthenticated":
        response["WWW-Authenticate"] = 'Bearer realm="Onex Registry"'
    return response


def _response(error: ProductError, accept: str) -> Response:
    status = number_of(error) // 100
    body = body_of(error)
    if not wants_problem(accept):
        return Response(body, status=status)
    # RFC 9457; `type` is a name, not an address: docs/reference/errors.md lists them.
    problem = {"type": f"urn:onex-registry:{error.code}", "title": _title(error), "status": status}
    problem["detail"] = error.message
    return Response({**problem, **body}, status=status, content_type=PROBLEM)


def _title(error: ProductError) -> str:
    return error.code.replace("_", " ").capitalize()


class NotAuthenticated(ProductError):
    kind = "unauthenticated"
    code = "unauthenticated"


class Malformed(ProductError):
    kind = "invalid"
    code = "malformed_body"


class UnsupportedMediaType(ProductError):
    kind = "invalid"
    code = "unsupported_media_type"


class MethodNotAllowed(ProductError):
    kind = "invalid"
    code = "method_not_allowed"


class NoSuchPage(ProductError):
    kind = "not_found"
    code = "no_such_address"


class NotAllowed(ProductError):
    kind = "forbidden"
    code = "forbidden"


class InvalidRequest(ProductError):
    """A body of the wrong shape; `errors` says where: [{"pointer", "message"}]."""

    code = "invalid_request"


class StoreAway(ProductError):
    kind = "unavailable"
    code = "store_unavailable"


class TookTooLong(ProductError):
    kind = "unavailable"
    code = "took_too_long"


def _late_or_away(exc: Exception) -> ProductError:
    if isinstance(exc.__cause__, QueryCanceled | LockNotAvailable):
        return TookTooLong(
            "It took too long and was given up; nothing was stored. Ask for less at once, or try again.",
            retry_after=2,
        )
    return StoreAway(
        "The database does not answer at the moment; nothing was stored. Try again shortly.", retry_after=2
    )


NUMBER["method_not_allowed"] = 40500


def as_product_error(exc: BaseException) -> ProductError | None:
    if isinstance(exc, ProductError):
        return exc
    for kind, translate in _TRANSLATIONS.items():
        if isinstance(exc, kind):
            return translate(exc)
    return None


def _invalid_request(exc: exceptions.ValidationError) -> InvalidRequest:
    errors = [{"pointer": pointer, "message": message} for pointer, message in _flat(exc.detail, "")]
    sentence = " ".join(f"{error['pointer']}: {error['message']}".lstrip(": ") for error in errors)
    return InvalidRequest(sentence, errors=errors)


def _flat(detail: object, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(detail, dict):
        for name, inner in detail.items():
            yield from _flat(inner, pointer if name == "non_field_errors" else f"{pointer}/{name}")
    elif isinstance(detail, list):
        for inner in detail:
            yield from _flat(inner, pointer)
    else:
        yield pointer, str(detail)


_TRANSLATIONS: dict[type[Exception], Callable[[Exception], ProductError]] = {
    exceptions.NotAuthenticated: lambda _: NotAuthenticated(
        "This address needs a token: send 'Authorization: Bearer <token>', or basic authentication with the "
        "token as password. The page /tokens makes one."
    ),
    exceptions.PermissionDenied: lambda exc: NotAllowed(str(exc)),
    exceptions.ValidationError: lambda exc: _invalid_request(cast("exceptions.ValidationError", exc)),
    exceptions.ParseError: lambda exc: Malformed(str(exc)),
    exceptions.UnsupportedMediaType: lambda exc: UnsupportedMediaType(str(exc)),
    exceptions.MethodNotAllowed: lambda exc: MethodNotAllowed(str(exc)),
    Http404: lambda _: NoSuchPage(
        "There is nothing at this address. The list of addresses is at /api/v1/openapi.yaml."
    ),
    PermissionDenied: lambda exc: NotAllowed(str(exc) or "You may not do this."),
    RequestDataTooBig: lambda exc: Malformed(str(exc)),
    OperationalError: _late_or_away,
    PoolTimeout: lambda _: StoreAway(
        "All database connections are busy; nothing was stored. Try again shortly.", retry_after=2
    ),
}


class ProblemPages:
    """On pages, a ProductError that no form caught becomes a page that says the same sentence."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exc: Exception) -> HttpResponse | None:
        error = as_product_error(exc)
        if error is None or isinstance(exc, Http404 | PermissionDenied):
            return None
        return page_of(error, request)


def page_of(error: ProductError, request: HttpRequest) -> HttpResponse:
    """The page that says what the REST API would answer. That of 503 asks the database nothing: it may be what is away."""
    status = number_of(error) // 100
    templates = [f"registry/{status}.html", "registry/problem.html"]
    page = render(request, templates, {"error": error, "status": status}, status=status)
    if retry_after := error.facts.get("retry_after"):
        page["Retry-After"] = str(retry_after)
    return page
