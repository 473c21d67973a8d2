"""Taking events in: judge without any lock, then store in one transaction. Acknowledged means committed."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple

from django.conf import settings

from access import rate_limit
from access.actor import Actor
from events import as_of, changes, judging, policies, refusals, verdicts
from events.aliases import look_for_aliases
from events.append import Judged, Mark, digest_of, key_of
from events.as_of import AsOf
from events.envelope import Envelope, Limits, Unacceptable, read_event
from events.judging import Problem, Ruling
from events.scan import Piece, depth_of
from events.signatures import NOT_ASKED, Checked, check
from events.store import Batch, Outcome, Outdated, outcome_of, store


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


def ingest_events(*, actor: Actor, items: Sequence[Piece], epoch: int | None = None) -> IngestResult:
    """Judges and stores a batch; one bad event never fails the others. Returns after the commit.

    With the authority epoch of which the actor is known, that and the catalogue in memory are only believed, and looked at
    in the transaction that stores: raises Outdated when one of them had changed.
    Raises Forbidden when the actor may ingest nothing at all, RateLimited when its token sent too much, and
    AppendQueueFull. Database errors go through. Whatever is raised, nothing was stored.
    """
    actor.require("ingest")
    catalogue = judging.current_catalogue() if epoch is None else judging.last_catalogue()
    believed = None if epoch is None else AsOf(epoch, catalogue.revision)
    _keep_to_rate(actor, len(items), believed)
    batch = _judged(actor, items, catalogue)
    store(batch, actor.label, believed)
    return IngestResult([batch.outcomes[index] for index in range(len(items))])


def _keep_to_rate(actor: Actor, count: int, believed: AsOf | None) -> None:
    """Of what comes in from outside: the product's own actors are nobody's account. What has to begin anew is not counted twice."""
    if settings.INGEST_EVENTS_PER_SECOND > 0 and actor.user is not None:
        if believed is not None and believed != as_of.now():
            raise Outdated
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
    batch = Batch()
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
        batch.outcomes[item.number] = outcome_of(item, "quarantined")
    batch.to_quarantine = []
    # Together, whoever sent them: what is stored in one transaction takes the append lock once, and last.
    batch.to_store = [item._replace(producer=held[item.number].producer) for item in batch.to_store]
    store(batch, "")
    return [batch.outcomes[index] for index in range(len(held))]


def ingest_copies(*, copies: Sequence[Copy], producer: str) -> list[Outcome]:
    """Judges stored events by the rules of today and stores those that may be once more, marked as copies.

    Within the caller's transaction. What would be quarantined is only told: a copy is nothing to be mended and released.
    """
    batch = Batch()
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
        batch.outcomes[item.number] = outcome_of(item, "quarantined")
    batch.to_quarantine = []
    batch.to_store = [item._replace(mark=copies[item.number].mark) for item in batch.to_store]
    store(batch, producer)
    return [batch.outcomes[index] for index in range(len(copies))]


def _judged(actor: Actor, items: Sequence[Piece], catalogue: judging.Catalogue) -> Batch:
    """Everything that needs no lock."""
    batch, now = Batch(), datetime.now(UTC)
    events = list(_read(batch, items, now))
    types = {event.event_type for _, event in events}
    allowed = {name for name in types if changes.may_send(actor, name)}
    rulings = catalogue.rulings_for(allowed)
    for index, event in events:
        if event.event_type in allowed:
            _judge(batch, index, event, rulings, at=now)
        else:
            batch.reject(index, event, refusals.forbidden(event.event_type))
    return batch


def _read(batch: Batch, items: Sequence[Piece], now: datetime) -> Iterable[tuple[int, Envelope]]:
    limits = Limits.of_settings()
    for index, piece in enumerate(items):
        try:
            yield index, read_event(piece, now=now, limits=limits)
        except Unacceptable as bad:
            batch.reject(index, None, refusals.problem(bad.code, "", bad.message))


def _judge(
    batch: Batch, index: int, event: Envelope, rulings: judging.Rulings, *, at: datetime | None
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
    violations, lints = verdicts.judge(event, ruling, envelope)
    if violations and violations[0]["code"] == verdicts.IN_THE_CLEAR:
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


def _without_schema(batch: Batch, index: int, event: Envelope, ruling: Ruling, signed: Checked) -> None:
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
