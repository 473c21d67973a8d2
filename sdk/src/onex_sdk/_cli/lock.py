"""`onex lock`: write the lock file, or say where it is out of date."""

from __future__ import annotations

from pathlib import Path

import click

from onex_sdk._cli.exits import Impossible
from onex_sdk._cli.findings import Report
from onex_sdk._cli.lock_file import Lock
from onex_sdk._cli.options import report_options, shown, write
from onex_sdk._cli.project import Project
from onex_sdk._cli.schema_text import BadSchemaText


@click.command(short_help="Write or check onex.lock.")
@click.option(
    "--check", "only_check", is_flag=True, help="Write nothing; exit status 1 where the file is out of date."
)
@report_options
def lock(*, only_check: bool, output_format: str, output: Path | None, strict: bool) -> None:
    """Write the hash of every schema into `onex.lock`, which belongs into version control. Without network.

    `onex push` and `onex pull` write it, too, with the versions that the registry gave.
    """
    project = Project.here()
    known = Lock.of(project) if only_check else _known(project)
    files, _ = project.chosen(())
    if only_check:
        outcomes = known.compared(files.files)
        shown(
            Report("lock", tuple(outcomes), known.place.name, folder=project.folder),
            output_format,
            output,
            strict=strict,
        )
    try:
        renewed = known.renewed(files.files)
    except BadSchemaText as bad:
        raise Impossible(
            f"A schema cannot be read, so there is no hash of it: {bad}. `onex lint` says where."
        ) from bad
    write(renewed.place, renewed.text())
    click.echo(f"{renewed.place.name}: {len(renewed.subjects)} subjects")


def _known(project: Project) -> Lock:
    """What the lock says of versions; nothing where it cannot be read, since it is made anew."""
    try:
        return Lock.of(project)
    except Impossible as problem:
        click.echo(f"{problem} Its versions are lost.", err=True)
        return Lock(project.root / project.settings.lock)
