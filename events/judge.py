"""What a proposed schema means for the events that are stored: how many of each version it would refuse, and how.

An upload looks at the newest LOOKED_AT events, for as long as it has time. `study` looks at all of them, step by step.
"""

import time
from typing import Any, NamedTuple

from django.conf import settings
from django.db.models import Q

from access import prepared
from compat import Validator
from events import scan
from events.aliases import read_as_stored
from events.changes import EVENT_TYPES
from events.impact import Share, Tally
from events.models import Event, LogHead
from registry.judge import Finding, Proposal
from registry.models import Subject
from registry.study import Progress
from registry.taxonomy_bindings import bindings_in, bound_validator, editions_of

JUDGE = "events.judge.stored_events"
# The newest events of the subject that an upload looks at.
LOOKED_AT = 10_000
_CHUNK = 500
# As the newest one, which takes an index whatever the plan expects: prepared for any type, EXISTS is planned for a frequent
# one, and for a type without events reads the whole log.
_HAS_EVENTS = "SELECT max(occurred_at) IS NOT NULL FROM events_event WHERE event_type = %s"

# Properties that narrow what undeclared ones of their name might have been.
_ADDED = frozenset(
    {
        "OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL",
        "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
    }
)
_NO_TIME = Finding(JUDGE, "info", "There was no time to look at the stored events.", {"finished": False})


class _Row(NamedTuple):
    occurred_at: Any
    position: int
    event_id: str
    raw: bytes
    violations: Any
    content_id: int | None
    lints: Any


def stored_events(proposal: Proposal) -> list[Finding]:
    """Findings about the last LOOKED_AT stored events of the subject; none when there are no events.

    Without `read` on the subject the actor is told numbers and no event.
    """
    if not _has_events(proposal.subject):
        return []
    validator = _validator(proposal)
    tally = Tally.asking_for(list(_undeclared(proposal)))
    finished = True
    for row in _newest(proposal.subject, Q())[:LOOKED_AT].iterator(chunk_size=_CHUNK):
        if tally.total.seen % 100 == 0 and time.monotonic() > proposal.deadline:
            finished = False
            break
        _note(tally, validator, _Row(*row))
    if not tally.total.seen:
        return [] if finished else [_NO_TIME]
    told = f"the last {tally.total.seen:,}" + ("" if finished else " (no time for more)")
    return _findings(proposal, tally, told, mode="sample", finished=finished)


def _has_events(event_type: str) -> bool:
    with prepared.cursor() as cursor:
        cursor.execute(_HAS_EVENTS, [event_type])
        return bool(cursor.fetchone()[0])


def study(proposal: Proposal, memory: dict[str, Any]) -> Progress:
    """The next step over all stored events, from the newest on; `memory` is that of the step before, or empty.

    What arrives after the first step is not looked at.
    """
    if not memory:
        head = LogHead.objects.values_list("position", flat=True).get()
        everything = Event.objects.filter(event_type=proposal.subject, position__lte=head)
        tally = Tally.asking_for(list(_undeclared(proposal)))
        memory = {"head": head, "total": everything.count(), "after": None, "tally": tally.kept()}
    validator, tally, after = _validator(proposal), Tally.of(memory["tally"]), memory["after"]
    done = False
    while not done:
        rows = [_Row(*row) for row in _newest(proposal.subject, _behind(memory["head"], after))[:_CHUNK]]
        for row in rows:
            _note(tally, validator, row)
        done = len(rows) < _CHUNK
        after = [rows[-1].occurred_at.isoformat(), rows[-1].position] if rows else after
        if time.monotonic() > proposal.deadline:
            break
    memory = {**memory, "after": after, "tally": tally.kept()}
    told = f"all {tally.total.seen:,}" if done else f"the {tally.total.seen:,} looked at so far"
    findings = _findings(proposal, tally, told, mode="exact", finished=done)
    return Progress(findings, memory, done=tally.total.seen, total=memory["total"], finished=done)


def _behind(head: int, after: list[Any] | None) -> Q:
    known = Q(position__lte=head)
    if after is None:
        return known
    at, position = after
    return known & Q(occurred_at__lte=at) & ~Q(occurred_at=at, position__gte=position)


def _newest(event_type: str, more: Q) -> Any:
    """Rows of _Row, the newest first by the producers' clocks, which is what the index is ordered by."""
    rows = Event.objects.filter(more, event_type=event_type).order_by("-occurred_at", "-position")
    return rows.values_list(*_Row._fields)


def _note(tally: Tally, validator: Validator, row: _Row) -> None:
    # null and absent mean the same to producers of the original envelope.
    metadata = read_as_stored(scan.parse(bytes(row.raw)), row.lints or ()).get("metadata")
    tally.note(
        validator,
        {} if metadata is None else metadata,
        event_id=row.event_id,
        content_id=row.content_id,
        accepted=row.violations is None,
    )


def _validator(proposal: Proposal) -> Validator:
    """As events will be judged once it is published."""
    new = proposal.new
    return bound_validator(
        new.value,
        dialect=settings.DEFAULT_DIALECT,
        store=new.store,
        formats=Subject.objects.filter(name=proposal.subject, assert_formats=True).exists(),
        editions=editions_of(bindings_in(new, settings.DEFAULT_DIALECT)),
    )


def _undeclared(proposal: Proposal) -> dict[str, list[int]]:
    """Properties whose addition is safe only if nobody sends them yet, with the versions that do not declare them."""
    found: dict[str, list[int]] = {}
    for pair in proposal.verdict.pairs:
        if pair.verdict.world != "declared":
            continue
        risk = pair.verdict.open_world_risk
        added = {_last(change.new_pointer) for change in pair.verdict.changes if change.kind in _ADDED}
        for name in sorted(added | {(risk and risk.property) or ""} - {""}):
            found.setdefault(name, []).append(pair.version)
    return found


def _last(pointer: str) -> str:
    return pointer.rpartition("/")[2].replace("~1", "/").replace("~0", "~")


def _findings(proposal: Proposal, tally: Tally, told: str, *, mode: str, finished: bool) -> list[Finding]:
    risks = _undeclared(proposal)
    return [
        _refusals(proposal, tally, told, mode=mode, finished=finished),
        *(_carried(name, versions, tally) for name, versions in risks.items()),
    ]


def _refusals(proposal: Proposal, tally: Tally, told: str, *, mode: str, finished: bool) -> Finding:
    total = tally.total
    if total.refused:
        are = "is" if total.valid_today == 1 else "are"
        sentence = (
            f"The new schema would refuse {total.refused:,} of {told} stored events of "
            f"'{proposal.subject}', {total.valid_today:,} of which {are} valid today."
        )
    elif told.startswith("all "):
        sentence = f"The new schema accepts {told} stored events of '{proposal.subject}'."
    else:
        sentence = f"The new schema accepts all of {told} stored events of '{proposal.subject}'."
    readable = _may_show(proposal)
    facts = {
        "mode": mode,
        "seen": total.seen,
        "refused": total.refused,
        "valid_today": total.valid_today,
        "versions": _shares(proposal, tally),
        "shapes": tally.told_shapes(with_events=readable),
        "examples": tally.examples if readable else [],
        "finished": finished,
    }
    return Finding(JUDGE, "warning" if total.valid_today else "info", sentence, facts)


def _may_show(proposal: Proposal) -> bool:
    """Findings are kept for all readers of the subject, and the product's own events tell of other subjects."""
    return proposal.actor.may("read", proposal.subject) and proposal.subject not in EVENT_TYPES


def _shares(proposal: Proposal, tally: Tally) -> list[dict[str, Any]]:
    """One row per live version, the newest first, and one for the events that no live version judged."""
    rows, left = [], dict(tally.by_content)
    for old in proposal.older:
        # Of several labels of one schema, the newest has its events.
        share = left.pop(str(old.content_id), Share())
        rows.append(_row(share, version=old.number, semver=old.semver))
    rest = Share()
    for share in left.values():
        rest.seen, rest.refused = rest.seen + share.seen, rest.refused + share.refused
        rest.valid_today += share.valid_today
    return [*rows, *([_row(rest, version=None, semver=None)] if rest.seen else [])]


def _row(share: Share, *, version: int | None, semver: str | None) -> dict[str, Any]:
    return {
        "version": version,
        "semver": semver,
        "seen": share.seen,
        "refused": share.refused,
        "valid_today": share.valid_today,
        "share": round(share.valid_today / share.seen, 6) if share.seen else None,
    }


def _carried(name: str, versions: list[int], tally: Tally) -> Finding:
    carrying, seen = tally.carrying.get(name, 0), tally.total.seen
    told = ", ".join(str(number) for number in versions)
    sentence = (
        f"{carrying:,} of {seen:,} stored events carry an undeclared `{name}`: version {told} does not declare "
        "it, and adding it is safe only if nobody sends it with another meaning."
    )
    facts = {"property": name, "carrying": carrying, "seen": seen, "versions": versions}
    return Finding(JUDGE, "warning" if carrying else "info", sentence, facts)
