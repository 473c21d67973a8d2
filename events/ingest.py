"""Taking events in: judge without any lock, then store in one transaction. Acknowledged means committed."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple

from django.conf import settings

from access import rate_limit
from access.actor import Actor
from events import as_of, changes, judging, policies
from events.aliases import look_for_aliases
from events.append import Judged, Mark, key_of
from events.as_of import AsOf
from events.envelope import Envelope, Limits, Unacceptable, read_event
from events.judging import Intake, Problem, Ruling
from events.scan import Piece, depth_of
from events.store import Batch, Outcome, Outdated, outcome_of, problem, store


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
    # Who sent it.
    producer: str


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
        _judge(batch, index, event, rulings)
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
        _judge(batch, index, event, rulings)
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
            _judge(batch, index, event, rulings)
        else:
            batch.reject(index, event, _forbidden(event.event_type))
    return batch


def _read(batch: Batch, items: Sequence[Piece], now: datetime) -> Iterable[tuple[int, Envelope]]:
    limits = Limits.of_settings()
    for index, piece in enumerate(items):
        try:
            yield index, read_event(piece, now=now, limits=limits)
        except Unacceptable as bad:
            batch.reject(index, None, problem(bad.code, "", bad.message))


def _judge(batch: Batch, index: int, event: Envelope, rulings: judging.Rulings) -> None:
    ruling = rulings.of(event.event_type, event.schema_version)
    if over := _over_limit(event, ruling.intake):
        batch.reject(index, event, over)
        return
    if ruling.reason:
        _without_schema(batch, index, event, ruling)
        return
    envelope = rulings.of_envelope(event.schema_version)
    if ruling.aliases:
        event = look_for_aliases(event, ruling.aliases, rename=ruling.intake.rename_aliases)
    violations, lints = judging.judge(event, ruling, envelope)
    item = _item(index, event, ruling, violations, lints)
    if violations and (ruling.intake.strict or (envelope is not None and envelope.intake.strict)):
        batch.reasons[index] = violations[0]["code"]
        batch.to_quarantine.append(item)
    else:
        batch.to_store.append(item)


def _over_limit(event: Envelope, intake: Intake) -> Problem | None:
    """By the subject's own limits; the instance's were looked at before the event was parsed."""
    size = len(event.raw)
    if intake.max_bytes is not None and size > intake.max_bytes:
        told = f"The event has {size:,} bytes; '{event.event_type}' allows {intake.max_bytes:,} (max_event_bytes)."
        return problem("event_too_large", "", told)
    if intake.max_depth is not None and event.depth > intake.max_depth:
        told = (
            f"The event is nested {event.depth} levels deep; '{event.event_type}' allows {intake.max_depth} "
            "(max_event_depth)."
        )
        return problem("event_too_deep", "", told)
    return None


def _without_schema(batch: Batch, index: int, event: Envelope, ruling: Ruling) -> None:
    """An event of unknown type or version, by the policy for these."""
    problem = _unknown(event, ruling)
    if ruling.reason == "unknown_event_type":
        policy = policies.for_unknown_type(event.event_type)
    else:
        policy = policies.for_unknown_version(ruling.intake.unknown_version)
    if policy == "reject":
        batch.reject(index, event, problem)
    elif policy == "accept":
        accepted = replace(ruling, lints=(*ruling.lints, ruling.reason))
        batch.to_store.append(_item(index, event, accepted, []))
    else:
        batch.reasons[index] = ruling.reason
        batch.to_quarantine.append(_item(index, event, ruling, [problem]))


def _item(
    index: int, event: Envelope, ruling: Ruling, violations: list[Problem], lints: tuple[str, ...] = ()
) -> Judged:
    digest = hashlib.sha256(event.raw).digest()
    lints = event.lints + ruling.lints + lints
    return Judged(index, event, key_of(event.event_id), digest, ruling, violations, lints)


def _forbidden(event_type: str) -> Problem:
    why = (
        f"Events of type '{event_type}' are sent by the registry itself, and taken from nobody else."
        if event_type in changes.EVENT_TYPES
        else f"This token may not ingest events of type '{event_type}'; another one may."
    )
    return problem("forbidden", "/event_type", why)


def _unknown(event: Envelope, ruling: Ruling) -> Problem:
    if ruling.reason == "unknown_event_type":
        named = (
            f"No schema is registered for event type '{event.event_type}'."
            if event.event_type
            else ("The event does not say its event_type.")
        )
        return problem(ruling.reason, "/event_type", named)
    label = event.schema_version or "none"
    return problem(
        ruling.reason,
        "/schema_version",
        f"Event type '{event.event_type}' has no usable live version for schema_version {label}.",
    )
