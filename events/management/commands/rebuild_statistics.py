from typing import Any

from django.core.management.base import BaseCommand

from access.actor import SYSTEM
from events.recount import rebuild_statistics
from registry.terminal_progress import TerminalProgress


class Command(BaseCommand):
    help = "Counts the statistics anew from the stored events. What is no longer stored keeps its counts."

    def handle(self, *args: Any, **options: Any) -> None:
        show = TerminalProgress(self.stderr)
        found = rebuild_statistics(actor=SYSTEM, told=lambda done, total: show("Events counted", done, total))
        show.end()
        self.stdout.write(f"{found.events:,} events of {found.days} days counted anew.")
        if found.kept:
            self.stdout.write(
                f"{found.kept} times, of an event type on one day, the log no longer holds all events: these counts stay."
            )
