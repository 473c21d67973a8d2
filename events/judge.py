"""What a proposed schema means for the events that are stored: how many it would refuse, and which."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from compat import Validator, compile_validator
from events import scan
from events.changes import EVENT_TYPES
from events.models import Event
from registry.judge import Finding, Proposal
from registry.models import Subject

JUDGE = "events.judge.stored_events"
# The newest events of the subject that are looked at.
LOOKED_AT = 10_000
_CHUNK = 500
_EXAMPLES = 3


_NO_TIME = Finding(JUDGE, "info", "There was no time to look at the stored events.", {"finished": False})


@dataclass(slots=True)
class _Count:
    """What was seen among the stored events."""

    seen: int = 0
    refused: int = 0
    # Of the refused, how many the schema that judged them accepted.
    valid_today: int = 0
    examples: list[dict[str, Any]] = field(default_factory=list)
    # Events that carry each of the undeclared properties asked about.
    carrying: dict[str, int] = field(default_factory=dict)
    finished: bool = True


def stored_events(proposal: Proposal) -> list[Finding]:
    """Findings about the last LOOKED_AT stored events of the subject; none when there are no events.

    Without `read` on the subject the actor is told numbers and no event.
    """
    # As events will be judged once it is published.
    validator = compile_validator(
        proposal.new.value,
        dialect=settings.DEFAULT_DIALECT,
        store=dict(proposal.new.store),
        formats=Subject.objects.filter(name=proposal.subject, assert_formats=True).exists(),
    )
    risks = _undeclared(proposal)
    count = _count(proposal, validator, risks)
    if not count.seen:
        return [] if count.finished else [_NO_TIME]
    return [
        _refusals(proposal, count),
        *(_carried(name, versions, count) for name, versions in risks.items()),
    ]


def _undeclared(proposal: Proposal) -> dict[str, list[int]]:
    """Properties whose addition is safe only if nobody sends them yet, with the versions that do not declare them."""
    found: dict[str, list[int]] = {}
    for pair in proposal.verdict.pairs:
        risk = pair.verdict.open_world_risk
        if risk is not None and risk.property is not None:
            found.setdefault(risk.property, []).append(pair.version)
    return found


def _count(proposal: Proposal, validator: Validator, risks: dict[str, list[int]]) -> _Count:
    count = _Count(carrying=dict.fromkeys(risks, 0))
    for event_id, raw, accepted in _newest(proposal.subject):
        if count.seen % 100 == 0 and time.monotonic() > proposal.deadline:
            count.finished = False
            break
        metadata = scan.parse(raw).get("metadata")
        metadata = {} if metadata is None else metadata
        count.seen += 1
        for name in risks:
            count.carrying[name] += _carries(metadata, name)
        if not validator.is_valid(metadata):
            _note_refusal(count, validator, event_id, metadata, accepted=accepted)
    return count


def _newest(event_type: str) -> Iterator[tuple[str, bytes, bool]]:
    """Id, bytes and validity of the newest events by the producers' clocks, which is what the index is ordered by."""
    rows = (
        Event.objects.filter(event_type=event_type)
        .order_by("-occurred_at")
        .values_list("event_id", "raw", "violations")[:LOOKED_AT]
    )
    for event_id, raw, violations in rows.iterator(chunk_size=_CHUNK):
        yield event_id, bytes(raw), violations is None


def _note_refusal(
    count: _Count, validator: Validator, event_id: str, metadata: Any, *, accepted: bool
) -> None:
    count.refused += 1
    count.valid_today += accepted
    if accepted and len(count.examples) < _EXAMPLES:
        first = validator.errors(metadata)[0]
        count.examples.append(
            {
                "event_id": event_id,
                "pointer": f"/metadata{first.pointer}",
                "keyword": first.keyword,
                "message": first.message[:300],
            }
        )


def _carries(value: Any, name: str) -> bool:
    """Whether a property of this name stands anywhere in the value."""
    waiting = [value]
    while waiting:
        current = waiting.pop()
        if isinstance(current, dict):
            if name in current:
                return True
            waiting.extend(current.values())
        elif isinstance(current, list):
            waiting.extend(current)
    return False


def _refusals(proposal: Proposal, count: _Count) -> Finding:
    shown = f"{count.seen:,}" if count.finished else f"{count.seen:,} (no time for more)"
    if count.refused:
        sentence = (
            f"The new schema would refuse {count.refused:,} of the last {shown} stored events of "
            f"'{proposal.subject}', {count.valid_today:,} of which are valid today."
        )
    else:
        sentence = f"The new schema accepts all of the last {shown} stored events of '{proposal.subject}'."
    facts = {
        "seen": count.seen,
        "refused": count.refused,
        "valid_today": count.valid_today,
        "examples": count.examples if _may_show(proposal) else [],
        "finished": count.finished,
    }
    return Finding(JUDGE, "warning" if count.valid_today else "info", sentence, facts)


def _may_show(proposal: Proposal) -> bool:
    """Findings are kept for all readers of the subject, and the product's own events tell of other subjects."""
    return proposal.actor.may("read", proposal.subject) and proposal.subject not in EVENT_TYPES


def _carried(name: str, versions: list[int], count: _Count) -> Finding:
    carrying = count.carrying[name]
    told = ", ".join(str(number) for number in versions)
    sentence = (
        f"{carrying:,} of {count.seen:,} stored events carry '{name}', which version {told} does not declare; "
        "adding it is safe only if nobody sends it with another meaning."
    )
    facts = {"property": name, "carrying": carrying, "seen": count.seen, "versions": versions}
    return Finding(JUDGE, "warning" if carrying else "info", sentence, facts)
