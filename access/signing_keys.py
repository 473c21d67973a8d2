"""Producers' public keys: registered, rotated with an overlap, revoked. Private ones never come here."""

import json
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from access import audit
from access.actor import Actor
from access.errors import InvalidSigningKey, SigningKeyEnded, SigningKeyNotFound, SigningKeyTaken
from access.models import SigningKey

CURVE = "Ed25519"
ALGORITHM = "Ed25519"
_MAX_TEXT = 4_000
_HOW = "Send an Ed25519 public key: a PEM (BEGIN PUBLIC KEY), or a JWK with kty OKP and crv Ed25519."


def register_signing_key(
    *,
    actor: Actor,
    name: str,
    public_key: str,
    subject_prefix: str = "",
    expires_at: datetime | None = None,
) -> SigningKey:
    """A key whose signatures count on events of the types that begin with the prefix.

    Raises Forbidden without `write` on the prefix, InvalidSigningKey, and SigningKeyTaken for a key that is known here.
    """
    actor.require("write", subject_prefix)
    _check_request(name, subject_prefix, expires_at)
    key = read_public_key(public_key)
    with transaction.atomic():
        return _added(actor, key, name.strip(), subject_prefix, expires_at)


def _added(
    actor: Actor, key: OKPKey, name: str, subject_prefix: str, expires_at: datetime | None
) -> SigningKey:
    row = SigningKey(
        kid=key.thumbprint(),
        name=name,
        subject_prefix=subject_prefix,
        public_key=str(key.as_dict(private=False)["x"]),
        created_by=actor.label,
        expires_at=expires_at,
    )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as taken:
        raise SigningKeyTaken(
            f"Key {row.kid} was registered before. A key that was revoked or rotated away is never taken again: make a "
            "new one.",
            kid=row.kid,
        ) from taken
    audit.record(
        actor=actor,
        action="signing_key.registered",
        target=f"signing-key/{row.kid}",
        details={"name": name, "subject_prefix": subject_prefix},
    )
    row.refresh_from_db()
    return row


def rotate_signing_key(*, actor: Actor, kid: str, public_key: str) -> SigningKey:
    """A successor with the same name and prefix; signatures of the old key count for SIGNING_KEY_OVERLAP_DAYS more.

    Raises SigningKeyNotFound, Forbidden, SigningKeyEnded for one that is not active, InvalidSigningKey, SigningKeyTaken.
    """
    key = read_public_key(public_key)
    with transaction.atomic():
        old = _locked(actor, kid)
        now = timezone.now()
        if (state := old.state(now)) != "active":
            raise SigningKeyEnded(f"Key {kid} is {state}; only an active one can be rotated.", kid=kid)
        lifetime = old.expires_at - old.created_at if old.expires_at else None
        new = _added(actor, key, old.name, old.subject_prefix, now + lifetime if lifetime else None)
        old.expires_at = min(filter(None, (old.expires_at, now + settings.SIGNING_KEY_OVERLAP)))
        old.successor = new
        old.save(update_fields=["expires_at", "successor"])
        audit.record(
            actor=actor,
            action="signing_key.rotated",
            target=f"signing-key/{kid}",
            details={"successor": new.kid, "until": old.expires_at.isoformat()},
        )
    return new


def revoke_signing_key(*, actor: Actor, kid: str, reason: str = "") -> SigningKey:
    """From now on its signatures count no more; what was received before stays verified. Doing it again changes nothing.

    Raises SigningKeyNotFound, Forbidden, InvalidSigningKey.
    """
    if len(reason) > 300 or "\0" in reason:
        raise InvalidSigningKey("A reason has up to 300 characters.", pointer="/reason")
    with transaction.atomic():
        key = _locked(actor, kid)
        if key.revoked_at is None:
            key.revoked_at, key.reason = timezone.now(), reason.strip()
            key.save(update_fields=["revoked_at", "reason"])
            audit.record(
                actor=actor,
                action="signing_key.revoked",
                target=f"signing-key/{kid}",
                details={"reason": key.reason},
            )
    return key


def find_signing_key(*, actor: Actor, kid: str) -> SigningKey:
    """Raises SigningKeyNotFound for one that the actor may not see, too."""
    found = SigningKey.objects.visible_to(actor).filter(kid=kid).first()
    if found is None:
        raise _missing(kid)
    return found


def _locked(actor: Actor, kid: str) -> SigningKey:
    found = SigningKey.objects.visible_to(actor).select_for_update().filter(kid=kid).first()
    if found is None:
        raise _missing(kid)
    actor.require("write", found.subject_prefix)
    return found


def _missing(kid: str) -> SigningKeyNotFound:
    return SigningKeyNotFound(f"There is no signing key {kid[:60]} that you may see.", kid=kid[:60])


def _check_request(name: str, subject_prefix: str, expires_at: datetime | None) -> None:
    if not 0 < len(name.strip()) <= 100 or "\0" in name:
        raise InvalidSigningKey(
            "A key needs a name of up to 100 characters that says who signs with it.", pointer="/name"
        )
    if len(subject_prefix) > 255 or "\0" in subject_prefix:
        raise InvalidSigningKey("A prefix has up to 255 characters.", pointer="/subject_prefix")
    if expires_at is not None and expires_at <= timezone.now():
        raise InvalidSigningKey("The expiry has to lie in the future.", pointer="/expires_at")


def read_public_key(text: str) -> OKPKey:
    """Of PEM or a JWK. Raises InvalidSigningKey for anything else, a private key above all."""
    text = text.strip()
    if len(text) > _MAX_TEXT:
        raise InvalidSigningKey(f"That is too long for a public key. {_HOW}", pointer="/public_key")
    try:
        key = OKPKey.import_key(json.loads(text) if text.startswith("{") else text)
        curve, private = key.curve_name, key.is_private
    except (JoseError, ValueError, TypeError, KeyError, AttributeError) as bad:
        if "PRIVATE KEY" in text or '"d"' in text:
            raise _private() from bad
        raise InvalidSigningKey(
            f"This is no public key that can be read here. {_HOW}", pointer="/public_key"
        ) from bad
    if private:
        raise _private()
    if curve != CURVE:
        raise InvalidSigningKey(f"This is a key of curve {curve}. {_HOW}", pointer="/public_key")
    return key


def _private() -> InvalidSigningKey:
    return InvalidSigningKey(
        "That is a private key, which must never leave its producer. It was not kept; make a new one, and send only its "
        "public half.",
        pointer="/public_key",
    )


def as_jwk(key: SigningKey) -> dict[str, str]:
    """What a verifier elsewhere needs of it."""
    return {"kty": "OKP", "crv": CURVE, "x": key.public_key, "kid": key.kid, "use": "sig", "alg": ALGORITHM}
