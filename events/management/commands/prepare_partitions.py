"""`manage.py prepare_partitions`: makes the log's next daily partitions; run at every start, before events arrive."""

from typing import Any

from django.core.management.base import BaseCommand

from events import partitions


class Command(BaseCommand):
    help = "Makes the event log's partitions for today and the next days."

    def handle(self, *args: Any, **options: Any) -> None:
        made = partitions.prepare()
        partitions.analyse_new()
        self.stdout.write(f"{len(made)} partitions made." if made else "All partitions are there.")
