from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from access.errors import ProductError
from alerts.rule_tests import run_tests
from registry.taxonomy_text import read_document


class Command(BaseCommand):
    help = (
        "Runs tests of alert rules from YAML or JSON files. Exit code 1 when an episode is not as expected."
    )
    # It reads files only, so that it runs where there is no database.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")

    def handle(self, *args: Any, files: list[Path], **options: Any) -> None:
        passed = failed = 0
        for file in files:
            try:
                outcomes = run_tests(
                    read_document(file.read_bytes(), form="json" if file.suffix == ".json" else "yaml")
                )
            except OSError as problem:
                self.stdout.write(f"FAILED {file}: {problem.strerror}")
                failed += 1
                continue
            except ProductError as problem:
                at = problem.facts.get("pointer")
                self.stdout.write(f"FAILED {file}: {problem.message}{f' (at {at})' if at else ''}")
                failed += 1
                continue
            for one in outcomes:
                self.stdout.write(f"{'ok    ' if one.passed else 'FAILED'} {file}: {one.name}")
                for sentence in one.differences:
                    self.stdout.write(f"         {sentence}")
            passed += sum(one.passed for one in outcomes)
            failed += sum(not one.passed for one in outcomes)
        if failed:
            raise CommandError(f"{failed} failed, {passed} passed.")
        self.stdout.write(f"{passed} passed.")
