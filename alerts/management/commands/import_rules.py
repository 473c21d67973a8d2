from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from access.actor import SYSTEM
from access.errors import ProductError
from alerts.rules_as_code import import_rules
from registry.taxonomy_text import read_document


class Command(BaseCommand):
    help = "Makes alert rules as a YAML file says, found by name: all of them, or none where one cannot be."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--remove", action="store_true", help="delete rules that the file does not name")
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would happen, and change nothing"
        )

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        try:
            document = read_document(file.read_bytes(), form="json" if file.suffix == ".json" else "yaml")
            planned = import_rules(
                actor=SYSTEM, document=document, remove=options["remove"], dry_run=options["dry_run"]
            )
        except OSError as problem:
            raise CommandError(f"{file}: {problem.strerror}") from problem
        except ProductError as problem:
            at = problem.facts.get("pointer")
            raise CommandError(f"{file}: {problem.message}{f' (at {at})' if at else ''}") from problem
        for one in planned:
            self.stdout.write(f"{one.what:9} {one.name}")
            for change in one.changes:
                self.stdout.write(f"          {change.label}: {change.before} → {change.after}")
        if options["dry_run"]:
            self.stdout.write("Nothing was changed: this was a dry run.")
