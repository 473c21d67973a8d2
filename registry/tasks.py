"""What workers do for the catalogue. Every task may be started twice, or too often, without harm."""

import threading

from celery import shared_task
from celery.signals import worker_shutting_down

from access.bell import ring
from registry import study, sunset
from registry import work_on_imports as imports

_shutting_down = threading.Event()


@worker_shutting_down.connect
def _give_studies_back(**_: object) -> None:
    _shutting_down.set()


@shared_task(name="registry.tasks.tell_sunsets")
def tell_sunsets() -> None:
    sunset.tell_sunsets()


@shared_task(name="registry.tasks.work_on_studies")
def work_on_studies() -> None:
    """One turn of one study; the next in line, or the rest of this one, is rung for."""
    if study.work_on_next(stopping=_shutting_down.is_set):
        ring("registry.tasks.work_on_studies")


@shared_task(name="registry.tasks.work_on_imports")
def work_on_imports() -> None:
    """One import from its beginning to its end; the next in line is rung for."""
    if imports.work_on_next(stopping=_shutting_down.is_set):
        ring("registry.tasks.work_on_imports")
