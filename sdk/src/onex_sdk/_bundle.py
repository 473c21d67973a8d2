"""Schemas in a file, for judging events where the registry cannot be asked: what `onex pull` writes.

Plain JSON, made to be kept in version control:

    {"subjects": {"NODE_START": {"versions": [{"version": 1, "semver": "1.0.0", "id": 3, "schema": "…", …}]}},
     "taxonomies": {"onex-errors@^1": {"taxonomy": "onex-errors", "version": "1.2.0", …}}}

A version is what the registry answers under `/subjects/{subject}/versions/{number}`, unchanged; `version` and
`schema` have to be there. A taxonomy stands under what `x-taxonomy` says in the schemas, and is the `document` that
the registry answers under `/taxonomies/{name}/versions/{range}`. Subjects that schemas refer to are in it like any other.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from onex_sdk._errors import BadAnswer, UnusableBundle
from onex_sdk._schemas import SchemaVersion, version_of


@dataclass(frozen=True)
class Bundle:
    """The versions of each subject, the oldest first, and taxonomies by what `x-taxonomy` says."""

    subjects: Mapping[str, tuple[SchemaVersion, ...]]
    taxonomies: Mapping[str, Mapping[str, Any]]


def read_bundle(path: str | os.PathLike[str]) -> Bundle:
    """Raises UnusableBundle, which says where, for a file that is not there or not a bundle."""
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnusableBundle(f"{os.fspath(path)} cannot be read as a bundle of schemas: {error}") from error
    return bundle_of(document, name=os.fspath(path))


def bundle_of(document: Any, *, name: str = "The bundle") -> Bundle:
    """Raises UnusableBundle, which begins with `name` and says where."""
    if not isinstance(document, dict):
        raise UnusableBundle(f"{name} is no JSON object.")
    subjects = _object(document.get("subjects"), "/subjects", name)
    taxonomies = _object(document.get("taxonomies", {}), "/taxonomies", name)
    for binding, taxonomy in taxonomies.items():
        _object(taxonomy, f"/taxonomies/{binding}", name)
    return Bundle({subject: _versions(subject, held, name) for subject, held in subjects.items()}, taxonomies)


def _versions(subject: str, held: Any, name: str) -> tuple[SchemaVersion, ...]:
    place = f"/subjects/{subject}"
    listed = _object(held, place, name).get("versions")
    if not isinstance(listed, list):
        raise UnusableBundle(f"{name} is no bundle of schemas: {place}/versions is no array.")
    versions = [
        _version(subject, answer, f"{place}/versions/{index}", name) for index, answer in enumerate(listed)
    ]
    return tuple(sorted(versions, key=lambda version: version.number))


def _version(subject: str, answer: Any, place: str, name: str) -> SchemaVersion:
    try:
        return version_of({"id": 0, **answer, "subject": subject})
    except (BadAnswer, TypeError) as error:
        raise UnusableBundle(f"{name} is no bundle of schemas: {place} has no version and schema.") from error


def _object(value: Any, place: str, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UnusableBundle(f"{name} is no bundle of schemas: {place} is no object.")
    return value
