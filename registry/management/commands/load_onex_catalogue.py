from typing import Any

from django.core.management.base import BaseCommand

from access.actor import SYSTEM
from registry.load_catalogue import load_onex_catalogue


class Command(BaseCommand):
    help = (
        "Publishes ONEX's envelope, event types and error codes where they are missing; changes nothing else."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        loaded = load_onex_catalogue(actor=SYSTEM)
        for name in loaded.added:
            self.stdout.write(f"added {name}")
        for sentence in loaded.refused:
            self.stderr.write(self.style.WARNING(f"not added: {sentence}"))
        self.stdout.write(f"{len(loaded.added)} added, {len(loaded.present)} there already.")
