"""Exporting the events of a query: at once where they are few, else by a worker, to be fetched when it is done."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from uuid import UUID

import zstandard
from django.conf import settings
from django.db import transaction
from django.db.models import F, Min, Sum
from django.db.models.functions import Now
from django.utils import timezone

from access import audit
from access.actor import Actor, Grant
from access.leased import starter_of
from events import changes
from events.errors import ExportInvalid, ExportNotFound, ExportNotReady, ExportTooLarge
from events.export_format import beginning, written
from events.models import Event, Export, ExportPart, LogHead
from events.query import FILTERS, Filters
from events.search import limited
from events.signals import export_wanted
from events.upcast import Reader
from events.walk import stretch, stretches

_LEASE = timedelta(seconds=30)
# What says which events, and how they are read.
_CHOICES = (*FILTERS, "as")
# What a list is asked for beside that; an export has all pages.
_OF_A_PAGE = {"after", "before", "limit"}


class _NotMine(Exception):
    """Another worker owns it by now, or it was cancelled: what this one did is rolled back."""


def export_at_once(*, actor: Actor, query: Mapping[str, str], form: str) -> bytes:
    """The whole content. Raises ExportTooLarge where that is for a worker to do, InvalidQuery, ExportInvalid."""
    actor.require("read")
    _check(form, query)
    filters, first = Filters.of(query), _first()
    wanted = query.get("as", "")
    content, count = [beginning(form, wanted=wanted)], 0
    ends_at = time.monotonic() + settings.EVENT_SEARCH_SECONDS
    with limited():
        for after, until in stretches(after=first, head=LogHead.objects.get().position):
            found = stretch(actor=actor, filters=filters, after=after, until=until)
            count += len(found)
            if count > settings.EXPORT_AT_ONCE or time.monotonic() > ends_at:
                raise ExportTooLarge(
                    f"These are more than {settings.EXPORT_AT_ONCE:,} events, or take longer to find than "
                    f"{settings.EVENT_SEARCH_SECONDS:g} s. Start an export, which a worker writes: POST /api/v1/exports.",
                    most=settings.EXPORT_AT_ONCE,
                )
            content.append(written(form, found, wanted=wanted))
    with transaction.atomic():
        _record(actor, "events.exported", "events", form=form, events=count, **chosen_of(query))
    return b"".join(content)


def start_export(*, actor: Actor, query: Mapping[str, str], form: str) -> Export:
    """A worker writes it from now on. Raises ExportInvalid, InvalidQuery, and Forbidden without any type to read."""
    actor.require("read")
    _check(form, query)
    _check_names(query)
    chosen = chosen_of(query)
    Filters.of(chosen).condition(actor)
    with transaction.atomic():
        _check_running(actor)
        first = _first()
        export = Export.objects.create(
            query=chosen,
            format=form,
            prefixes=list(actor.readable_prefixes("read")),
            first=first,
            after=first,
            head=LogHead.objects.get().position,
            created_by=actor.label,
            user=actor.user,
        )
        _record(actor, "export.started", f"export/{export.pk}", form=form, **chosen)
        transaction.on_commit(partial(export_wanted.send, sender=Export))
    return export


def find_export(*, actor: Actor, export_id: UUID) -> Export:
    """Raises ExportNotFound, also for one of somebody else."""
    found = Export.objects.visible_to(actor).filter(pk=export_id).first()
    if found is None:
        raise ExportNotFound(f"There is no export {export_id} that you may see.", export=str(export_id))
    return found


def cancel_export(*, actor: Actor, export_id: UUID) -> Export:
    """Ends it and deletes what was written. Cancelling an ended one changes nothing."""
    export = find_export(actor=actor, export_id=export_id)
    with transaction.atomic():
        running = Export.objects.filter(pk=export.pk, state=Export.State.RUNNING)
        if running.update(
            state=Export.State.CANCELLED, epoch=F("epoch") + 1, finished_at=Now(), expires_at=_expiry()
        ):
            ExportPart.objects.filter(export=export).delete()
            _record(actor, "export.cancelled", f"export/{export.pk}")
    export.refresh_from_db()
    return export


def fetch_export(*, actor: Actor, export_id: UUID) -> tuple[Export, Iterator[bytes]]:
    """Its content, piece by piece. Raises ExportNotReady before its end, and ExportNotFound, also for who may not read all of
    its types now, whatever was so when it was started."""
    export = find_export(actor=actor, export_id=export_id)
    if export.state != Export.State.COMPLETED:
        raise ExportNotReady(f"This export is {export.state}.", state=export.state)
    if not all(_may_read(actor, export, event_type) for event_type in export.event_types):
        raise ExportNotFound("You may not read all types of this export any more.", export=str(export.pk))
    with transaction.atomic():
        _record(actor, "export.fetched", f"export/{export.pk}", events=export.events)
    return export, _pieces(export)


def _may_read(actor: Actor, export: Export, event_type: str) -> bool:
    """Of the product's own, an export holds those events that its starter might see, which another one might not."""
    return changes.may(actor, "read", event_type) or (
        event_type in changes.EVENT_TYPES
        and export.user == actor.user
        and export.prefixes == list(actor.readable_prefixes())
    )


def _pieces(export: Export) -> Iterator[bytes]:
    unpacker = zstandard.ZstdDecompressor()
    for number in range(export.parts):
        # One at a time: nobody holds a whole export in memory, or a connection while a slow reader reads.
        piece = (
            ExportPart.objects.filter(export=export, number=number).values_list("content", flat=True).first()
        )
        if piece is None:
            return
        yield unpacker.decompress(bytes(piece))


def work_on_next(*, stopping: Callable[[], bool] = lambda: False) -> bool:
    """Takes an export that waits, goes on with it for a while and gives it back; whether there was one."""
    export = Export.objects.take_next(_LEASE)
    if export is None:
        return False
    _go_on(export, stopping)
    return True


def forget_expired() -> int:
    """Deletes what was kept long enough; how many exports."""
    expired = Export.objects.filter(expires_at__lt=Now())
    count = 0
    for export in expired.order_by("pk")[:100]:
        ExportPart.objects.filter(export=export).delete()
        export.delete()
        count += 1
    return count


def _go_on(export: Export, stopping: Callable[[], bool]) -> None:
    until = time.monotonic() + settings.EXPORT_SLICE_SECONDS
    try:
        while not export.ended:
            _step(export)
            if stopping() or time.monotonic() > until:
                export.give_back()
                return
    except _NotMine:
        return


def _step(export: Export) -> None:
    """One stretch of the log, in one transaction. Raises _NotMine."""
    with transaction.atomic():
        until = min(next(stretches(after=export.after, head=export.head), (0, export.head))[1], export.head)
        found = stretch(
            actor=_actor_of(export), filters=Filters.of(export.query), after=export.after, until=until
        )
        room = settings.EXPORT_MAX_EVENTS - export.events
        _write(export, found[:room])
        export.after = until
        if len(found) > room or export.size > settings.EXPORT_MAX_BYTES:
            last = found[:room][-1].position if found[:room] else export.after
            export.problem = (
                f"It ends at position {last:,}, with as much as one export takes (EXPORT_MAX_EVENTS, EXPORT_MAX_BYTES). Another "
                "one with a later 'since' has the rest."
            )
        if until >= export.head or export.problem:
            export.state = Export.State.COMPLETED
        _note(export)


def _write(export: Export, events: list[Event]) -> None:
    wanted = export.query.get("as", "")
    content = b"" if export.parts else beginning(export.format, wanted=wanted)
    content += written(export.format, events, wanted=wanted)
    if not content:
        return
    packed = zstandard.ZstdCompressor().compress(content)
    ExportPart.objects.create(export=export, number=export.parts, content=packed)
    export.parts += 1
    export.events += len(events)
    export.size += len(content)
    export.event_types = sorted({*export.event_types, *(event.event_type for event in events)})


def _note(export: Export) -> None:
    ended = {"finished_at": Now(), "expires_at": _expiry()} if export.ended else {}
    noted = export.mine().update(
        after=export.after,
        events=export.events,
        parts=export.parts,
        size=export.size,
        event_types=export.event_types,
        problem=export.problem,
        state=export.state,
        leased_until=None if export.ended else Now() + _LEASE,
        **ended,
    )
    if not noted:
        raise _NotMine


def _actor_of(export: Export) -> Actor:
    """By the rights that its starter has now, within those of the token that started it; none where the account is gone."""
    limits = tuple(Grant(frozenset({"read"}), prefix) for prefix in export.prefixes)
    starter = starter_of(export.user_id, export.created_by)
    return starter if starter.user is None else replace(starter, token_grants=limits)


def _first() -> int:
    """The position before the oldest event."""
    oldest = Event.objects.aggregate(oldest=Min("position"))["oldest"]
    return (oldest or LogHead.objects.get().position + 1) - 1


def _expiry() -> object:
    return timezone.now() + settings.EXPORT_KEPT


def chosen_of(query: Mapping[str, str]) -> dict[str, str]:
    """Of an address, what says which events; the rest says which page."""
    return {name: query[name] for name in _CHOICES if query.get(name)}


def _check_names(query: Mapping[str, str]) -> None:
    if unknown := sorted(set(query) - {*_CHOICES, *_OF_A_PAGE}):
        # A mistyped one would export all there is.
        raise ExportInvalid(
            f"'{unknown[0]}' is no filter of events. There are: {', '.join(_CHOICES)}.",
            pointer=f"/query/{unknown[0]}",
        )


def _check(form: str, query: Mapping[str, str]) -> None:
    if form not in Export.Format.values:
        raise ExportInvalid(f"'format' is ndjson or csv, not '{form}'.", parameter="format")
    if wanted := query.get("as", ""):
        # What is no version is told before any event is looked at.
        Reader(wanted)


def _check_running(actor: Actor) -> None:
    mine = Export.objects.filter(user=actor.user, created_by=actor.label)
    kept = mine.aggregate(size=Sum("size"))["size"] or 0
    if mine.filter(state=Export.State.RUNNING).count() >= settings.EXPORTS_AT_ONCE:
        raise ExportInvalid(
            f"{settings.EXPORTS_AT_ONCE} of your exports are being written (EXPORTS_AT_ONCE). Wait for one, or cancel it.",
            most=settings.EXPORTS_AT_ONCE,
        )
    if kept > settings.EXPORT_MAX_BYTES * settings.EXPORTS_AT_ONCE:
        raise ExportInvalid("Your exports that are kept take all the room there is for them.", bytes=kept)


def _record(actor: Actor, action: str, target: str, **details: object) -> None:
    audit.record(actor=actor, action=action, target=target, details=details)
