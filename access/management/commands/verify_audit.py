from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from access import audit


class Command(BaseCommand):
    help = "Recomputes the audit chain. Exit code 1 when an entry was changed, removed or inserted."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--anchor",
            metavar="LINK:HASH",
            help="what an earlier run printed and you kept elsewhere: shows when the end of the log was cut off",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        audit.chain()
        check = audit.verify(anchor=_anchor(options["anchor"]))
        if check.problem:
            raise CommandError(f"{check.problem} {check.checked} entries before it are as they were written.")
        self.stdout.write(
            f"{check.checked} entries are as they were written; {check.waiting} wait for their place."
        )
        self.stdout.write(f"anchor {check.anchor}")


def _anchor(given: str | None) -> tuple[int, str] | None:
    if given is None:
        return None
    link, _, digest = given.partition(":")
    if not link.isdecimal() or not digest:
        raise CommandError("An anchor looks like 1042:9f86d081…, as an earlier run printed it.")
    return int(link), digest
