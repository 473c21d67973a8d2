from celery import shared_task

from alerts import act
from alerts.evaluate import evaluate_rules as evaluate


@shared_task(name="alerts.tasks.evaluate_rules")
def evaluate_rules() -> None:
    evaluate()


@shared_task(name="alerts.tasks.run_actions")
def run_actions() -> None:
    act.run_actions()
