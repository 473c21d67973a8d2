import contextlib
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access.actor import SYSTEM
from registry.export_catalogue import export_catalogue
from registry.import_report import told
from registry.terminal_progress import TerminalProgress


class Command(BaseCommand):
    help = "Writes the whole catalogue to a zip file: schemas, versions, ids, rules, taxonomies. Not events."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", type=Path, help="where to write it; an existing file is replaced at the end"
        )
        parser.add_argument(
            "--subject-prefix", default="", help="only subjects that begin so; `:.berlin:` is a context"
        )

    def handle(self, *args: Any, file: Path, subject_prefix: str, **options: Any) -> None:
        show = TerminalProgress(self.stderr)
        # Beside it first: an export that is interrupted leaves nothing that looks like a whole one.
        try:
            with tempfile.NamedTemporaryFile(dir=file.parent, prefix=f".{file.name}.", delete=False) as begun:
                try:
                    exported = export_catalogue(
                        actor=SYSTEM,
                        file=begun,
                        subject_prefix=subject_prefix,
                        progress=lambda done, total: show("Versions written", done, total),
                    )
                    Path(begun.name).replace(file)
                except BaseException:
                    with contextlib.suppress(FileNotFoundError):
                        Path(begun.name).unlink()
                    raise
        except OSError as problem:
            raise CommandError(f"{file} cannot be written: {problem}") from problem
        show.end()
        if exported.holds:
            self.stdout.write(self.style.WARNING(exported.holds))
        self.stdout.write(f"{file}: {told(exported.counts)}.")
