"""When events were stored, ring for the evaluator: at most five times a second per process, and never not at all."""

import threading
from collections.abc import Callable
from functools import partial

from access.bell import ring
from events.signals import events_stored

QUIET_SECONDS = 0.2
Later = Callable[[float, Callable[[], None]], None]


def _by_timer(seconds: float, call: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.start()


class CoalescedBell:
    """Rings at once when it was quiet; otherwise once more when the quiet time is over, for all that came meanwhile."""

    def __init__(self, bell: Callable[[], None], quiet_seconds: float, later: Later = _by_timer) -> None:
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


_bell = CoalescedBell(partial(ring, "alerts.tasks.evaluate_rules"), QUIET_SECONDS)


def connect() -> None:
    events_stored.connect(_ring_for_evaluation, dispatch_uid="alerts.events_stored")


def _ring_for_evaluation(**_: object) -> None:
    _bell.ring()
