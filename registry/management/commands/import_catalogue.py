from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access.actor import SYSTEM
from access.errors import ProductError
from registry.import_catalogue import import_catalogue
from registry.terminal_progress import TerminalProgress
from registry.terminal_report import show_report


class Command(BaseCommand):
    help = "Brings in what `export_catalogue` wrote. What is here already stays; repeat it after an interruption."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would happen, and change nothing"
        )

    def handle(self, *args: Any, file: Path, dry_run: bool, **options: Any) -> None:
        show = TerminalProgress(self.stderr)
        try:
            with file.open("rb") as archive:
                report = import_catalogue(actor=SYSTEM, file=archive, dry_run=dry_run, progress=show)
        except OSError as problem:
            raise CommandError(f"{file} cannot be read: {problem}") from problem
        except ProductError as refusal:
            show.end()
            problems = refusal.facts.get("problems")
            for line in problems if isinstance(problems, list) else []:
                self.stderr.write(line)
            raise CommandError(refusal.message) from refusal
        show.end()
        show_report(self, report)
