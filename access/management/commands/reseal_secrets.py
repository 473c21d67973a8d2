from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access.sealed import reseal


class Command(BaseCommand):
    help = "Seals every stored secret with the present SECRET_KEY. Exit code 1 when one was sealed with a key that is not there."

    def handle(self, *_args: Any, **_options: Any) -> None:
        gone = 0
        for table, done, lost in reseal():
            gone += lost
            self.stdout.write(f"{table}: {done} sealed{f', {lost} lost' if lost else ''}")
        if gone:
            raise CommandError(
                f"{gone} secrets were sealed with another key. Give it in SECRET_KEY_FALLBACKS, or save new secrets."
            )
