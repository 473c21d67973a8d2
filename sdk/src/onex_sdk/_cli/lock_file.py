"""`onex.lock`: the hash of every schema as it was last pushed or pulled, kept in version control."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from onex_sdk._cli.collection import SchemaFile
from onex_sdk._cli.exits import Impossible
from onex_sdk._cli.findings import Finding, Outcome, Place
from onex_sdk._cli.project import Project, read_text
from onex_sdk._cli.schema_text import BadSchemaText

_EDITION = 1


@dataclass(frozen=True)
class Locked:
    """What is registered of a subject; without a version, the schema has never been registered as it is."""

    file: str
    hash: str
    version: int | None = None
    semver: str | None = None
    id: int | None = None

    @property
    def is_code(self) -> bool:
        """Whether it was pushed from a class, whose place is `module:Class`, and not from a file."""
        return ":" in self.file

    @classmethod
    def of(cls, file: SchemaFile, answer: Mapping[str, Any]) -> Locked:
        return cls(
            file.path, file.schema.digest, answer.get("version"), answer.get("semver"), answer.get("id")
        )


@dataclass(frozen=True)
class Lock:
    place: Path
    subjects: Mapping[str, Locked] = field(default_factory=dict)

    @classmethod
    def of(cls, project: Project) -> Lock:
        """Empty where there is no file yet. Raises Impossible for one that cannot be read."""
        place = project.root / project.settings.lock
        if not place.exists():
            return cls(place)
        try:
            subjects = json.loads(read_text(place))["subjects"]
            return cls(place, {name: Locked(**held) for name, held in subjects.items()})
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            raise Impossible(
                f"{place} cannot be read: {problem!r}. After a merge conflict, `onex lock` makes it anew."
            ) from problem

    def with_subjects(self, changed: Mapping[str, Locked]) -> Lock:
        return Lock(self.place, {**self.subjects, **changed})

    def text(self) -> str:
        """Sorted, one member a line, so that git shows and merges it well."""
        held = {
            name: {key: value for key, value in asdict(locked).items() if value is not None}
            for name, locked in sorted(self.subjects.items())
        }
        document = {"lock": _EDITION, "subjects": held}
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"

    def renewed(self, files: Iterable[SchemaFile]) -> Lock:
        """What the files say now; a version is kept where the schema still is that one. Raises BadSchemaText."""
        of_code = {name: locked for name, locked in self.subjects.items() if locked.is_code}
        return Lock(self.place, {**of_code, **{file.subject: self._renewed(file) for file in files}})

    def _renewed(self, file: SchemaFile) -> Locked:
        known = self.subjects.get(file.subject)
        if known is not None and known.hash == file.schema.digest:
            return Locked(file.path, known.hash, known.version, known.semver, known.id)
        return Locked(file.path, file.schema.digest)

    def compared(self, files: Iterable[SchemaFile]) -> list[Outcome]:
        """Where the files and the lock disagree."""
        listed = list(files)
        outcomes = [self._compared(file) for file in listed]
        of_files = {name for name, locked in self.subjects.items() if not locked.is_code}
        gone = sorted(of_files - {file.subject for file in listed})
        return outcomes + [
            _outcome(
                self.subjects[name].file,
                name,
                "gone",
                f"it is in {self.place.name}, and there is no such schema",
            )
            for name in gone
        ]

    def _compared(self, file: SchemaFile) -> Outcome:
        known = self.subjects.get(file.subject)
        if known is None:
            return _outcome(file.path, file.subject, "not locked", f"it is not in {self.place.name}")
        try:
            digest = file.schema.digest
        except BadSchemaText as bad:
            finding = Finding(
                "invalid-json", "error", file.path, file.subject, Place(str(bad), bad.line, bad.column)
            )
            return Outcome.of(file, "invalid", [finding])
        if known.hash != digest:
            version = f"version {known.version}" if known.version else "the version"
            return _outcome(
                file.path, file.subject, "changed", f"it differs from {version} in {self.place.name}: push it"
            )
        if known.file != file.path:
            return _outcome(file.path, file.subject, "moved", f"{self.place.name} says {known.file}")
        return Outcome.of(file, "locked")


def _outcome(path: str, subject: str, status: str, sentence: str) -> Outcome:
    return Outcome(path, subject, status, (Finding("out-of-date", "error", path, subject, Place(sentence)),))
