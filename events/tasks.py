"""What workers do for events. Every task may be started twice, or too often, without harm."""

import threading
from datetime import timedelta

from celery import shared_task
from celery.signals import worker_shutting_down
from django.utils import timezone

from access.bell import ring
from events import cold, export, fold, forward, partitions, playback, recount, redrive, retention
from events.models import Replay

_shutting_down = threading.Event()
# Longer than the sweep's period: it never rings for what a bell with a time already stands for.
_LOOK_AHEAD = timedelta(seconds=6)


@worker_shutting_down.connect
def _give_runs_back(**_: object) -> None:
    _shutting_down.set()


@shared_task(name="events.tasks.replay_run")
def replay_run() -> None:
    again = playback.play_next(stopping=_shutting_down.is_set)
    if again is not None and again < timezone.now() + _LOOK_AHEAD:
        ring("events.tasks.replay_run", at=again)


@shared_task(name="events.tasks.replay_sweep")
def replay_sweep() -> None:
    """Rings for runs that wait: new ones whose bell was lost, those of killed workers, and those due soon."""
    for due_at in Replay.objects.waiting(timezone.now() + _LOOK_AHEAD).values_list("due_at", flat=True)[:100]:
        ring("events.tasks.replay_run", at=due_at, expires=2 * _LOOK_AHEAD.total_seconds())


@shared_task(name="events.tasks.work_on_redrives")
def work_on_redrives() -> None:
    """One turn of one re-drive; the next in line, or the rest of this one, is rung for."""
    if redrive.work_on_next(stopping=_shutting_down.is_set):
        ring("events.tasks.work_on_redrives")


@shared_task(name="events.tasks.fold_statistics")
def fold_statistics() -> None:
    """A turn of counting; what is left of a large heap is rung for, so that others get a turn, too."""
    fold.fold_statistics(stopping=_shutting_down.is_set)
    if fold.lag().waiting >= fold.BATCH:
        ring("events.tasks.fold_statistics")


@shared_task(name="events.tasks.work_on_exports")
def work_on_exports() -> None:
    """One turn of one export; the next in line, or the rest of this one, is rung for."""
    export.forget_expired()
    if export.work_on_next(stopping=_shutting_down.is_set):
        ring("events.tasks.work_on_exports")


@shared_task(name="events.tasks.forward_changes")
def forward_changes() -> None:
    """What comes in meanwhile rings its own bell: a turn costs much the same for one change as for a hundred."""
    while forward.forward_changes() == forward.BATCH:
        pass


@shared_task(name="events.tasks.prepare_partitions")
def prepare_partitions() -> None:
    """The next days' partitions, and statistics for those that were filled since."""
    partitions.prepare()
    partitions.analyse_new()


@shared_task(name="events.tasks.compress_old_partitions")
def compress_old_partitions() -> None:
    """One partition; while there are more that are due, the next is rung for."""
    if cold.compress_next(stopping=_shutting_down.is_set) is not None:
        ring("events.tasks.compress_old_partitions")


@shared_task(name="events.tasks.apply_retention")
def apply_retention() -> None:
    retention.apply_retention()
    recount.forget_old()
