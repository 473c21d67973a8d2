"""Puts the acting person on every request of a signed-in session."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from access.actor import Actor
from access.tokens import actor_of_user

NOBODY = Actor(label="anonymous", roles=())


class ActorOfRequest:
    """`request.actor` for pages; TokenAuthentication replaces it on API requests that carry a token."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Lazy: most API requests never look at the session, and asking it costs a query.
        request.actor = SimpleLazyObject(lambda: _actor(request))  # type: ignore[attr-defined]
        return self.get_response(request)


def _actor(request: HttpRequest) -> Actor:
    return actor_of_user(request.user) if request.user.is_authenticated else NOBODY
