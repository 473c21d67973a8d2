"""After commit, ring for a worker: when events were stored, for the evaluator."""

from functools import partial

from access.bell import CoalescedBell, ring
from alerts.signals import actions_wanted, backtest_wanted
from events.signals import events_stored

_bell = CoalescedBell(partial(ring, "alerts.tasks.evaluate_rules"))


def connect() -> None:
    events_stored.connect(_ring_for_evaluation, dispatch_uid="alerts.events_stored")
    backtest_wanted.connect(_ring_for_backtest, dispatch_uid="alerts.backtest_wanted")
    actions_wanted.connect(_ring_for_actions, dispatch_uid="alerts.actions_wanted")


def _ring_for_backtest(**_: object) -> None:
    ring("alerts.tasks.work_on_backtests")


def _ring_for_evaluation(**_: object) -> None:
    _bell.ring()


def _ring_for_actions(**_: object) -> None:
    ring("alerts.tasks.run_actions")
