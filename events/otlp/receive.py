"""Records of OTLP, taken in: each becomes events that are stored by the one operation that stores any."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.conf import settings

from access.actor import Actor
from events.ingest import ingest_events
from events.otlp.spans import Unusable
from events.scan import Piece
from events.store import Outcome

# How many sentences about records an answer has.
_MOST = 10
_NOT_STORED = frozenset({"rejected", "conflict"})


@dataclass(slots=True)
class Received:
    """How many records were refused, with sentences about these and about those that are stored but break a rule."""

    rejected: int = 0
    sentences: list[str] = field(default_factory=list)
    left_out: int = 0

    @property
    def message(self) -> str:
        more = [f"… and {self.left_out:,} more."] if self.left_out else []
        return " ".join([*self.sentences, *more])

    def tell(self, sentence: str) -> None:
        if len(self.sentences) < _MOST:
            self.sentences.append(sentence)
        else:
            self.left_out += 1


def receive(*, actor: Actor, records: Iterable[list[Piece] | Unusable]) -> Received:
    """Stores the events of all records; one bad record never fails the others.

    In batches as large as any, each in a transaction of its own: whatever is raised (as by `ingest_events`), sending
    everything again stores the rest and nothing twice.
    """
    actor.require("ingest")
    received = Received()
    refused: set[int] = set()
    for batch in _batches(records, received):
        outcomes = ingest_events(actor=actor, items=[piece for _, piece in batch]).results
        for (owner, _), outcome in zip(batch, outcomes, strict=True):
            _note(received, refused, owner, outcome)
    received.rejected += len(refused)
    return received


def _batches(
    records: Iterable[list[Piece] | Unusable], received: Received
) -> Iterator[list[tuple[int, Piece]]]:
    """Pieces with the numbers of their records, at most as much at once as any request may bring."""
    batch: list[tuple[int, Piece]] = []
    size = 0
    for number, record in enumerate(records):
        if isinstance(record, Unusable):
            received.rejected += 1
            received.tell(record.why)
            continue
        for piece in record:
            if batch and (
                len(batch) == settings.INGEST_MAX_EVENTS or size + len(piece.raw) > settings.INGEST_MAX_BYTES
            ):
                yield batch
                batch, size = [], 0
            batch.append((number, piece))
            size += len(piece.raw)
    if batch:
        yield batch


def _note(received: Received, refused: set[int], owner: int, outcome: Outcome) -> None:
    if outcome.status in _NOT_STORED:
        refused.add(owner)
    if outcome.errors:
        first = outcome.errors[0]
        place = f" at {first['pointer']}" if first["pointer"] else ""
        received.tell(f"Record {owner}: {outcome.status}, {first['code']}{place}: {first['message']}")
