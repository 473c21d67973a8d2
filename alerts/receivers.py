"""When events were stored, ring for the evaluator; when a rule wants something done, for who does it."""

from functools import partial

from access.bell import CoalescedBell, ring
from alerts.signals import actions_wanted
from events.signals import events_stored

_bell = CoalescedBell(partial(ring, "alerts.tasks.evaluate_rules"))


def connect() -> None:
    events_stored.connect(_ring_for_evaluation, dispatch_uid="alerts.events_stored")
    actions_wanted.connect(_ring_for_actions, dispatch_uid="alerts.actions_wanted")


def _ring_for_evaluation(**_: object) -> None:
    _bell.ring()


def _ring_for_actions(**_: object) -> None:
    ring("alerts.tasks.run_actions")
