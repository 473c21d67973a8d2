"""Issue, rotate, revoke and check the tokens machines authenticate with."""

import hashlib
import secrets
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, cast

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from access import audit, prepared
from access.actor import EVERYTHING, ROLES, SCOPES, Actor, Grant, Scope
from access.errors import Forbidden, InvalidToken, TokenNotFound, Unauthenticated
from access.models import Token, TokenQuerySet

# Recognisable in logs and by secret scanners.
PREFIX = "onex_"
# Last use is written at most this often per token: a fetch must not cost a write.
LAST_USED_RESOLUTION = timedelta(minutes=1)

_TOKEN_COLUMNS = len(Token._meta.concrete_fields)
_FIND_USABLE = f"""
SELECT {prepared.columns_of(Token, "token")}, {prepared.columns_of(User, "owner")}
FROM access_token token JOIN auth_user owner ON owner.id = token.owner_id
WHERE token.digest = %s AND owner.is_active AND token.revoked_at IS NULL
    AND (token.expires_at IS NULL OR token.expires_at > statement_timestamp())
"""  # noqa: S608 -- names of the models
#: Grows whenever anybody may do less, or more, than before; no row is 0.
EPOCH = "SELECT value FROM access_authorityepoch"
_FIND_ROLES = "SELECT name, subject_prefix FROM access_role WHERE user_id = %s"


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

    Raises InvalidToken for unknown scopes, no prefix, an empty name or an expiry in the past, Forbidden for
    a scope that the actor does not hold on one of the prefixes, and for every token: what a leaked one made
    would outlive its revocation.
    """
    _check_request(name, scopes, subject_prefixes, expires_at)
    if actor.token is not None:
        raise Forbidden("A token cannot make other tokens. Sign in to make one.")
    return _issue(actor, name, scopes, subject_prefixes, expires_at)


def _issue(
    actor: Actor,
    name: str,
    scopes: Sequence[str],
    subject_prefixes: Sequence[str],
    expires_at: datetime | None,
) -> tuple[Token, str]:
    if actor.user is None:
        raise Forbidden("Tokens belong to a person; the system itself has none.")
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


def _check_request(
    name: str, scopes: Sequence[str], subject_prefixes: Sequence[str], expires_at: datetime | None
) -> None:
    if not 0 < len(name.strip()) <= 100:
        raise InvalidToken(
            "A token needs a name of up to 100 characters that says who uses it.", pointer="/name"
        )
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise InvalidToken(
            f"Choose at least one scope out of {', '.join(SCOPES)}.", pointer="/scopes", unknown=unknown
        )
    if not subject_prefixes or any(len(prefix) > 255 or "\0" in prefix for prefix in subject_prefixes):
        raise InvalidToken(
            "Name the subject prefixes that it is for, each up to 255 characters; '' means all.",
            pointer="/subject_prefixes",
        )
    if expires_at is not None and expires_at <= timezone.now():
        raise InvalidToken("The expiry has to lie in the future.", pointer="/expires_at")


def rotate_token(*, actor: Actor, token_id: int) -> tuple[Token, str]:
    """A successor with the same rights and lifetime; the old secret goes on working for TOKEN_ROTATION_OVERLAP.

    Only the owner rotates a token: an administrator who did would hold a secret in somebody else's name. An
    acting token rotates only itself.
    Raises TokenNotFound, InvalidToken when it is no longer usable or was rotated already, Forbidden when the
    actor no longer holds its rights.
    """
    with transaction.atomic():
        old = _locked_token(actor, token_id, Token.objects.filter(owner=actor.user))
        if actor.token is not None and actor.token.pk != old.pk:
            raise Forbidden("A token can rotate only itself. Sign in to rotate this one.", token_id=old.pk)
        if old.state(timezone.now()) != "active":
            raise InvalidToken(
                f"Token '{old.name}' is {old.state(timezone.now())}; only an active one can be rotated.",
                token_id=old.pk,
            )
        now = timezone.now()
        expires_at = now + (old.expires_at - old.created_at) if old.expires_at else None
        new, secret = _issue(actor, old.name, old.scopes, old.subject_prefixes, expires_at)
        old.expires_at = min(filter(None, (old.expires_at, now + settings.TOKEN_ROTATION_OVERLAP)))
        old.successor = new
        old.save(update_fields=["expires_at", "successor"])
        audit.record(
            actor=actor, action="token.rotated", target=f"token/{old.pk}", details={"successor": new.pk}
        )
    return new, secret


def revoke_token(*, actor: Actor, token_id: int) -> Token:
    """Ends a token at once (in other processes within FAST_PATH_CHECK_SECONDS); revoking twice changes nothing."""
    with transaction.atomic():
        token = _locked_token(actor, token_id, tokens_of(actor))
        if token.revoked_at is None:
            token.revoked_at = timezone.now()
            token.save(update_fields=["revoked_at"])
            audit.record(actor=actor, action="token.revoked", target=f"token/{token.pk}", details={})
    return token


def tokens_of(actor: Actor) -> TokenQuerySet:
    """The tokens that the actor sees: own ones, or everyone's for an administrator."""
    everyone = Token.objects.all()
    return everyone if actor.may_everywhere("admin") else everyone.filter(owner=actor.user)


def _locked_token(actor: Actor, token_id: int, among: TokenQuerySet) -> Token:
    token = among.select_for_update().filter(pk=token_id).first()
    if token is None:
        raise TokenNotFound(f"There is no token {token_id} of yours.", token_id=token_id)
    if not _within(token, actor):
        raise Forbidden(
            "A token may end itself and tokens that have no right which it lacks. Sign in to manage this one.",
            token_id=token_id,
        )
    return token


def _within(token: Token, actor: Actor) -> bool:
    """Whether whoever found the acting token in a log could do no more with this one."""
    if actor.token is None or actor.token_grants is None or actor.token.pk == token.pk:
        return True
    grants = actor.token_grants
    return all(
        any(grant.covers(scope, prefix) for grant in grants)
        for scope in cast("list[Scope]", token.scopes)
        for prefix in token.subject_prefixes
    )


class Known(NamedTuple):
    """An actor as the authority epoch had it, and until when (time.time()) that may be believed."""

    actor: Actor
    epoch: int
    until: float


# By the digest of the secret.
_known: dict[bytes, Known] = {}
_MAX_KNOWN = 10_000


def actor_of_secret(secret: str) -> Actor:
    """The actor behind a presented secret. Raises Unauthenticated when it is unknown, expired or revoked.

    Every call asks the database whether anybody's rights changed since the actor was read; if not, that one is given.
    """
    digest = digest_of(secret)
    if connection.in_atomic_block:
        # The epoch moves at the commit: of what changed within this transaction it knows nothing.
        return _read_actor(digest)
    # First the epoch: what changes while the token is read, the next call sees.
    epoch = _authority_epoch()
    kept = _known.get(digest)
    if kept is not None and kept.epoch == epoch and time.time() < kept.until:
        return kept.actor
    actor = _read_actor(digest)
    if len(_known) >= _MAX_KNOWN:
        _known.clear()
    _known[digest] = Known(actor, epoch, _believed_until(actor))
    return actor


def remembered(secret: str) -> Known | None:
    """The actor as this process has it in memory. Nobody is asked: whoever acts for it makes sure that EPOCH is still the same."""
    kept = _known.get(digest_of(secret))
    return kept if kept is not None and time.time() < kept.until else None


def forget_actors() -> None:
    """Asks for every token anew, for whoever empties the database under a running process."""
    _known.clear()


def _authority_epoch() -> int:
    with prepared.cursor() as cursor:
        cursor.execute(EPOCH)
        row = cursor.fetchone()
    return row[0] if row else 0


def _believed_until(actor: Actor) -> float:
    """Asked anew after a while, so that the token's last use stays true."""
    until = time.time() + LAST_USED_RESOLUTION.total_seconds()
    assert actor.token is not None
    expires = actor.token.expires_at
    return until if expires is None else min(until, expires.timestamp())


def _read_actor(digest: bytes) -> Actor:
    found = _usable_token(digest)
    if found is None:
        raise Unauthenticated(
            "This token is unknown, expired or revoked. Create one on the page /tokens and send it as "
            "'Authorization: Bearer …', or as the password of basic authentication."
        )
    _note_use(found)
    scopes = frozenset(cast("list[Scope]", found.scopes))
    grants = tuple(Grant(scopes, prefix) for prefix in found.subject_prefixes)
    return Actor(
        label=f"{found.owner.username}/{found.name}",
        roles=roles_of(found.owner),
        user=found.owner,
        token=found,
        token_grants=grants,
    )


def _usable_token(digest: bytes) -> Token | None:
    """With its owner. As `Token.objects.usable()` of an active owner, which every request asks for."""
    with prepared.cursor() as cursor:
        cursor.execute(_FIND_USABLE, [digest])
        row = cursor.fetchone()
    if row is None:
        return None
    token: Token = prepared.loaded(Token, row[:_TOKEN_COLUMNS])
    token.owner = prepared.loaded(User, row[_TOKEN_COLUMNS:])
    return token


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
    with prepared.cursor() as cursor:
        cursor.execute(_FIND_ROLES, [user.pk])
        return tuple(Grant(ROLES[name], prefix) for name, prefix in cursor.fetchall())
