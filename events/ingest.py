"""Taking events in: judge without any lock, then store in one transaction. Acknowledged means committed."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from django.conf import settings
from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction

from access import rate_limit
from access.actor import Actor
from events import changes, judging, partitions, policies, quarantine, refusals
from events.aliases import look_for_aliases
from events.append import Judged, Mark, append, digest_of, key_of, stored_digests
from events.envelope import Envelope, Limits, Unacceptable, read_event
from events.errors import AppendQueueFull
from events.group_commit import GroupCommit, QueueFull
from events.judging import Problem, Ruling
from events.scan import Piece, depth_of
from events.signatures import NOT_ASKED, Checked, check

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


@dataclass(frozen=True, slots=True)
class IngestResult:
    results: list[Outcome]

    @property
    def counts(self) -> dict[str, int]:
        return dict(Counter(outcome.status for outcome in self.results))

    @property
    def lint_counts(self) -> dict[str, int]:
        """How many of the events each lint was given to."""
        return dict(Counter(lint for outcome in self.results for lint in outcome.lints))

    def as_dict(self) -> dict[str, object]:
        """As the wire has it; the renderer writes outcomes by their fields."""
        return {"results": self.results, "counts": self.counts, "lint_counts": self.lint_counts}


class Held(NamedTuple):
    """A quarantined event, as it is judged again."""

    raw: bytes
    # The one it was given where it had none.
    event_id: str
    # Who sent it, and when that came: by the keys of that time its signature counts.
    producer: str
    received_at: datetime


class Copy(NamedTuple):
    """A stored event, as a replay stores it again."""

    raw: bytes
    # The one it gets; its own stays in the bytes.
    event_id: str
    # When it happens once more.
    at: datetime
    mark: Mark


@dataclass(slots=True)
class _Batch:
    """The events of one request on their way, sorted by where they go."""

    outcomes: dict[int, Outcome] = field(default_factory=dict)
    to_store: list[Judged] = field(default_factory=list)
    to_quarantine: list[Judged] = field(default_factory=list)
    reasons: dict[int, str] = field(default_factory=dict)

    def reject(self, index: int, event: Envelope | None, problem: Problem) -> None:
        event_id = None if event is None else event.event_id
        self.outcomes[index] = Outcome(index, event_id, "rejected", None, [problem])


class _Share(NamedTuple):
    """What one request brings into a transaction."""

    batch: _Batch
    producer: str


def ingest_events(*, actor: Actor, items: Sequence[Piece]) -> IngestResult:
    """Judges and stores a batch; one bad event never fails the others. Returns after the commit.

    Raises Forbidden when the actor may ingest nothing at all, RateLimited when its token sent too much, and
    AppendQueueFull. Database errors go through. Whatever is raised, nothing was stored.
    """
    actor.require("ingest")
    _keep_to_rate(actor, len(items))
    batch = _judged(actor, items)
    _store(batch, actor.label)
    return IngestResult([batch.outcomes[index] for index in range(len(items))])


def _keep_to_rate(actor: Actor, count: int) -> None:
    """Of what comes in from outside: the product's own actors are nobody's account."""
    if settings.INGEST_EVENTS_PER_SECOND > 0 and actor.user is not None:
        rate_limit.spend(
            actor=actor,
            amount=count,
            per_second=settings.INGEST_EVENTS_PER_SECOND,
            burst_seconds=settings.INGEST_BURST_SECONDS,
            setting="INGEST_EVENTS_PER_SECOND",
        )


def ingest_again(*, held: Sequence[Held]) -> list[Outcome]:
    """Judges quarantined events anew, under the ids they have, and stores those that may be as sent by their producers.

    Within the caller's transaction. Changes nothing in the quarantine: what is not stored by now is for the caller.
    """
    batch = _Batch()
    pieces = [Piece(event.raw, depth_of(event.raw)) for event in held]
    events = [
        (index, event._replace(event_id=id_, document={**event.document, "event_id": id_}))
        for index, event in _read(batch, pieces, datetime.now(UTC))
        if (id_ := held[index].event_id)
    ]
    rulings = judging.current_catalogue().rulings_for({event.event_type for _, event in events})
    for index, event in events:
        _judge(batch, index, event, rulings, at=held[index].received_at)
    for item in batch.to_quarantine:
        batch.outcomes[item.number] = _outcome(item, "quarantined")
    batch.to_quarantine = []
    # Together, whoever sent them: what is stored in one transaction takes the append lock once, and last.
    batch.to_store = [item._replace(producer=held[item.number].producer) for item in batch.to_store]
    _store(batch, "")
    return [batch.outcomes[index] for index in range(len(held))]


def ingest_copies(*, copies: Sequence[Copy], producer: str) -> list[Outcome]:
    """Judges stored events by the rules of today and stores those that may be once more, marked as copies.

    Within the caller's transaction. What would be quarantined is only told: a copy is nothing to be mended and released.
    """
    batch = _Batch()
    pieces = [Piece(copy.raw, depth_of(copy.raw)) for copy in copies]
    events = [
        (index, event._replace(event_id=copies[index].event_id, occurred_at=copies[index].at))
        for index, event in _read(batch, pieces, datetime.now(UTC))
    ]
    rulings = judging.current_catalogue().rulings_for({event.event_type for _, event in events})
    for index, event in events:
        # Its key may have ended since it was sent.
        _judge(batch, index, event, rulings, at=None)
    for item in batch.to_quarantine:
        batch.outcomes[item.number] = _outcome(item, "quarantined")
    batch.to_quarantine = []
    batch.to_store = [item._replace(mark=copies[item.number].mark) for item in batch.to_store]
    _store(batch, producer)
    return [batch.outcomes[index] for index in range(len(copies))]


def _judged(actor: Actor, items: Sequence[Piece]) -> _Batch:
    """Everything that needs no lock."""
    batch, now = _Batch(), datetime.now(UTC)
    events = list(_read(batch, items, now))
    types = {event.event_type for _, event in events}
    allowed = {name for name in types if changes.may_send(actor, name)}
    rulings = judging.current_catalogue().rulings_for(allowed)
    for index, event in events:
        if event.event_type in allowed:
            _judge(batch, index, event, rulings, at=now)
        else:
            batch.reject(index, event, refusals.forbidden(event.event_type))
    return batch


def _read(batch: _Batch, items: Sequence[Piece], now: datetime) -> Iterable[tuple[int, Envelope]]:
    limits = Limits.of_settings()
    for index, piece in enumerate(items):
        try:
            yield index, read_event(piece, now=now, limits=limits)
        except Unacceptable as bad:
            batch.reject(index, None, refusals.problem(bad.code, "", bad.message))


def _judge(
    batch: _Batch, index: int, event: Envelope, rulings: judging.Rulings, *, at: datetime | None
) -> None:
    ruling = rulings.of(event.event_type, event.schema_version)
    if over := refusals.over_limit(event, ruling.intake):
        batch.reject(index, event, over)
        return
    signed = _signature_of(event, ruling, rulings, at)
    if ruling.reason:
        _without_schema(batch, index, event, ruling, signed)
        return
    envelope = rulings.of_envelope(event.schema_version)
    if ruling.aliases:
        event = look_for_aliases(event, ruling.aliases, rename=ruling.intake.rename_aliases)
    violations, lints = judging.judge(event, ruling, envelope)
    if violations and violations[0]["code"] == judging.IN_THE_CLEAR:
        # Quarantine would keep it, too.
        batch.reject(index, event, violations[0])
        return
    item = _item(index, event, ruling, violations, lints, signed=signed)
    if signed.problem or (
        violations and (ruling.intake.strict or (envelope is not None and envelope.intake.strict))
    ):
        batch.reasons[index] = item.violations[0]["code"]
        batch.to_quarantine.append(item)
    else:
        batch.to_store.append(item)


def _signature_of(event: Envelope, ruling: Ruling, rulings: judging.Rulings, at: datetime | None) -> Checked:
    policy = ruling.intake.signatures
    if not policy:
        return NOT_ASKED
    return check(
        event.raw,
        event.document,
        event_type=event.event_type,
        policy=policy,
        at=at,
        key_of=rulings.signing_key,
    )


def _without_schema(batch: _Batch, index: int, event: Envelope, ruling: Ruling, signed: Checked) -> None:
    """An event of unknown type or version, by the policy for these."""
    problem = refusals.unknown(event, ruling)
    if ruling.reason == "unknown_event_type":
        policy = policies.for_unknown_type(event.event_type)
    else:
        policy = policies.for_unknown_version(ruling.intake.unknown_version)
    if policy == "reject":
        batch.reject(index, event, problem)
    elif policy == "accept" and not signed.problem:
        accepted = replace(ruling, lints=(*ruling.lints, ruling.reason))
        batch.to_store.append(_item(index, event, accepted, [], signed=signed))
    else:
        item = _item(index, event, ruling, [problem], signed=signed)
        batch.reasons[index] = item.violations[0]["code"]
        batch.to_quarantine.append(item)


def _item(
    index: int,
    event: Envelope,
    ruling: Ruling,
    violations: list[Problem],
    lints: tuple[str, ...] = (),
    *,
    signed: Checked,
) -> Judged:
    digest = digest_of(event.raw)
    lints = event.lints + ruling.lints + lints + signed.lints
    if signed.problem:
        violations = [signed.problem, *violations]
    return Judged(
        index, event, key_of(event.event_id), digest, ruling, violations, lints, signature=signed.state
    )


def _store(batch: _Batch, producer: str) -> None:
    """Small batches of several requests together, where nothing else is at stake in their transactions."""
    if not batch.to_store and not batch.to_quarantine:
        return
    share = _Share(batch, producer)
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
                told = _write(shares)
        except IntegrityError:
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            for share, outcomes in zip(shares, told, strict=True):
                share.batch.outcomes.update(outcomes)
            return


_store_together = GroupCommit(
    _store_shares,
    most=_SHARES,
    common=(OperationalError, InterfaceError, AppendQueueFull),
    patience=_PATIENCE,
)


def _write(shares: Sequence[_Share]) -> list[dict[int, Outcome]]:
    """The transaction: what is stored already, then the quarantine, and the log with its lock last."""
    keys = [item.key for batch, _ in shares for item in batch.to_store + batch.to_quarantine]
    known = stored_digests(keys)
    told, fresh = [], []
    for batch, producer in shares:
        outcomes: dict[int, Outcome] = {}
        fresh.append(([item for item in batch.to_store if _is_first(item, known, outcomes)], producer))
        held = [item for item in batch.to_quarantine if not _is_known(item, known, outcomes)]
        for item in fresh[-1][0]:
            outcomes[item.number] = _outcome(item, "stored_with_violations" if item.violations else "stored")
        for item in held:
            outcomes[item.number] = _outcome(item, "quarantined")
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
        outcomes[item.number] = _outcome(item, "duplicate", [])
    else:
        outcomes[item.number] = _outcome(item, "conflict", [refusals.conflict(item.event.event_id)])
    return True


def _outcome(item: Judged, status: Status, errors: list[Problem] | None = None) -> Outcome:
    """`errors` None: what the schemas said."""
    said = item.violations if errors is None else errors
    return Outcome(item.number, item.event.event_id, status, item.ruling.label or None, said, item.lints)
