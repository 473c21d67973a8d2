"""Doorbells: a Celery message that says "there is work" and may be lost or doubled without harm."""

import logging
import threading
from collections.abc import Callable
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


QUIET_SECONDS = 0.2
Later = Callable[[float, Callable[[], None]], None]


def _by_timer(seconds: float, call: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.start()


class CoalescedBell:
    """Rings at once when it was quiet; otherwise once more when the quiet time is over, for all that came meanwhile.

    So a process rings at most five times a second, and never not at all.
    """

    def __init__(
        self, bell: Callable[[], None], quiet_seconds: float = QUIET_SECONDS, later: Later = _by_timer
    ) -> None:
        self._bell = bell
        self._quiet_seconds = quiet_seconds
        self._later = later
        self._lock = threading.Lock()
        self._quiet = False
        self._again = False

    def ring(self) -> None:
        with self._lock:
            if self._quiet:
                self._again = True
                return
            self._quiet = True
        self._later(self._quiet_seconds, self._quiet_time_over)
        self._bell()

    def _quiet_time_over(self) -> None:
        with self._lock:
            self._quiet = self._again
            if not self._again:
                return
            self._again = False
        self._later(self._quiet_seconds, self._quiet_time_over)
        self._bell()
