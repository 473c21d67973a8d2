from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from alerts.auditor import audit_reading


class Command(BaseCommand):
    help = "Holds what evaluation of alert rules has read against what is stored. Exit code 1 when it missed an event."

    def handle(self, *args: Any, **options: Any) -> None:
        found = audit_reading(timezone.now())
        said = f"{found.events:,} events read in {found.spans:,} stretches of the log"
        if found.missed:
            raise CommandError(f"{said}, and {found.missed:,} that were stored there were missed.")
        self.stdout.write(f"{said}; none was missed.")
