"""The Celery application. Its messages are doorbells: all durable state lives in PostgreSQL rows."""

import os
from pathlib import Path

from celery import Celery
from celery.signals import worker_ready

from registry import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry.settings")

broker.register()
app = Celery("registry")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def _tell_who_waits(**_: object) -> None:
    """`./run` names a file for it, and is up when every worker has written its number there."""
    if file := os.environ.get("ONEX_READY_FILE"):
        Path(file).write_text(str(os.getpid()), encoding="ascii")


worker_ready.connect(_tell_who_waits)
