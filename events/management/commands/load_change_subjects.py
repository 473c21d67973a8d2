from typing import Any

from django.core.management.base import BaseCommand

from access.actor import SYSTEM
from events.load_changes import load_change_subjects


class Command(BaseCommand):
    help = "Publishes the schemas of the product's own events where they are missing; changes nothing else."

    def handle(self, *args: Any, **options: Any) -> None:
        loaded = load_change_subjects(actor=SYSTEM)
        for name in loaded.added:
            self.stdout.write(f"added {name}")
        for sentence in loaded.refused:
            self.stderr.write(self.style.WARNING(f"not added: {sentence}"))
        self.stdout.write(f"{len(loaded.added)} added, {len(loaded.present)} there already.")
