"""Error pages. They show the request id and never anything of the request or the process environment."""

import sys

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from registry.problems import Malformed, NoSuchPage, NotAllowed, as_product_error, body_of, number_of, page_of


@login_not_required
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    # Only what we raised ourselves is meant for readers.
    said = str(exception) if isinstance(exception, BadRequest) else "The request could not be read."
    return _answer(request, Malformed(said), "registry/problem.html")


@login_not_required
def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _answer(request, NotAllowed(str(exception) or "You may not do this."), "registry/403.html")


@login_not_required
def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    error = NoSuchPage("There is nothing at this address. docs/reference/api.md lists the addresses.")
    return _answer(request, error, "registry/404.html")


@login_not_required
def server_error(request: HttpRequest) -> HttpResponse:
    """What no view raised: a middleware did, or the page that was to say what a view raised."""
    failed = sys.exc_info()[1]
    error = as_product_error(failed) if failed else None
    if error is not None and error.kind == "unavailable":
        if request.path.startswith("/api/"):
            return JsonResponse(
                body_of(error), status=503, headers={"Retry-After": str(error.facts.get("retry_after", 2))}
            )
        return page_of(error, request)
    request_id = getattr(request, "id", "")
    if request.path.startswith("/api/"):
        message = f"Something broke on our side. The log has the details under request id {request_id}."
        return JsonResponse(
            {"error_code": 50000, "message": message, "details": {"request_id": request_id}}, status=500
        )
    return render(request, "registry/500.html", {"request_id": request_id}, status=500)


def _answer(request: HttpRequest, error: Malformed | NoSuchPage | NotAllowed, template: str) -> HttpResponse:
    status = number_of(error) // 100
    if request.path.startswith("/api/"):
        return JsonResponse(body_of(error), status=status)
    return render(request, template, {"error": error, "status": status}, status=status)
