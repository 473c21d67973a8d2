"""The audit log: one row per change, written in the change's own transaction, hash-chained afterwards.

The chain is made by a sweep over committed rows instead of under a global lock, so that auditing never
makes two uploads wait for each other. A row's hash is
SHA-256(previous hash ‖ canonical JSON of [link, id, at, actor, action, target, details]).
"""

import hashlib
from dataclasses import dataclass

import orjson
from django.db import connection, transaction

from access.actor import Actor
from access.models import AuditEntry

GENESIS = bytes(32)
# One sweep at a time; any number is as good as another as long as only this module takes it.
_CHAIN_LOCK = 7_265_001


def record(*, actor: Actor, action: str, target: str, details: dict[str, object]) -> AuditEntry:
    """Adds a row to the log. Call it inside the transaction of the change it tells about."""
    return AuditEntry.objects.create(actor=actor.label, action=action, target=target[:300], details=details)


def chain(*, limit: int = 10_000) -> int:
    """Links committed rows that have no place in the chain yet; how many it linked."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_CHAIN_LOCK])
        if not cursor.fetchone()[0]:
            return 0
        last = AuditEntry.objects.filter(link__isnull=False).order_by("-link").first()
        link, previous = (last.link or 0, bytes(last.hash or b"")) if last else (0, GENESIS)
        waiting = list(AuditEntry.objects.filter(link__isnull=True).order_by("id")[:limit])
        for entry in waiting:
            link += 1
            previous = _hash(previous, entry, link)
            AuditEntry.objects.filter(pk=entry.pk, link__isnull=True).update(link=link, hash=previous)
        return len(waiting)


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """`broken_at` is the id of the first row that is not what was chained, or None."""

    checked: int
    waiting: int
    broken_at: int | None
    problem: str = ""


def verify() -> ChainCheck:
    """Recomputes the whole chain. A changed, removed or inserted row shows as the first one that does not fit."""
    previous, expected = GENESIS, 0
    for entry in AuditEntry.objects.filter(link__isnull=False).order_by("link").iterator():
        expected += 1
        if entry.link != expected:
            return ChainCheck(expected - 1, 0, entry.pk, f"The entry with link {expected} is missing.")
        previous = _hash(previous, entry, expected)
        if previous != bytes(entry.hash or b""):
            return ChainCheck(
                expected - 1, 0, entry.pk, f"Entry {entry.pk} was changed after it was chained."
            )
    return ChainCheck(expected, AuditEntry.objects.filter(link__isnull=True).count(), None)


def _hash(previous: bytes, entry: AuditEntry, link: int) -> bytes:
    row = [link, entry.pk, entry.at.isoformat(), entry.actor, entry.action, entry.target, entry.details]
    return hashlib.sha256(previous + orjson.dumps(row, option=orjson.OPT_SORT_KEYS)).digest()
