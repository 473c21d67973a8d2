"""The base of every error this product answers with.

    ProductError
    ├── Forbidden            the actor lacks a scope for this subject
    ├── Unauthenticated      no token, or one that is unknown, expired or revoked
    ├── NotFound, Invalid …  subclassed by each app for its own things

`kind` says what the caller can do about it; `registry/problems.py` alone turns kinds and codes into HTTP.
"""

from typing import Literal

Kind = Literal[
    "not_found", "invalid", "conflict", "forbidden", "unauthenticated", "too_large", "limited", "unavailable"
]


class ProductError(Exception):
    """An answer, not an accident: a sentence for a person, a code and facts for a program.

    `code` is a name that is stable for ever; `facts` are JSON values and become `details` of the answer.
    Two errors are equal when their class and facts are.
    """

    kind: Kind = "invalid"
    code: str = "invalid"

    def __init__(self, message: str, **facts: object) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.facts == getattr(other, "facts", None)

    def __hash__(self) -> int:
        return hash((type(self), self.message))


class Unauthenticated(ProductError):
    kind = "unauthenticated"
    code = "unauthenticated"


class Forbidden(ProductError):
    kind = "forbidden"
    code = "forbidden"

    @classmethod
    def lacking(cls, scope: str, subject: str | None) -> "Forbidden":
        where = f" on subject '{subject}'" if subject is not None else ""
        return cls(
            f"This needs the scope '{scope}'{where}, which you do not have. Ask an administrator for a role, "
            "or use a token with that scope.",
            scope=scope,
            subject=subject,
        )


class TokenNotFound(ProductError):
    kind = "not_found"
    code = "token_not_found"


class InvalidToken(ProductError):
    """A token request that cannot be granted: unknown scope, expiry in the past, …"""

    code = "invalid_token_request"


class LoginThrottled(ProductError):
    kind = "limited"
    code = "login_throttled"


class RateLimited(ProductError):
    kind = "limited"
    code = "rate_limited"


class WrongPassword(ProductError):
    """The name and password do not belong together; which of them is wrong is not said."""

    code = "wrong_password"


class InvitationInvalid(ProductError):
    """An invitation that cannot be made or accepted: used, expired, withdrawn, name taken, …"""

    code = "invitation_invalid"


class PersonNotFound(ProductError):
    kind = "not_found"
    code = "person_not_found"


class RoleInvalid(ProductError):
    """A change of roles that cannot be made: unknown role, or nobody would be left who may administer."""

    code = "role_invalid"


class InvalidCursor(ProductError):
    """An `after` or `before` that no page of the list ever gave."""

    code = "invalid_cursor"


class TargetRefused(ProductError):
    """An outbound address that this server does not call; `OUTBOUND_ALLOW` names the exceptions."""

    code = "target_refused"


class TargetUnreachable(ProductError):
    """Nobody answered at an outbound address in time; `address` says which one was dialled last."""

    kind = "unavailable"
    code = "target_unreachable"


class SecretLost(TargetUnreachable):
    """What was to be signed cannot be: the secret was sealed with a key that is not there any more."""

    code = "secret_lost"


class SecretInvalid(ProductError):
    code = "secret_invalid"


class DeliveryNotFound(ProductError):
    kind = "not_found"
    code = "delivery_not_found"


class DeliveryNotFinished(ProductError):
    """It is still being tried, so there is nothing to send again."""

    kind = "conflict"
    code = "delivery_not_finished"


class SigningKeyNotFound(ProductError):
    kind = "not_found"
    code = "signing_key_not_found"


class SigningKeyTaken(ProductError):
    kind = "conflict"
    code = "signing_key_taken"


class SigningKeyEnded(ProductError):
    """It is rotated, expired or revoked already."""

    kind = "conflict"
    code = "signing_key_ended"


class InvalidSigningKey(ProductError):
    """What cannot be registered: no public key, a private one, another curve, no name."""

    code = "invalid_signing_key"


class DataKeyNotFound(ProductError):
    kind = "not_found"
    code = "data_key_not_found"


class DataKeyTaken(ProductError):
    """The subject has an active key, or the id is taken."""

    kind = "conflict"
    code = "data_key_taken"


class DataKeyEnded(ProductError):
    """It is destroyed, or in another state that allows no such change."""

    kind = "conflict"
    code = "data_key_ended"


class InvalidDataKey(ProductError):
    code = "invalid_data_key"
