"""Versions as the registry answers them: in the file that `onex pull` writes, and as the older side of a comparison."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from onex_sdk._bundle import read_bundle
from onex_sdk._cli.collection import Collection, SchemaFile
from onex_sdk._cli.exits import Impossible
from onex_sdk._errors import UnusableBundle

Answer = Mapping[str, Any]


def bundle_text(subjects: Mapping[str, list[dict[str, Any]]], taxonomies: Mapping[str, Any]) -> str:
    """Sorted, so that the same catalogue gives the same file."""
    held = {name: {"versions": versions} for name, versions in sorted(subjects.items())}
    document = {"subjects": held, **({"taxonomies": dict(sorted(taxonomies.items()))} if taxonomies else {})}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def bundled(place: Path) -> Collection:
    """The latest version of each subject. Raises Impossible for a file that is no bundle."""
    try:
        subjects = read_bundle(place).subjects
    except UnusableBundle as problem:
        raise Impossible(str(problem)) from problem
    answers = [
        {
            "subject": version.subject,
            "version": version.number,
            "schema": version.schema.text,
            "references": [vars(reference) for reference in version.schema.references],
        }
        for versions in subjects.values()
        for version in versions
    ]
    return collection_of_versions(str(place), answers)


def collection_of_versions(label: str, versions: Iterable[Answer]) -> Collection:
    """Each subject in its latest version, and every version for those that refer to it."""
    files: dict[str, SchemaFile] = {}
    for version in sorted(versions, key=lambda version: int(version["version"])):
        subject, text = str(version["subject"]), str(version["schema"])
        named = {
            one["name"]: _numbered(one["subject"], one["version"]) for one in version.get("references", ())
        }
        for key in (subject, _numbered(subject, version["version"])):
            files[key] = SchemaFile(key, key, text, named)
    return Collection(label, tuple(files.values()), complete=False)


def _numbered(subject: str, number: object) -> str:
    """A name that no subject of a project has."""
    return f"{subject}\0{number}"
