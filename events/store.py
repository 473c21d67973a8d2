"""Storing what was judged: known ids, the quarantine and the log in one transaction. Acknowledged means committed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from django.conf import settings
from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction

from events import as_of, partitions, quarantine, refusals
from events.append import Judged, append, stored_digests
from events.as_of import AsOf
from events.envelope import Envelope
from events.errors import AppendQueueFull
from events.group_commit import GroupCommit, QueueFull
from events.judging import Problem

Status = Literal["stored", "stored_with_violations", "duplicate", "conflict", "quarantined", "rejected"]
# Two batches that bring the same new id at the same moment: the later one begins again and finds the other's.
_ATTEMPTS = 5
# Batches of no more events wait for each other, to be stored together: so many of them, and no longer than these seconds.
_SMALL = 20
_SHARES = 250
_PATIENCE = 10.0


# Not frozen, which would triple what making one costs; nobody changes one.
@dataclass(slots=True)
class Outcome:
    """What became of one event of a batch."""

    index: int
    event_id: str | None
    status: Status
    # The SemVer that judged it, or None.
    schema_version: str | None
    errors: list[Problem]
    # What was odd but accepted.
    lints: tuple[str, ...] = ()


@dataclass(slots=True)
class Batch:
    """The events of one request on their way, sorted by where they go."""

    outcomes: dict[int, Outcome] = field(default_factory=dict)
    to_store: list[Judged] = field(default_factory=list)
    to_quarantine: list[Judged] = field(default_factory=list)
    reasons: dict[int, str] = field(default_factory=dict)
    # Whether it was judged by what no longer held when it was to be stored.
    outdated: bool = False

    def reject(self, index: int, event: Envelope | None, problem: Problem) -> None:
        event_id = None if event is None else event.event_id
        self.outcomes[index] = Outcome(index, event_id, "rejected", None, [problem])


class _Share(NamedTuple):
    """What one request brings into a transaction."""

    batch: Batch
    producer: str
    # By what it was judged, where that has to hold still.
    judged_by: AsOf | None


class Outdated(Exception):
    """Somebody's rights or the catalogue changed since the batch was judged; nothing of it was stored."""


def store(batch: Batch, producer: str, judged_by: AsOf | None = None) -> None:
    """Raises Outdated when something else than `judged_by` holds by now, AppendQueueFull, and what the database raises."""
    if batch.to_store or batch.to_quarantine:
        _store(_Share(batch, producer, judged_by))
    else:
        batch.outdated = judged_by is not None and judged_by != as_of.now()
    if batch.outdated:
        raise Outdated


def _store(share: _Share) -> None:
    """Small batches of several requests together, where nothing else is at stake in their transactions."""
    batch = share.batch
    if connection.in_atomic_block:
        # The new partition's locks would be held to the end of somebody's transaction, while it waits for the append
        # lock: what comes meanwhile goes to the default partition, from where it is moved.
        _store_shares([share])
        return
    partitions.prepare_for(datetime.now(UTC).date())
    if batch.to_quarantine or len(batch.to_store) > _SMALL:
        _store_shares([share])
        return
    try:
        _store_together(share, most_waiting=settings.INGEST_MAX_WAITING)
    except QueueFull as full:
        raise AppendQueueFull.for_now() from full


def _store_shares(shares: Sequence[_Share]) -> None:
    for attempt in range(_ATTEMPTS):
        try:
            with transaction.atomic():
                current = _still_current(shares)
                told = _write(current)
        except IntegrityError:
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            for share, outcomes in zip(current, told, strict=True):
                share.batch.outcomes.update(outcomes)
            return


_store_together = GroupCommit(
    _store_shares,
    most=_SHARES,
    common=(OperationalError, InterfaceError, AppendQueueFull),
    patience=_PATIENCE,
)


def _still_current(shares: Sequence[_Share]) -> Sequence[_Share]:
    """Those that were judged by what holds now; on the others it is noted that they were not."""
    if all(share.judged_by is None for share in shares):
        return shares
    now = as_of.now()
    for share in shares:
        share.batch.outdated = share.judged_by not in (None, now)
    return [share for share in shares if not share.batch.outdated]


def _write(shares: Sequence[_Share]) -> list[dict[int, Outcome]]:
    """The transaction: what is stored already, then the quarantine, and the log with its lock last."""
    keys = [item.key for share in shares for item in share.batch.to_store + share.batch.to_quarantine]
    known = stored_digests(keys)
    told, fresh = [], []
    for batch, producer, _ in shares:
        outcomes: dict[int, Outcome] = {}
        fresh.append(([item for item in batch.to_store if _is_first(item, known, outcomes)], producer))
        held = [item for item in batch.to_quarantine if not _is_known(item, known, outcomes)]
        for item in fresh[-1][0]:
            outcomes[item.number] = outcome_of(
                item, "stored_with_violations" if item.violations else "stored"
            )
        for item in held:
            outcomes[item.number] = outcome_of(item, "quarantined")
        if held:
            quarantine.put(held, reasons=batch.reasons, producer=producer)
        told.append(outcomes)
    if any(items for items, _ in fresh):
        append(fresh)
    return told


def _is_first(item: Judged, known: dict[bytes, bytes], outcomes: dict[int, Outcome]) -> bool:
    """Whether no event of this id is stored or came earlier in the batch."""
    if known.setdefault(item.key, item.digest) is item.digest:
        return True
    return not _is_known(item, known, outcomes)


def _is_known(item: Judged, known: dict[bytes, bytes], outcomes: dict[int, Outcome]) -> bool:
    """Notes the outcome of an event whose id is stored: a repetition, or another event under the same id."""
    stored = known.get(item.key)
    if stored is None:
        return False
    if stored == item.digest:
        outcomes[item.number] = outcome_of(item, "duplicate", [])
    else:
        outcomes[item.number] = outcome_of(item, "conflict", [refusals.conflict(item.event.event_id)])
    return True


def outcome_of(item: Judged, status: Status, errors: list[Problem] | None = None) -> Outcome:
    """`errors` None: what the schemas said."""
    said = item.violations if errors is None else errors
    return Outcome(item.number, item.event.event_id, status, item.ruling.label or None, said, item.lints)
