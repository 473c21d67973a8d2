"""`manage.py compress_partition DAY…`: at once, instead of when their time comes; `--undo` takes it back."""

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access.actor import SYSTEM
from access.errors import ProductError
from events.cold import compress_partition, decompress_partition
from events.partitions import name_of


class Command(BaseCommand):
    help = "Compresses the events of past days; with --undo, takes that back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("days", nargs="+", type=date.fromisoformat, metavar="DAY", help="as 2026-11-01")
        parser.add_argument("--undo", action="store_true", help="decompress them, and leave them so")

    def handle(self, *args: Any, **options: Any) -> None:
        rewrite = decompress_partition if options["undo"] else compress_partition
        for day in options["days"]:
            try:
                done = rewrite(actor=SYSTEM, name=name_of(day))
            except ProductError as problem:
                raise CommandError(problem.message) from problem
            self.stdout.write(
                f"{day}: {done.events:,} events, {done.bytes_before:,} bytes before and {done.bytes_after:,} after; "
                f"{done.seconds:.1f} s, of which the log was locked for {done.locked_ms:.0f} ms."
            )
