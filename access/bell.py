"""Doorbells: a Celery message that says "there is work" and may be lost or doubled without harm."""

import logging
from datetime import datetime

from celery import current_app
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)


def ring(task: str, *args: object, at: datetime | None = None, expires: float | None = None) -> None:
    """Asks a worker to run `task` soon, or not before `at`; after `expires` seconds no longer.

    Never raises: the beat sweep finds the row anyway.
    """
    try:
        current_app.send_task(task, args=args, eta=at, expires=expires)
    except (OperationalError, OSError) as broker_away:
        log.warning("The broker did not take a doorbell for %s: %s", task, broker_away)
