"""Error pages. They show the request id and never anything of the request or the process environment."""

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from registry.problems import Malformed, NoSuchPage, NotAllowed, body_of, number_of


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
