"""Everything this package raises, drawn by what the caller can do about it.

RegistryError
├── Unreachable        no answer came: try again later
├── Unavailable        the server asks to wait (429, 503): try again after `retry_after` seconds
├── Refused            the server understood and said no: change the request
│   ├── Denied         the token is unknown or lacks a scope (401, 403)
│   ├── NotFound       no such subject, version or schema (404)
│   └── TooLarge       send less at once (413)
├── BadAnswer          what answered is not an Onex Registry: check the URL
├── SchemaUnusable     the registry's schema cannot be compiled here: update this package
├── UnusableBundle     a file of schemas is not there or none: write it again
└── UnsendableEvent    an event is not a JSON object: mend it before sending
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class RegistryError(Exception):
    """The base of all errors of this package."""


class Unreachable(RegistryError):
    """No answer: connection refused or lost, name not resolved, timed out, or the URL is none."""


class Unavailable(RegistryError):
    """The server is there and asks to wait; nothing of the request was stored."""

    def __init__(self, message: str, *, retry_after: float | None) -> None:
        super().__init__(message)
        #: Seconds the server asked to wait; None when it did not say.
        self.retry_after = retry_after


class Refused(RegistryError):
    """The server's own sentence, its HTTP status, its five-digit code, and the facts behind it."""

    def __init__(self, message: str, *, status: int, error_code: int, details: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.status = status
        self.error_code = error_code
        self.details = details


class Denied(Refused):
    """The token is missing, unknown, expired or revoked, or lacks the scope."""


class NotFound(Refused):
    """No such subject, version or schema, or not for this token."""


class TooLarge(Refused):
    """More bytes or events than the server takes at once; nothing was stored."""


class BadAnswer(RegistryError):
    """The answer is not what an Onex Registry says."""


class SchemaUnusable(RegistryError):
    """A schema that the registry holds cannot be compiled by this version of the package."""


class UnusableBundle(RegistryError):
    """A file that should hold schemas is not there, or holds something else."""


class UnsendableEvent(RegistryError):
    """An event that JSON cannot hold. `index` is its place among the events given."""

    def __init__(self, message: str, *, index: int) -> None:
        super().__init__(message)
        self.index = index
