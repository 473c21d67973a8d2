"""Issue, rotate, revoke and check the tokens machines authenticate with."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import cast

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from access import audit
from access.actor import EVERYTHING, ROLES, SCOPES, Actor, Grant, Scope
from access.errors import Forbidden, InvalidToken, TokenNotFound, Unauthenticated
from access.models import Token

# Recognisable in logs and by secret scanners.
PREFIX = "onex_"
# Last use is written at most this often per token: a fetch must not cost a write.
LAST_USED_RESOLUTION = timedelta(minutes=1)


def digest_of(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def issue_token(
    *,
    actor: Actor,
    name: str,
    scopes: Sequence[str],
    subject_prefixes: Sequence[str] = ("",),
    expires_at: datetime | None = None,
) -> tuple[Token, str]:
    """A new token of the acting person and its secret, which is never to be seen again.

    Raises InvalidToken for unknown scopes, an empty name or an expiry in the past, Forbidden for a scope
    that the actor does not hold on one of the prefixes.
    """
    if actor.user is None:
        raise Forbidden("Tokens belong to a person; the system itself has none.")
    _check_request(name, scopes, expires_at)
    for scope in scopes:
        for prefix in subject_prefixes:
            actor.require(cast("Scope", scope), prefix)
    secret = PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        token = Token.objects.create(
            owner=actor.user,
            name=name.strip(),
            hint=secret[:12],
            digest=digest_of(secret),
            scopes=sorted(set(scopes)),
            subject_prefixes=sorted(set(subject_prefixes)),
            expires_at=expires_at,
        )
        audit.record(
            actor=actor,
            action="token.issued",
            target=f"token/{token.pk}",
            details={"name": token.name, "scopes": token.scopes, "prefixes": token.subject_prefixes},
        )
    return token, secret


def _check_request(name: str, scopes: Sequence[str], expires_at: datetime | None) -> None:
    if not name.strip():
        raise InvalidToken("A token needs a name that says who uses it.", pointer="/name")
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise InvalidToken(
            f"Choose at least one scope out of {', '.join(SCOPES)}.", pointer="/scopes", unknown=unknown
        )
    if expires_at is not None and expires_at <= timezone.now():
        raise InvalidToken("The expiry has to lie in the future.", pointer="/expires_at")


def rotate_token(*, actor: Actor, token_id: int) -> tuple[Token, str]:
    """A successor with the same rights; the old secret goes on working for TOKEN_ROTATION_OVERLAP.

    Raises TokenNotFound, or InvalidToken when it is no longer usable or was rotated already.
    """
    with transaction.atomic():
        old = _own_token(actor, token_id, lock=True)
        if old.state(timezone.now()) != "active":
            raise InvalidToken(
                f"Token '{old.name}' is {old.state(timezone.now())}; only an active one can be rotated.",
                token_id=old.pk,
            )
        new, secret = issue_token(
            actor=actor, name=old.name, scopes=old.scopes, subject_prefixes=old.subject_prefixes
        )
        ends = timezone.now() + settings.TOKEN_ROTATION_OVERLAP
        old.expires_at = min(filter(None, (old.expires_at, ends)))
        old.successor = new
        old.save(update_fields=["expires_at", "successor"])
        audit.record(
            actor=actor, action="token.rotated", target=f"token/{old.pk}", details={"successor": new.pk}
        )
    return new, secret


def revoke_token(*, actor: Actor, token_id: int) -> Token:
    """Ends a token at once (in other processes within FAST_PATH_CHECK_SECONDS); revoking twice changes nothing."""
    with transaction.atomic():
        token = _own_token(actor, token_id, lock=True)
        if token.revoked_at is None:
            token.revoked_at = timezone.now()
            token.save(update_fields=["revoked_at"])
            audit.record(actor=actor, action="token.revoked", target=f"token/{token.pk}", details={})
    return token


def _own_token(actor: Actor, token_id: int, *, lock: bool = False) -> Token:
    """Own tokens, or anyone's for an administrator."""
    tokens = Token.objects.select_for_update() if lock else Token.objects.all()
    if not actor.may_everywhere("admin"):
        tokens = tokens.filter(owner=actor.user)
    token = tokens.filter(pk=token_id).first()
    if token is None:
        raise TokenNotFound(f"There is no token {token_id} of yours.", token_id=token_id)
    return token


def actor_of_secret(secret: str) -> Actor:
    """The actor behind a presented secret. Raises Unauthenticated when it is unknown, expired or revoked."""
    found = (
        Token.objects.usable()
        .select_related("owner")
        .filter(digest=digest_of(secret), owner__is_active=True)
        .first()
    )
    if found is None:
        raise Unauthenticated(
            "This token is unknown, expired or revoked. Create one on the page /tokens and send it as "
            "'Authorization: Bearer …', or as the password of basic authentication."
        )
    _note_use(found)
    scopes = frozenset(cast("list[Scope]", found.scopes))
    grants = tuple(Grant(scopes, prefix) for prefix in found.subject_prefixes or [""])
    return Actor(
        label=f"{found.owner.username}/{found.name}",
        roles=roles_of(found.owner),
        user=found.owner,
        token=found,
        token_grants=grants,
    )


def _note_use(token: Token) -> None:
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at > LAST_USED_RESOLUTION:
        Token.objects.filter(pk=token.pk).update(last_used_at=Now())


def actor_of_user(user: User) -> Actor:
    """The actor a signed-in person is on the pages."""
    return Actor(label=user.username, roles=roles_of(user), user=user)


def roles_of(user: User) -> tuple[Grant, ...]:
    """Superusers may do everything; everyone else what their role rows say."""
    if user.is_superuser:
        return (EVERYTHING,)
    return tuple(Grant(ROLES[role.name], role.subject_prefix) for role in user.roles.all())
