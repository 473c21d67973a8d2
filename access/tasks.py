from celery import shared_task

from access import audit, delivery


@shared_task(name="access.tasks.chain_audit")
def chain_audit() -> None:
    audit.chain()


@shared_task(name="access.tasks.deliver_due")
def deliver_due() -> None:
    delivery.deliver_due()
