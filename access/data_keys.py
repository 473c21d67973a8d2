"""Keys that encrypt sensitive fields, each wrapped by a key that only producers and consumers have: the server keeps what
it cannot open, hands it out to who may read it, and can destroy it."""

import re

from django.db import IntegrityError, transaction
from django.utils import timezone

from access import audit
from access.actor import Actor, Scope
from access.errors import DataKeyEnded, DataKeyNotFound, DataKeyTaken, InvalidDataKey
from access.models import DataKey

State = DataKey.State
_KID = re.compile(r"[A-Za-z0-9_-]{8,64}")
# Compact JWE: header, wrapped key, initialisation vector, ciphertext, tag.
_WRAPPED = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*){3}\.[A-Za-z0-9_-]+")
_MAX_WRAPPED = 10_000


def register_data_key(
    *, actor: Actor, subject: str, kid: str, wrapped: str, wrapped_by: str, replaces: str = ""
) -> DataKey:
    """The key that encrypts sensitive fields of events of this type from now on.

    A subject has one such key; `replaces` names it, and it goes on decrypting. Raises Forbidden without `ingest` on the
    subject, InvalidDataKey, and DataKeyTaken when another one is active, which is named.
    """
    actor.require("ingest", subject)
    _check_request(subject, kid, wrapped, wrapped_by)
    row = DataKey(kid=kid, subject=subject, wrapped=wrapped, wrapped_by=wrapped_by, created_by=actor.label)
    with transaction.atomic():
        if replaces:
            # The condition decides between two who rotate at the same time: the later one finds nothing to replace.
            DataKey.objects.filter(subject=subject, kid=replaces, state=State.ACTIVE).update(
                state=State.RETIRED, changed_at=timezone.now()
            )
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError as taken:
            raise _taken(subject, kid) from taken
        audit.record(
            actor=actor,
            action="data_key.registered",
            target=f"data-key/{kid}",
            details={"subject": subject, "wrapped_by": wrapped_by, "replaces": replaces},
        )
    row.refresh_from_db()
    return row


def _taken(subject: str, kid: str) -> DataKeyTaken:
    active = DataKey.objects.filter(subject=subject, state=State.ACTIVE).first()
    if active is None:
        return DataKeyTaken(f"A key with the id {kid} is known already: choose another.", kid=kid)
    return DataKeyTaken(
        f"'{subject}' has an active key, {active.kid}. Use that one, or name it in `replaces`.",
        kid=active.kid,
        subject=subject,
    )


def rewrap_data_key(*, actor: Actor, kid: str, wrapped: str, wrapped_by: str) -> DataKey:
    """The same key, wrapped anew: how the key that wraps is rotated. Raises as `register_data_key`, DataKeyNotFound, DataKeyEnded."""
    with transaction.atomic():
        key = _locked(actor, kid, "ingest")
        _check_request(key.subject, kid, wrapped, wrapped_by)
        if key.state == State.DESTROYED:
            raise _destroyed(kid)
        before, key.wrapped, key.wrapped_by = key.wrapped_by, wrapped, wrapped_by
        key.save(update_fields=["wrapped", "wrapped_by"])
        audit.record(
            actor=actor,
            action="data_key.rewrapped",
            target=f"data-key/{kid}",
            details={"subject": key.subject, "before": before, "wrapped_by": wrapped_by},
        )
    return key


def revoke_data_key(*, actor: Actor, kid: str, reason: str = "") -> DataKey:
    """It is handed out to nobody until it is restored: its events cannot be decrypted, and new ones get another key.

    Raises DataKeyNotFound, Forbidden without `write`, DataKeyEnded for a destroyed one.
    """
    return _changed(actor, kid, "write", State.REVOKED, action="data_key.revoked", reason=reason)


def restore_data_key(*, actor: Actor, kid: str) -> DataKey:
    """A revoked key decrypts again; it encrypts nothing new. Raises as `revoke_data_key`."""
    return _changed(actor, kid, "write", State.RETIRED, action="data_key.restored", reason="")


def destroy_data_key(*, actor: Actor, kid: str, reason: str) -> DataKey:
    """Crypto-shredding: what it encrypted is unreadable for ever, and nothing else is touched. There is no way back.

    Raises DataKeyNotFound, Forbidden without `admin` on its subject, and InvalidDataKey without a reason.
    """
    if not reason.strip():
        raise InvalidDataKey(
            "Say why: the audit log keeps it for ever, as the key is gone.", pointer="/reason"
        )
    return _changed(actor, kid, "admin", State.DESTROYED, action="data_key.destroyed", reason=reason)


def _changed(actor: Actor, kid: str, scope: Scope, state: State, *, action: str, reason: str) -> DataKey:
    if len(reason) > 300 or "\0" in reason:
        raise InvalidDataKey("A reason has up to 300 characters.", pointer="/reason")
    with transaction.atomic():
        key = _locked(actor, kid, scope)
        if key.state == state:
            return key
        if key.state == State.DESTROYED:
            raise _destroyed(kid)
        if state == State.RETIRED and key.state != State.REVOKED:
            raise DataKeyEnded(f"Key {kid} is {key.state}; there is nothing to restore.", kid=kid)
        key.state, key.reason, key.changed_at = state, reason.strip(), timezone.now()
        if state == State.DESTROYED:
            key.wrapped = ""
        key.save(update_fields=["state", "reason", "changed_at", "wrapped"])
        audit.record(
            actor=actor,
            action=action,
            target=f"data-key/{kid}",
            details={"subject": key.subject, "reason": key.reason},
        )
    return key


def find_data_key(*, actor: Actor, kid: str) -> DataKey:
    """Raises DataKeyNotFound for one that the actor may not see, too."""
    found = DataKey.objects.visible_to(actor).filter(kid=kid).first()
    if found is None:
        raise _missing(kid)
    return found


def _locked(actor: Actor, kid: str, scope: Scope) -> DataKey:
    found = DataKey.objects.visible_to(actor).select_for_update().filter(kid=kid).first()
    if found is None:
        raise _missing(kid)
    actor.require(scope, found.subject)
    return found


def _check_request(subject: str, kid: str, wrapped: str, wrapped_by: str) -> None:
    if not 0 < len(subject) <= 255 or "\0" in subject:
        raise InvalidDataKey("Name the subject whose events it is for.", pointer="/subject")
    if _KID.fullmatch(kid) is None:
        raise InvalidDataKey("An id has 8 to 64 letters, digits, - or _.", pointer="/kid")
    if len(wrapped) > _MAX_WRAPPED or _WRAPPED.fullmatch(wrapped) is None:
        raise InvalidDataKey(
            "The key comes wrapped, as a compact JWE. A bare one must never leave its producer.",
            pointer="/wrapped",
        )
    if not 0 < len(wrapped_by) <= 200 or "\0" in wrapped_by:
        raise InvalidDataKey("Name the key that wraps it, in up to 200 characters.", pointer="/wrapped_by")


def _missing(kid: str) -> DataKeyNotFound:
    return DataKeyNotFound(f"There is no data key {kid[:64]} that you may see.", kid=kid[:64])


def _destroyed(kid: str) -> DataKeyEnded:
    return DataKeyEnded(f"Key {kid} was destroyed. What it encrypted is unreadable for ever.", kid=kid)
