from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from django.apps import AppConfig
from django.db import connection
from django.db.models.signals import post_migrate, pre_migrate

from registry.celery import app as celery_app

__all__ = ["RegistryConfig", "celery_app"]

_LIMITS = ("statement_timeout", "lock_timeout")
_migrating = ExitStack()


@contextmanager
def without_time_limits() -> Iterator[None]:
    """For work that is long by its nature: migrations of large tables."""
    with connection.cursor() as cursor:
        for name in _LIMITS:
            cursor.execute(f"SET {name} = 0")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            for name in _LIMITS:
                cursor.execute(f"RESET {name}")


class RegistryConfig(AppConfig):
    """Importing `celery_app` here makes it the application of every shared task, wherever Django runs."""

    name = "registry"
    verbose_name = "Catalogue"

    def ready(self) -> None:
        from registry import receivers

        receivers.connect()
        pre_migrate.connect(_begin, sender=self, dispatch_uid="registry.no_time_limits")
        post_migrate.connect(_end, sender=self, dispatch_uid="registry.time_limits")


def _begin(**_: object) -> None:
    _migrating.enter_context(without_time_limits())


def _end(**_: object) -> None:
    _migrating.close()
