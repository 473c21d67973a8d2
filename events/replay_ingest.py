"""The target `ingest`: events are judged by today's rules and stored again under new ids, marked as copies."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from access.actor import Actor
from access.errors import Forbidden
from events import changes
from events.append import Mark
from events.ingest import Copy, ingest_copies
from events.models import Replay
from events.replay_targets import GONE, Due, Now, Prepared, Sent, Sink, Target, Wanted, marks_of
from events.store import Outcome

_STORED = {"stored", "stored_with_violations"}
_MOST_VIOLATIONS = 20


def _prepare(actor: Actor, wanted: Wanted) -> Prepared:
    """Raises Forbidden."""
    for event_type in wanted.event_types:
        if not changes.may_send(actor, event_type):
            raise Forbidden.lacking("ingest", event_type)
    return Prepared("this registry, as copies")


@contextmanager
def _open(replay: Replay, now: Now) -> Iterator[Sink]:
    yield _Ingest(replay, now)


TARGET = Target(_prepare, _open)


class _Ingest:
    # The append lock is held for one batch, as for one that comes from outside.
    batch, inside, pure, reads = 200, True, False, True

    def __init__(self, replay: Replay, now: Now) -> None:
        self._replay = replay
        self._now = now

    def send(self, due: Sequence[Due]) -> list[Sent]:
        at = self._now()
        copies = {one.item.index: self._copy(one, one.event.raw) for one in due if one.event is not None}
        outcomes = ingest_copies(copies=list(copies.values()), producer=self._replay.created_by)
        by_index = dict(zip(copies, outcomes, strict=True))
        return [
            _sent(at, by_index[index])
            if (index := one.item.index) in by_index
            else Sent(at, "missing", problem=GONE)
            for one in due
        ]

    def _copy(self, due: Due, raw: bytes) -> Copy:
        replay, item = self._replay, due.item
        # The same again if this was stored and not noted down, which one transaction makes impossible.
        event_id = uuid.uuid5(replay.pk, f"{replay.segment}/{item.index}")
        assert due.event is not None
        mark: dict[str, Any] = {
            "of": item.event_id,
            "occurred_at": due.event.occurred_at.isoformat(),
            "speed": replay.speed or "max",
            "segment": replay.segment,
            "index": item.index,
            "side_effects": replay.side_effects,
            **marks_of(due.event),
        }
        return Copy(raw, str(event_id), self._now(), Mark(replay.pk, mark))


def _sent(at: Any, outcome: Outcome) -> Sent:
    stored = outcome.status in _STORED
    violations = [
        {name: one[name] for name in ("pointer", "keyword", "message")}
        for one in outcome.errors[:_MOST_VIOLATIONS]
    ]
    details: dict[str, Any] = {"event_id": outcome.event_id} if stored else {}
    if violations:
        details["violations"] = violations
    problem = "" if outcome.status == "stored" or not violations else violations[0]["message"]
    return Sent(at, outcome.status, problem=problem, details=details or None)
