import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access.actor import SYSTEM
from access.errors import ProductError
from registry.import_iglu import Report, import_iglu

_BAR = 30
_LINE_EVERY = 100


class Command(BaseCommand):
    help = (
        "Publishes Snowplow's self-describing schemas of a folder that are not here yet, oldest first, "
        "with what their author declared each change to be."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "folder", type=Path, metavar="DIR", help="holds VENDOR/NAME/jsonschema/1-0-0, in any depth"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="report what an import would come to, and store nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        if not folder.is_dir():
            raise CommandError(f"{folder} is no folder.")
        try:
            report = import_iglu(actor=SYSTEM, folder=folder, dry_run=options["dry_run"], progress=self._show)
        except ProductError as refusal:
            raise CommandError(refusal.message) from refusal
        self._tell(report, folder, dry_run=options["dry_run"])
        if report.failed:
            sys.exit(1)

    def _show(self, done: int, total: int) -> None:
        if sys.stderr.isatty():
            filled = _BAR * done // total
            end = "\n" if done == total else ""
            print(
                f"\r[{'█' * filled}{' ' * (_BAR - filled)}] {done}/{total}",
                end=end,
                file=sys.stderr,
                flush=True,
            )
        elif done % _LINE_EVERY == 0 or done == total:
            self.stderr.write(f"{done} of {total} files")

    def _tell(self, report: Report, folder: Path, *, dry_run: bool) -> None:
        for file, sentence in report.failed:
            shown = file.relative_to(folder) if file.is_relative_to(folder) else file
            self.stderr.write(self.style.WARNING(f"{shown}: {sentence}"))
        for one in report.added:
            if one.entry.note:
                self.stderr.write(f"{one.entry.subject} {one.entry.version}: {one.entry.note}")
            if one.contradiction:
                said = f"declared {one.declared}, computed {one.required}: {one.contradiction}"
                self.stdout.write(f"{one.entry.subject} {one.entry.version} ({one.semver}) {said}")
        would = "would be " if dry_run else ""
        self.stdout.write(
            f"{report.files} files: {len(report.added)} {would}added ({report.pairs} follow another version), "
            f"{report.present} there already, {len(report.failed)} failed."
        )
        if not report.pairs:
            return
        self.stdout.write(
            f"Declared additions that break: {report.contradicting('addition', 'breaks')}, undecided: "
            f"{report.contradicting('addition', 'unproven')}. Declared models that break nothing: "
            f"{report.contradicting('model', 'milder')}. The page /declared-changes shows each with its witness."
        )
