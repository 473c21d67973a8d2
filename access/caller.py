"""The actor of a request, for the type checker: neither Django nor DRF knows the attribute our middleware sets."""

from django.http import HttpRequest
from rest_framework.request import Request

from access.actor import Actor


def caller(request: HttpRequest | Request) -> Actor:
    """Who is asking: on pages the signed-in person, on API requests the token or the person."""
    actor: Actor = request.actor  # type: ignore[union-attr]
    return actor
