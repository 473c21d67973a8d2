"""What workers do for the catalogue. Every task may be started twice, or too often, without harm."""

from celery import shared_task

from registry import sunset


@shared_task(name="registry.tasks.tell_sunsets")
def tell_sunsets() -> None:
    sunset.tell_sunsets()
