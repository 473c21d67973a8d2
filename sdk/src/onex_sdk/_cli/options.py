"""Options that several commands share, and what follows from them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from onex_sdk._cli import credentials
from onex_sdk._cli.exits import Impossible
from onex_sdk._cli.findings import Report
from onex_sdk._cli.project import Project
from onex_sdk._cli.rendering import FORMATS
from onex_sdk._cli.server import Server

Command = TypeVar("Command", bound=Callable[..., Any])
Item = TypeVar("Item")
#: Fewer than these are done before a bar is seen.
_WORTH_A_BAR = 5


def url_option(command: Command) -> Command:
    return click.option(
        "--url", metavar="URL", help="Where the registry is. [ONEX_URL, onex.toml, onex login]"
    )(command)


def report_options(command: Command) -> Command:
    """`--format`, `--output` and `--strict`."""
    for option in (
        click.option("--strict", is_flag=True, help="Warnings count as findings."),
        click.option(
            "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write into a file instead."
        ),
        click.option(
            "--format", "output_format", type=click.Choice(list(FORMATS)), default="text", show_default=True
        ),
    ):
        command = option(command)
    return command


def json_option(command: Command) -> Command:
    return click.option("--json", "as_json", is_flag=True, help="The answer as JSON, for programs.")(command)


def server_of(project: Project, url: str | None) -> Server:
    """Raises WrongUsage when no registry or token is known."""
    return Server(credentials.find(url, project.settings.url))


def shown(report: Report, output_format: str, output: Path | None, *, strict: bool = False) -> NoReturn:
    """Prints the report, or writes it, and ends with its status."""
    report = report.strict() if strict else report
    text = FORMATS[output_format](report)
    if output is None:
        click.echo(text)
    else:
        write(output, click.unstyle(text) + "\n")
        click.echo(FORMATS["text"](report), err=True)
    finished(report.exit_status)


def finished(status: int) -> NoReturn:
    click.get_current_context().exit(status)


def write(place: Path, text: str) -> None:
    """Raises Impossible."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    except OSError as problem:
        raise Impossible(f"{place} cannot be written: {problem}") from problem


def with_progress(items: Iterable[Item], label: str) -> Iterator[Item]:
    """The items, with a bar on the terminal's standard error when there are many."""
    listed = list(items)
    hidden = not sys.stderr.isatty() or len(listed) < _WORTH_A_BAR
    with click.progressbar(listed, label=label, file=sys.stderr, hidden=hidden) as bar:
        yield from bar
