"""When events were stored, ring for the evaluator."""

from functools import partial

from access.bell import CoalescedBell, ring
from events.signals import events_stored

_bell = CoalescedBell(partial(ring, "alerts.tasks.evaluate_rules"))


def connect() -> None:
    events_stored.connect(_ring_for_evaluation, dispatch_uid="alerts.events_stored")


def _ring_for_evaluation(**_: object) -> None:
    _bell.ring()
