"""How an API request says who is asking: Bearer token, or basic auth whose password is the token."""

import base64
import binascii
from typing import TYPE_CHECKING

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication

from access.errors import Unauthenticated
from access.tokens import actor_of_secret

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from rest_framework.request import Request

    from access.models import Token


def secret_in(header: str) -> str | None:
    """The token in an Authorization header; None when there is no such header at all.

    Basic authentication takes any user name, because registry clients differ in what they let one set.
    Raises Unauthenticated for a header that holds no token.
    """
    if not header:
        return None
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            pass
    raise Unauthenticated(
        "The Authorization header holds no token. Send 'Bearer <token>', or basic authentication with the "
        "token as password."
    )


class TokenAuthentication(BaseAuthentication):
    """Sets `request.actor` beside DRF's user and auth."""

    def authenticate(self, request: "Request") -> "tuple[User, Token] | None":
        secret = secret_in(request.META.get("HTTP_AUTHORIZATION", ""))
        if secret is None:
            return None
        actor = actor_of_secret(secret)
        # Middleware and views look at the Django request underneath, too.
        request._request.actor = actor  # type: ignore[attr-defined]
        assert actor.user is not None
        assert actor.token is not None
        return actor.user, actor.token

    def authenticate_header(self, request: "Request") -> str:
        return 'Bearer realm="Onex Registry"'


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
