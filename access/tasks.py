from celery import shared_task

from access import audit


@shared_task(name="access.tasks.chain_audit", time_limit=60)
def chain_audit() -> None:
    audit.chain()
