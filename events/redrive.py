"""Judging a selection of the quarantine anew, once the catalogue has come to accept it.

A batch is judged, stored, marked as released and counted in one transaction, so that a worker may be killed at any moment, and
the same event is never stored by two. What still may not be stored stays, with the reasons of today.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models import F, Max
from django.db.models.functions import Now

from access import audit
from access.actor import Actor
from access.leased import starter_of
from events.errors import RedriveNotFound
from events.held import HeldFilters, find_quarantined, within
from events.ingest import Held, ingest_again
from events.models import QuarantinedEvent, Redrive
from events.signals import redrive_wanted
from events.store import Outcome

LET_IN = frozenset({"stored", "stored_with_violations", "duplicate"})
_BATCH = 500
_LEASE = timedelta(seconds=20)


class _NotMine(Exception):
    """Another worker owns it by now, or it was cancelled: what this one did is rolled back."""


def redrive_events(*, actor: Actor, filters: HeldFilters) -> Redrive:
    """Judges what waits and fits anew: a page of events at once, more of them in the background.

    Of the types that the actor may read and ingest. The same selection is not worked on twice: one that is running is
    returned. Raises Forbidden without `ingest` on any type.
    """
    actor.require("ingest")
    prefixes = list(actor.readable_prefixes("ingest"))
    chosen = within(find_quarantined(actor=actor, filters=filters), prefixes)
    asked = Redrive(
        filters=asdict(filters),
        prefixes=prefixes,
        until_id=chosen.aggregate(last=Max("id"))["last"] or 0,
        total=chosen.count(),
        created_by=actor.label,
        user=actor.user,
    )
    with transaction.atomic():
        Redrive.objects.bulk_create([asked], ignore_conflicts=True)
        redrive = Redrive.objects.filter(filters=asked.filters, prefixes=prefixes).latest("pk")
        audit.record(
            actor=actor,
            action="quarantine.redriven",
            target="quarantine",
            details={"redrive": redrive.pk, "events": redrive.total, **filters.chosen},
        )
        transaction.on_commit(partial(redrive_wanted.send, sender=Redrive))
    if redrive.total <= settings.REDRIVE_AT_ONCE and redrive.take(_LEASE):
        _go_on(redrive, lambda: False)
        redrive.refresh_from_db()
    return redrive


def find_redrive(actor: Actor, redrive_id: int) -> Redrive:
    """Raises RedriveNotFound, also for one that somebody else started."""
    found = Redrive.objects.visible_to(actor).filter(pk=redrive_id).first()
    if found is None:
        raise RedriveNotFound(f"There is no re-drive {redrive_id} that you may see.", redrive=redrive_id)
    return found


def cancel_redrive(*, actor: Actor, redrive_id: int) -> Redrive:
    """Ends it; what it stored so far stays stored, the rest stays in quarantine. Cancelling an ended one changes nothing."""
    found = find_redrive(actor, redrive_id)
    with transaction.atomic():
        running = Redrive.objects.filter(pk=found.pk, state=Redrive.State.RUNNING)
        if running.update(state=Redrive.State.CANCELLED, epoch=F("epoch") + 1, finished_at=Now()):
            audit.record(
                actor=actor,
                action="quarantine.redrive_cancelled",
                target="quarantine",
                details={"redrive": found.pk},
            )
    found.refresh_from_db()
    return found


def work_on_next(*, stopping: Callable[[], bool] = lambda: False) -> bool:
    """Takes a re-drive that waits, goes on with it for a while and gives it back; whether there was one."""
    redrive = Redrive.objects.take_next(_LEASE)
    if redrive is None:
        return False
    _go_on(redrive, stopping)
    return True


def _go_on(redrive: Redrive, stopping: Callable[[], bool]) -> None:
    until = time.monotonic() + settings.REDRIVE_SLICE_SECONDS
    try:
        while _batch(redrive):
            if stopping() or time.monotonic() > until:
                redrive.give_back()
                return
    except _NotMine:
        return


def _batch(redrive: Redrive) -> bool:
    """One transaction; False when nothing is left. Raises _NotMine."""
    with transaction.atomic():
        rows = _next_rows(redrive)
        let_in = _judge_again(rows)
        QuarantinedEvent.objects.filter(pk__in=let_in).update(released_at=Now())
        redrive.after_id = rows[-1].pk if rows else redrive.until_id
        redrive.stored += len(let_in)
        redrive.held += len(rows) - len(let_in)
        ended = {} if rows else {"state": Redrive.State.COMPLETED, "finished_at": Now()}
        noted = redrive.mine().update(
            after_id=redrive.after_id,
            stored=redrive.stored,
            held=redrive.held,
            leased_until=Now() + _LEASE if rows else None,
            **ended,
        )
        if not noted:
            raise _NotMine
    return bool(rows)


def _next_rows(redrive: Redrive) -> list[QuarantinedEvent]:
    """Locked in the order of their ids, so that two re-drives wait for each other in one direction only."""
    actor = starter_of(redrive.user_id, redrive.created_by)
    fitting = find_quarantined(actor=actor, filters=HeldFilters(**redrive.filters))
    allowed = within(within(fitting, redrive.prefixes), actor.readable_prefixes("ingest"))
    wanted = allowed.filter(pk__gt=redrive.after_id, pk__lte=redrive.until_id)
    return list(wanted.order_by("pk").select_for_update()[:_BATCH])


def _judge_again(rows: Sequence[QuarantinedEvent]) -> list[int]:
    """The keys of those that are stored now; the others get the reasons of today."""
    let_in: list[int] = []
    refused: list[QuarantinedEvent] = []
    held = [Held(bytes(row.raw), row.event_id, row.producer, row.received_at) for row in rows]
    for row, outcome in zip(rows, ingest_again(held=held), strict=True):
        if outcome.status in LET_IN:
            let_in.append(row.pk)
        else:
            refused.append(_with_todays_reasons(row, outcome))
    QuarantinedEvent.objects.bulk_update(refused, ["reason", "errors"])
    return let_in


def _with_todays_reasons(row: QuarantinedEvent, outcome: Outcome) -> QuarantinedEvent:
    if outcome.errors:
        row.reason = outcome.errors[0]["code"]
        row.errors = [
            {name: text.replace("\0", "\ufffd") for name, text in one.items()} for one in outcome.errors
        ]
    return row
