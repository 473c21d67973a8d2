"""After commit, ring for a worker; a bell nobody hears costs the seconds until the next sweep."""

from functools import partial

from django.conf import settings

from access.bell import CoalescedBell, ring
from access.signals import audit_written
from events.changes import TOLD
from events.signals import events_stored, export_wanted, redrive_wanted, replay_wanted

# A partition is analysed when it was filled for the first time; the log passes a multiple of this often enough.
_LOOK_EVERY = 20_000
# What is told of one change costs little, and each time that changes are told a lot: a busy catalogue gathers them.
_GATHERED_SECONDS = 2.0
_bell_of_changes = CoalescedBell(partial(ring, "events.tasks.forward_changes"), _GATHERED_SECONDS)
# A batch of any size writes much the same rows of counters anew: under load, few large ones are a third of the work.
_QUIET_SECONDS = 5.0
_bell_of_statistics = CoalescedBell(partial(ring, "events.tasks.fold_statistics"), _QUIET_SECONDS)


def connect() -> None:
    events_stored.connect(_ring_after_storing, dispatch_uid="events.events_stored")
    audit_written.connect(_ring_for_changes, dispatch_uid="events.audit_written")
    export_wanted.connect(_ring_for_export, dispatch_uid="events.export_wanted")
    redrive_wanted.connect(_ring_for_redrive, dispatch_uid="events.redrive_wanted")
    replay_wanted.connect(_ring_for_replay, dispatch_uid="events.replay_wanted")


def _ring_for_changes(action: str, **_: object) -> None:
    if action in TOLD and settings.REGISTRY_EVENTS:
        _bell_of_changes.ring()


def _ring_for_export(**_: object) -> None:
    ring("events.tasks.work_on_exports")


def _ring_for_redrive(**_: object) -> None:
    ring("events.tasks.work_on_redrives")


def _ring_for_replay(**_: object) -> None:
    ring("events.tasks.replay_run")


def _ring_after_storing(position: int, count: int, **_: object) -> None:
    _bell_of_statistics.ring()
    if position // _LOOK_EVERY != (position - count) // _LOOK_EVERY:
        ring("events.tasks.prepare_partitions")
