"""`onex diff`: what changed, in words, and which SemVer step that is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import click

from onex_sdk._cli.bundle_file import collection_of_versions
from onex_sdk._cli.collection import Collection, SchemaFile
from onex_sdk._cli.exits import CLEAN, FINDINGS, Impossible
from onex_sdk._cli.older import SERVER, older
from onex_sdk._cli.options import finished, json_option, server_of, url_option, with_progress
from onex_sdk._cli.project import Project
from onex_sdk._cli.schema_text import BadSchemaText
from onex_sdk._cli.server import path
from onex_sdk._cli.verdicts import Verdicts, verdicts
from onex_sdk._errors import NotFound


@click.command(short_help="What changed, in words.")
@click.argument("paths", nargs=-1)
@click.option(
    "--against", metavar="WHAT", help="A git revision, a file, a folder, or `server`. [onex.toml, or HEAD]"
)
@click.option("--exit-code", is_flag=True, help="Exit status 1 when something changed, as `git diff` has it.")
@url_option
@json_option
def diff(
    *, paths: tuple[str, ...], against: str | None, exit_code: bool, url: str | None, as_json: bool
) -> None:
    """Show what changed in schemas, in words, and the SemVer step that it asks for."""
    project = Project.here()
    judge = verdicts()
    everything, chosen = project.chosen(paths)
    against = against or project.settings.against
    old = _registered(project, url, chosen) if against == SERVER else older(project, against, chosen)
    found = [_compared(file, everything, old, judge) for file in with_progress(chosen, "Comparing")]
    if as_json:
        shown = [one.as_dict() for one in found if one.kind != "unchanged"]
        click.echo(json.dumps({"against": old.label, "schemas": shown}, indent=2, ensure_ascii=False))
    else:
        for one in found:
            for line in one.lines(old.label):
                click.echo(line)
    changed = any(one.kind != "unchanged" for one in found)
    finished(FINDINGS if exit_code and changed else CLEAN)


def _registered(project: Project, url: str | None, chosen: list[SchemaFile]) -> Collection:
    """The latest registered version of each subject, and what these refer to."""
    with server_of(project, url) as server:
        waiting: list[tuple[str, object]] = [(file.subject, "latest") for file in chosen]
        seen, found = set(waiting), []
        while waiting:
            for subject, wanted in with_progress(waiting, "Fetching"):
                with suppress(NotFound):
                    found.append(server.get(path("subjects", subject, "versions", wanted)))
            referred = {
                (one["subject"], one["version"]) for answer in found for one in answer.get("references", ())
            }
            waiting = sorted(referred - seen)
            seen |= referred
        return collection_of_versions(server.url, found)


@dataclass(frozen=True)
class _Difference:
    file: SchemaFile
    #: `new`, `unchanged`, `changed`.
    kind: str
    changes: tuple[dict[str, Any], ...] = ()
    step: dict[str, Any] | None = None

    def lines(self, label: str) -> Iterator[str]:
        name = f"{click.style(self.file.subject, bold=True)} ({self.file.path})"
        if self.kind == "new":
            yield f"{name}: not in {label}"
        if self.step is None:
            return
        yield f"{name}: {self.step['level']}: {self.step['reason']}"
        if witness := self.step["witness"]:
            yield f"    such as {json.dumps(witness['instance'], ensure_ascii=False)}"
        for change in self.changes:
            mark = click.style("!", fg="red") if change["breaks"] else "·"
            line, _ = self.file.schema.place(change["new_pointer"])
            yield f"    {mark} line {line}: {change['sentence']} [{change['kind']}]"

    def as_dict(self) -> dict[str, Any]:
        return {
            "file": self.file.path,
            "subject": self.file.subject,
            "status": self.kind,
            "step": self.step,
            "changes": list(self.changes),
        }


def _compared(file: SchemaFile, everything: Collection, old: Collection, judge: Verdicts) -> _Difference:
    """Raises Impossible where one of the two is no schema."""
    before = old.like(file)
    if before is None:
        return _Difference(file, "new")
    try:
        stores = {"old_store": old.store(before), "new_store": everything.store(file)}
        pair = (before.schema.value, file.schema.value)
        if before.schema.digest == file.schema.digest and stores["old_store"] == stores["new_store"]:
            return _Difference(file, "unchanged")
    except BadSchemaText as bad:
        raise Impossible(
            f"{file.path} or its older self cannot be read: {bad}. `onex lint` says where."
        ) from bad
    verdict = judge.judge(*pair, mode="full", world="declared", formats=False, **stores)
    if verdict["status"] == "invalid":
        raise Impossible(
            f"{file.path}, the {verdict['which']} one of the two, is no schema: {verdict['message']}"
        )
    return _Difference(file, "changed", tuple(verdict["changes"]), judge.advise(*pair, **stores))
