"""The older side of a comparison: a commit, a file, a folder, a bundle."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from onex_sdk._cli import git
from onex_sdk._cli.bundle_file import bundled
from onex_sdk._cli.collection import Collection, SchemaFile
from onex_sdk._cli.exits import Impossible, WrongUsage
from onex_sdk._cli.project import Project, read_text

#: What `--against` says for the registry.
SERVER = "server"


def older(project: Project, against: str, chosen: Iterable[SchemaFile]) -> Collection:
    """What `against` names: `git:REVISION`, `file:PATH`, or either without its word; a file wins over a revision.

    Raises WrongUsage, Impossible.
    """
    kind, mark, name = against.partition(":")
    if mark and kind == "git":
        return git.at_revision(project, name, [file.path for file in chosen])
    if mark and kind == "file":
        return _at_path(project, name, list(chosen))
    if os.path.lexists(against):
        return _at_path(project, against, list(chosen))
    return git.at_revision(project, against, [file.path for file in chosen])


def _at_path(project: Project, name: str, chosen: list[SchemaFile]) -> Collection:
    place = Path(name)
    if place.is_dir():
        paths = sorted(path for path in place.rglob("*.json") if path.is_file())
        texts = [(path.relative_to(place).as_posix(), read_text(path)) for path in paths]
        if not texts:
            raise Impossible(f"There are no .json files in {name}.")
        return project.collected(name, texts)
    if not place.is_file():
        raise WrongUsage(f"There is no file or folder {name}.")
    if place.resolve() == (project.root / project.settings.bundle).resolve():
        return bundled(place)
    if len(chosen) != 1:
        raise WrongUsage(
            f"{name} is one schema, and {len(chosen)} are to be compared with it. Name the one, or a folder."
        )
    return Collection(name, (SchemaFile(name, chosen[0].subject, read_text(place)),), complete=False)
