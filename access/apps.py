from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class AccessConfig(AppConfig):
    name = "access"

    def ready(self) -> None:
        from access import receivers
        from access.addresses import parse_allowed

        try:
            parse_allowed(tuple(settings.OUTBOUND_ALLOW))
        except ValueError as bad:
            raise ImproperlyConfigured(str(bad)) from bad
        receivers.connect()
