"""Reading a folder of Snowplow's self-describing schemas: VENDOR/NAME/jsonschema/MODEL-REVISION-ADDITION.

SchemaVer counts what the author declares a change to be: MODEL breaks every reader, REVISION may break some,
ADDITION breaks none.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Change = Literal["model", "revision", "addition"]
_SCHEMAVER = re.compile(r"([1-9][0-9]{0,8})-([0-9]{1,9})-([0-9]{1,9})", re.ASCII)


class UnreadableFileError(Exception):
    """A file that is no self-describing schema; the message says why."""


@dataclass(frozen=True, slots=True, order=True)
class SchemaVer:
    model: int
    revision: int
    addition: int

    def __str__(self) -> str:
        return f"{self.model}-{self.revision}-{self.addition}"

    def since(self, older: "SchemaVer") -> Change:
        """What the author declares the step from an older version to be."""
        if self.model != older.model:
            return "model"
        return "revision" if self.revision != older.revision else "addition"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file. `note` says what was mended in its text."""

    file: Path
    vendor: str
    name: str
    version: SchemaVer
    text: str
    note: str = ""

    @property
    def subject(self) -> str:
        """Dots all the way, so that a role for `com.example.` is one for that vendor."""
        return f"{self.vendor}.{self.name}"

    @property
    def uri(self) -> str:
        return f"iglu:{self.vendor}/{self.name}/jsonschema/{self.version}"


def files_in(folder: Path) -> list[Path]:
    """Everything that lies where schemas do, in a stable order."""
    return sorted(file for file in folder.rglob("jsonschema/*-*-*") if file.is_file())


def read_file(file: Path) -> Entry:
    """Raises UnreadableFileError. Where a key occurs twice in one object the last counts, as JSON's parsers have it."""
    twice: list[str] = []
    try:
        text = file.read_text(encoding="utf-8")
        document = json.loads(text, object_pairs_hook=lambda pairs: _last_of_each(pairs, twice))
    except (OSError, ValueError, RecursionError) as problem:
        raise UnreadableFileError(f"It cannot be read as JSON: {problem}") from problem
    told = document.get("self") if isinstance(document, dict) else None
    if not isinstance(told, dict):
        raise UnreadableFileError('It does not describe itself: the member "self" is missing.')
    vendor, name, written = (told.get(key) for key in ("vendor", "name", "version"))
    if not (isinstance(vendor, str) and vendor and isinstance(name, str) and name):
        raise UnreadableFileError('"self" needs the names "vendor" and "name".')
    found = _SCHEMAVER.fullmatch(written) if isinstance(written, str) else None
    if found is None:
        raise UnreadableFileError(
            f'"self" says the version {written!r}, which is no MODEL-REVISION-ADDITION.'
        )
    lies_at = (*file.parts[-4:-2], file.name)
    if lies_at != (vendor, name, written):
        raise UnreadableFileError(
            f'"self" says {vendor}/{name} {written}, and the file lies at {lies_at[0]}/{lies_at[1]} {lies_at[2]}.'
        )
    version = SchemaVer(*map(int, found.groups()))
    if not twice:
        return Entry(file, vendor, name, version, text)
    note = f"The key '{twice[0]}' occurs twice in one object; the last one was taken."
    return Entry(file, vendor, name, version, json.dumps(document, indent=2, ensure_ascii=False), note)


def _last_of_each(pairs: list[tuple[str, Any]], twice: list[str]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice += [name for name in members if names.count(name) > 1]
    return members


def families(entries: list[Entry]) -> Iterator[list[Entry]]:
    """The versions of each schema, the oldest first."""
    by_subject: dict[str, list[Entry]] = {}
    for entry in entries:
        by_subject.setdefault(entry.subject, []).append(entry)
    for subject in sorted(by_subject):
        yield sorted(by_subject[subject], key=lambda entry: entry.version)
