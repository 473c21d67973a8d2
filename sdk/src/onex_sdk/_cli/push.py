"""`onex push`: register schemas."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from onex_sdk._cli.check import refused
from onex_sdk._cli.code_first import collection_of, event_types
from onex_sdk._cli.collection import Collection, SchemaFile, referenced_first
from onex_sdk._cli.exits import Impossible
from onex_sdk._cli.findings import Finding, Outcome, Place, Report
from onex_sdk._cli.judging import unreadable_now
from onex_sdk._cli.lock_file import Lock, Locked
from onex_sdk._cli.options import report_options, server_of, shown, url_option, with_progress, write
from onex_sdk._cli.project import Project
from onex_sdk._cli.publishing import body_of, whole_body_of
from onex_sdk._cli.schema_text import BadSchemaText
from onex_sdk._cli.server import Server, path
from onex_sdk._errors import Refused
from onex_sdk._models import EventType

_UNPROCESSABLE = 422


@click.command(short_help="Register schemas.")
@click.argument("paths", nargs=-1)
@click.option("--module", help="Classes decorated with @event in this module, instead of schema files.")
@click.option("--dry-run", is_flag=True, help="Say what would happen, and register nothing.")
@click.option("--semver", help="Declare the version, for instance a new major. Only with one schema.")
@click.option("--note", default="", help="Why it changed; kept with the version.")
@click.option("--draft", is_flag=True, help="Keep it as a draft, which no event is judged by yet.")
@url_option
@report_options
def push(
    *,
    paths: tuple[str, ...],
    module: str | None,
    dry_run: bool,
    semver: str | None,
    note: str,
    draft: bool,
    url: str | None,
    output_format: str,
    output: Path | None,
    strict: bool,
) -> None:
    """Register schemas, those first that others refer to, and write the lock file.

    The registry judges each by its subject's rules; what it refuses is shown with the counterexample, and the others go
    on. Pushing what is registered already changes nothing.
    """
    project = Project.here()
    if module and paths:
        raise click.UsageError("PATHS or --module: choose one.")
    everything, chosen = _of_module(module) if module else project.chosen(paths)
    kinds = {kind.name: kind for kind in event_types(module)} if module else {}
    if semver and len(chosen) != 1:
        raise click.UsageError(f"--semver is for one schema, and {len(chosen)} are to be pushed.")
    declared = {"semver": semver, "note": note, "state": "draft" if draft else None}
    said = {name: value for name, value in declared.items() if value}
    lock, locked, outcomes = Lock.of(project), {}, []
    with server_of(project, url) as server:
        for file in with_progress(_ordered(everything, chosen), "Pushing"):
            outcome, entry = _pushed(server, file, everything, said, dry_run=dry_run)
            outcomes.append(outcome if entry is None else _within(outcome, entry, kinds.get(file.subject)))
            if entry is not None:
                locked[file.subject] = entry
        target = server.url
    if locked:
        write(lock.place, lock.with_subjects(locked).text())
    shown(
        Report("push", tuple(outcomes), target, folder=project.folder), output_format, output, strict=strict
    )


def _within(outcome: Outcome, entry: Locked, kind: EventType | None) -> Outcome:
    """With a warning where the class says that it is written for another version than it has become."""
    if kind is None or entry.semver is None or kind.admits(entry.semver):
        return outcome
    place = Place(f"it is {entry.semver} now, which is not {kind.version}: mend the version in @event")
    told = Finding("advice", "warning", outcome.file, outcome.subject, place)
    return replace(outcome, findings=(*outcome.findings, told))


def _of_module(module: str) -> tuple[Collection, list[SchemaFile]]:
    everything = collection_of(module)
    return everything, list(everything.files)


def _posted(
    server: Server, file: SchemaFile, everything: Collection, said: dict[str, str], *, dry_run: bool
) -> dict[str, Any]:
    """Raises Refused."""
    address, query = path("subjects", file.subject, "versions"), {"dryRun": dry_run}
    body = {**body_of(file, everything), **said}
    try:
        return dict(server.post(address, body, query))
    except Refused as refusal:
        # What it refers to may be new as well, and a dry run did not register that.
        if not (dry_run and body["references"] and refusal.status == _UNPROCESSABLE):
            raise
    return dict(server.post(address, {**whole_body_of(file, everything), **said}, query))


def _ordered(everything: Collection, chosen: list[SchemaFile]) -> list[SchemaFile]:
    """Those first that others refer to; as given where some cannot be read, which is then told file by file."""
    try:
        return referenced_first(everything, chosen)
    except BadSchemaText:
        return chosen


def _pushed(
    server: Server, file: SchemaFile, everything: Collection, said: dict[str, str], *, dry_run: bool
) -> tuple[Outcome, Locked | None]:
    unreadable = unreadable_now(file, everything)
    if unreadable:
        return unreadable, None
    try:
        answer = _posted(server, file, everything, said, dry_run=dry_run)
    except Refused as refusal:
        return refused(file, refusal), None
    if "version" not in answer:
        raise Impossible(
            f"{server.url} does not answer as an Onex Registry: it has no version for {file.subject}."
        )
    name = f"version {answer['version']} ({answer['semver']})"
    if answer.get("approval_needed"):
        return Outcome.of(file, f"{'would wait' if dry_run else 'waits'} for approval as {name}"), None
    if not answer["created"]:
        status = f"registered already as {name}"
    else:
        status = f"{'would become' if dry_run else 'registered as'} {name}"
    return Outcome.of(file, status), None if dry_run else Locked.of(file, answer)
