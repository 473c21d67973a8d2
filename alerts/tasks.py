"""What workers do for alerts. Every task may be started twice, or too often, without harm."""

import threading

from celery import shared_task
from celery.signals import worker_shutting_down
from django.utils import timezone

from access.bell import ring
from alerts import act, auditor, backtest, digest, episodes, novelty, pairing, rule_health, unattended
from alerts.evaluate import evaluate_rules as evaluate

_shutting_down = threading.Event()


@worker_shutting_down.connect
def _give_back(**_: object) -> None:
    _shutting_down.set()


@shared_task(name="alerts.tasks.evaluate_rules")
def evaluate_rules() -> None:
    evaluate()


@shared_task(name="alerts.tasks.work_on_backtests")
def work_on_backtests() -> None:
    """One backtest; the next in line is rung for. It goes to the queue `work`, so that it delays no alert."""
    backtest.forget_old()
    if backtest.work_on_next(stopping=_shutting_down.is_set):
        ring("alerts.tasks.work_on_backtests")


@shared_task(name="alerts.tasks.run_actions")
def run_actions() -> None:
    act.run_actions()


@shared_task(name="alerts.tasks.forget_old")
def forget_old() -> None:
    """What rules have gathered and need no more."""
    now = timezone.now()
    novelty.forget_groups(now)
    pairing.forget_findings(now)
    episodes.forget_lapsed(now)


@shared_task(name="alerts.tasks.audit_reading")
def audit_reading() -> None:
    """Whether evaluation has seen every event."""
    auditor.audit_reading(timezone.now())


@shared_task(name="alerts.tasks.tell_again")
def tell_again() -> None:
    """Of episodes that nobody sees to, of rules that have trouble, and of what was gathered."""
    now = timezone.now()
    digest.tell_together(now)
    unattended.tell_again(now)
    rule_health.tell_of_rules(now)
