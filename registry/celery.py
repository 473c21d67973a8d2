"""The Celery application. Its messages are doorbells: all durable state lives in PostgreSQL rows."""

import os

from celery import Celery

from registry import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry.settings")

broker.register()
app = Celery("registry")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
