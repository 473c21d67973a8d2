from django.apps import AppConfig

from registry.celery import app as celery_app

__all__ = ["RegistryConfig", "celery_app"]


class RegistryConfig(AppConfig):
    """Importing `celery_app` here makes it the application of every shared task, wherever Django runs."""

    name = "registry"
    verbose_name = "Catalogue"
