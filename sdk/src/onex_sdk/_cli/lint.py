"""`onex lint`: is it a schema, and what should its author know?"""

from __future__ import annotations

from pathlib import Path

import click

from onex_sdk._cli.findings import Report
from onex_sdk._cli.judging import looked_at, unreadable_now
from onex_sdk._cli.options import report_options, shown, with_progress
from onex_sdk._cli.project import Project
from onex_sdk._cli.verdicts import verdicts


@click.command(short_help="Are these schemas?")
@click.argument("paths", nargs=-1)
@report_options
def lint(*, paths: tuple[str, ...], output_format: str, output: Path | None, strict: bool) -> None:
    """Read schemas as the registry does: JSON, draft, references, patterns. Without network.

    PATHS are schema files or folders; without any, all schemas of the project.
    """
    project = Project.here()
    judge = verdicts()
    everything, chosen = project.chosen(paths)
    outcomes = [
        unreadable_now(file, everything) or looked_at(file, everything, judge)
        for file in with_progress(chosen, "Reading")
    ]
    shown(Report("lint", tuple(outcomes), folder=project.folder), output_format, output, strict=strict)
