"""The audit log: one row per change, written in the change's own transaction, hash-chained afterwards.

The chain is made by a sweep over committed rows instead of under a global lock, so that auditing never
makes two uploads wait for each other. A row's hash is
SHA-256(previous hash ‖ canonical JSON of [link, id, at, actor, action, target, details]).
"""

import hashlib
import json
from dataclasses import dataclass
from functools import partial

from django.db import connection, transaction

from access import correlation, prepared
from access.actor import Actor
from access.models import AuditEntry
from access.signals import audit_written

GENESIS = bytes(32)
# One sweep at a time; any number is as good as another as long as only this module takes it.
_CHAIN_LOCK = 7_265_001

_CHAIN = """
UPDATE access_auditentry entry SET link = chained.link, hash = chained.hash
FROM unnest(%s::bigint[], %s::bigint[], %s::bytea[]) AS chained (id, link, hash)
WHERE entry.id = chained.id AND entry.link IS NULL
"""


def record(*, actor: Actor, action: str, target: str, details: dict[str, object]) -> AuditEntry:
    """Adds a row to the log. Call it inside the transaction of the change it tells about.

    A correlation that the request named is kept in the details; `audit_written` is signalled after the commit.
    """
    if named := correlation.current.get():
        details = {**details, "correlation_id": named}
    transaction.on_commit(partial(audit_written.send, sender=AuditEntry, action=action), robust=True)
    entry = AuditEntry(actor=actor.label, action=action, target=target[:300], details=details)
    prepared.insert(entry)
    return entry


def chain(*, limit: int = 10_000) -> int:
    """Links committed rows that have no place in the chain yet; how many it linked."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_CHAIN_LOCK])
        if not cursor.fetchone()[0]:
            return 0
        last = AuditEntry.objects.filter(link__isnull=False).order_by("-link").first()
        head, previous = (last.link or 0, bytes(last.hash or b"")) if last else (0, GENESIS)
        waiting = list(AuditEntry.objects.filter(link__isnull=True).order_by("id")[:limit])
        chained: list[tuple[int, int, bytes]] = []
        for link, entry in enumerate(waiting, start=head + 1):
            previous = _hash(previous, entry, link)
            chained.append((entry.pk, link, previous))
        if chained:
            cursor.execute(_CHAIN, [list(column) for column in zip(*chained, strict=True)])
        return len(waiting)


def chain_all() -> None:
    """Links all that is committed, however much that is."""
    while chain():
        pass


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """`broken_at` is the id of the first row that is not what was chained, or None; `problem` says it in words.

    `anchor` ("link:hash" of the last entry), kept outside the database, lets a later check notice that the
    end of the log was cut off: a chain alone cannot show that.
    """

    checked: int
    waiting: int
    anchor: str
    broken_at: int | None = None
    problem: str = ""


def verify(*, anchor: tuple[int, str] | None = None) -> ChainCheck:
    """Recomputes the whole chain. A changed, removed or inserted row shows as the first one that does not fit."""
    previous, checked = GENESIS, 0
    for entry in AuditEntry.objects.filter(link__isnull=False).order_by("link").iterator():
        link = checked + 1
        computed = _hash(previous, entry, link)
        problem = _misfit(entry, link, computed, anchor)
        if problem:
            return ChainCheck(checked, _waiting(), _anchor(checked, previous), entry.pk, problem)
        previous, checked = computed, link
    if anchor and anchor[0] > checked:
        problem = f"The log ends at link {checked}, but the anchor says that it had link {anchor[0]}."
        return ChainCheck(checked, _waiting(), _anchor(checked, previous), None, problem)
    return ChainCheck(checked, _waiting(), _anchor(checked, previous))


def _misfit(entry: AuditEntry, link: int, computed: bytes, anchor: tuple[int, str] | None) -> str:
    if entry.link != link:
        return f"The entry with link {link} is missing."
    if computed != bytes(entry.hash or b""):
        return f"Entry {entry.pk} is not what was chained at link {link}."
    if anchor and anchor[0] == link and anchor[1] != computed.hex():
        return f"The chain up to link {link} was rewritten: its hash is not the anchor's."
    return ""


def _anchor(link: int, digest: bytes) -> str:
    return f"{link}:{digest.hex()}"


def _waiting() -> int:
    return AuditEntry.objects.filter(link__isnull=True).count()


def _hash(previous: bytes, entry: AuditEntry, link: int) -> bytes:
    row = [link, entry.pk, entry.at.isoformat(), entry.actor, entry.action, entry.target, entry.details]
    # Not orjson: one integer beyond 64 bits in somebody's details would stop the chain for ever.
    text = json.dumps(row, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(previous + text.encode()).digest()
