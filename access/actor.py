"""Who is acting, and what they may do.

A person may do what their roles allow for a subject; a token may do what both its own scopes and its
owner's roles allow, so taking a role from a person takes it from their tokens in the same moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from access.errors import Forbidden

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from access.models import Token

Scope = Literal["read", "write", "ingest", "replay", "effects", "alert", "admin"]
# A label is a user's name (150), a slash and a token's name (100); models keep who did something in this length.
LABEL_LENGTH = 260
SCOPES: tuple[Scope, ...] = get_args(Scope)

ROLES: dict[str, frozenset[Scope]] = {
    "viewer": frozenset({"read"}),
    "producer": frozenset({"read", "ingest"}),
    "developer": frozenset({"read", "write", "ingest"}),
    "operator": frozenset({"read", "replay", "alert"}),
    "admin": frozenset(SCOPES),
}


@dataclass(frozen=True, slots=True)
class Grant:
    """These scopes on every subject whose name begins with `prefix` ("" is all of them)."""

    scopes: frozenset[Scope]
    prefix: str = ""

    def covers(self, scope: Scope, subject: str) -> bool:
        return scope in self.scopes and subject.startswith(self.prefix)


@dataclass(frozen=True, slots=True)
class Actor:
    """One authenticated caller, with everything needed to decide what it may do."""

    label: str
    roles: tuple[Grant, ...]
    user: User | None = None
    token: Token | None = None
    token_grants: tuple[Grant, ...] | None = None

    def may(self, scope: Scope, subject: str | None = None) -> bool:
        """Whether `scope` is held for `subject`; without a subject, for any subject at all."""
        if subject is None:
            return bool(self.readable_prefixes(scope))
        by_role = any(grant.covers(scope, subject) for grant in self.roles)
        by_token = self.token_grants is None or any(g.covers(scope, subject) for g in self.token_grants)
        return by_role and by_token

    def may_everywhere(self, scope: Scope) -> bool:
        """Whether `scope` is held for every subject: what global settings and lists of rules need."""
        return self.may(scope, "")

    def require(self, scope: Scope, subject: str | None = None) -> None:
        """Raises Forbidden unless `may(scope, subject)`."""
        if not self.may(scope, subject):
            raise Forbidden.lacking(scope, subject)

    def require_everywhere(self, scope: Scope) -> None:
        """Raises Forbidden unless `may_everywhere(scope)`."""
        if not self.may_everywhere(scope):
            raise Forbidden.lacking(scope, None)

    def readable_prefixes(self, scope: Scope = "read") -> tuple[str, ...]:
        """The subject prefixes under which `scope` is held, none within another; `("",)` means all."""
        roles = {grant.prefix for grant in self.roles if scope in grant.scopes}
        if self.token_grants is None:
            return _shortest(roles)
        tokens = {grant.prefix for grant in self.token_grants if scope in grant.scopes}
        both = {max(r, t, key=len) for r in roles for t in tokens if r.startswith(t) or t.startswith(r)}
        return _shortest(both)


def _shortest(prefixes: set[str]) -> tuple[str, ...]:
    """Without those that another one already covers."""
    return tuple(sorted(p for p in prefixes if not any(p != q and p.startswith(q) for q in prefixes)))


EVERYTHING = Grant(frozenset(SCOPES))
SYSTEM = Actor(label="system", roles=(EVERYTHING,))
