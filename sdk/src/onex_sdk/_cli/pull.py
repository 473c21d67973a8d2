"""`onex pull`: schemas from the registry into a bundle for offline use, or into files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from onex_sdk._cli.bundle_file import bundle_text
from onex_sdk._cli.collection import SchemaFile
from onex_sdk._cli.exits import FINDINGS
from onex_sdk._cli.lock_file import Lock, Locked
from onex_sdk._cli.options import finished, server_of, url_option, with_progress, write
from onex_sdk._cli.project import Project, read_text
from onex_sdk._cli.schema_text import BadSchemaText, SchemaText
from onex_sdk._cli.server import Server, path
from onex_sdk._errors import NotFound

_BINDING = re.compile(r'"x-taxonomy"\s*:\s*"([^"\\]+)"')


@click.command(short_help="Fetch schemas for offline use.")
@click.argument("subjects", nargs=-1)
@click.option("--prefix", help="All subjects that begin so; '' for all that the token may read.")
@click.option(
    "--into",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the latest version of each subject into a file of this folder, instead of a bundle.",
)
@click.option(
    "--bundle", type=click.Path(dir_okay=False, path_type=Path), help="[onex.toml, or onex-schemas.json]"
)
@click.option("--force", is_flag=True, help="Overwrite files that were changed here and are not registered.")
@url_option
def pull(
    *,
    subjects: tuple[str, ...],
    prefix: str | None,
    into: Path | None,
    bundle: Path | None,
    force: bool,
    url: str | None,
) -> None:
    """Fetch schemas: all versions of SUBJECTS, with what they refer to, into one file for offline use.

    The client validates by that file where the registry cannot be asked. What is in the file already is fetched again;
    without SUBJECTS and --prefix, so is what the lock file names.
    """
    if into and bundle:
        raise click.UsageError("--into writes files and --bundle a bundle: choose one.")
    project = Project.here()
    place = bundle or project.root / project.settings.bundle
    with server_of(project, url) as server:
        wanted = _wanted(project, None if into else place, server, subjects, prefix)
        fetched = _fetched(server, wanted)
        taxonomies = {} if into else _taxonomies(server, fetched)
    if into:
        finished(_into_files(project, into, fetched, force=force))
    write(place, bundle_text(fetched, taxonomies))
    count = sum(map(len, fetched.values()))
    click.echo(f"{place}: {count} versions of {len(fetched)} subjects, {len(taxonomies)} taxonomies")


def _wanted(
    project: Project,
    place: Path | None,
    server: Server,
    subjects: tuple[str, ...],
    prefix: str | None,
) -> list[str]:
    wanted = {*subjects, *(server.get("/subjects", {"subjectPrefix": prefix}) if prefix is not None else ())}
    known = wanted | (set(_subjects_of(place)) if place and place.exists() else set())
    known |= set() if wanted else set(Lock.of(project).subjects)
    if not known:
        raise click.UsageError("Which subjects? Name some, or say --prefix (--prefix '' fetches all).")
    return sorted(known)


def _subjects_of(place: Path) -> Iterator[str]:
    value = SchemaText.read(read_text(place)).value
    yield from value.get("subjects", {}) if isinstance(value, dict) else ()


#: Versions as the registry answers them, by subject, the oldest first.
_Versions = dict[str, list[dict[str, Any]]]


def _fetched(server: Server, wanted: list[str]) -> _Versions:
    """The subjects, and those that their schemas refer to."""
    fetched: _Versions = {}
    waiting = list(dict.fromkeys(wanted))
    while waiting:
        for subject in with_progress(waiting, "Fetching"):
            numbers = server.get(path("subjects", subject, "versions"))
            fetched[subject] = [
                server.get(path("subjects", subject, "versions", number)) for number in numbers
            ]
        waiting = sorted(_referred(fetched) - set(fetched))
    return fetched


def _referred(fetched: _Versions) -> set[str]:
    return {
        reference["subject"]
        for versions in fetched.values()
        for version in versions
        for reference in version.get("references", ())
    }


def _taxonomies(server: Server, fetched: _Versions) -> dict[str, Any]:
    """What `x-taxonomy` of the schemas names, by what it says. One that is not there binds nothing, as on the server."""
    texts = (version["schema"] for versions in fetched.values() for version in versions)
    found = {}
    for binding in sorted({said for text in texts for said in _BINDING.findall(text)}):
        name, _, wanted = binding.partition("@")
        try:
            found[binding] = server.get(
                path("taxonomies", name, "versions", wanted or "latest"), {"format": "json"}
            )
        except NotFound:
            click.echo(f"There is no taxonomy {binding}; its codes are not judged.", err=True)
    return found


def _into_files(project: Project, into: Path, fetched: _Versions, *, force: bool) -> int:
    lock, kept, left = Lock.of(project), {}, []
    for subject, versions in fetched.items():
        place = into / f"{quote(subject, safe=' ')}.json"
        latest = versions[-1]
        if not force and _changed_here(place, lock.subjects.get(subject), latest["schema"]):
            left.append(str(place))
            continue
        write(place, latest["schema"])
        file = SchemaFile(_inside(project, place), subject, latest["schema"])
        kept[subject] = Locked.of(file, latest)
        click.echo(f"{place}: version {latest['version']} ({latest.get('semver')})")
    write(lock.place, lock.with_subjects(kept).text())
    for name in left:
        click.echo(
            f"{name} was changed here and is not registered: left as it is (--force overwrites it).", err=True
        )
    return FINDINGS if left else 0


def _changed_here(place: Path, locked: Locked | None, registered: str) -> bool:
    """Whether writing the registered text would lose somebody's work."""
    if not place.exists():
        return False
    try:
        digest = SchemaText.read(read_text(place)).digest
    except BadSchemaText:
        return True
    return digest != SchemaText.read(registered).digest and (locked is None or locked.hash != digest)


def _inside(project: Project, place: Path) -> str:
    """The path as the lock file has it. Raises click.UsageError for one outside of the project."""
    try:
        return place.resolve().relative_to(project.root.resolve()).as_posix()
    except ValueError:
        raise click.UsageError(f"{place} is outside of the project {project.root}.") from None
