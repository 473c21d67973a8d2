"""What judges events in tests: the bundle, the schema files that the lock file vouches for, or a registry."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from onex_sdk._bundle import Bundle, read_bundle
from onex_sdk._cli.collection import Collection, SchemaFile
from onex_sdk._cli.lock_file import Lock, Locked
from onex_sdk._cli.project import Project
from onex_sdk._client import RegistryClient
from onex_sdk._dead_letters import DeadLetters
from onex_sdk._judging import Judge
from onex_sdk._rulings import Rulings
from onex_sdk._schemas import Reference, Schema, SchemaVersion
from onex_sdk._stats import Stats

_REASONS = {
    "": "",
    "not_known_yet": "there is no such event type",
    "unknown_event_type": "there is no such event type",
    "unknown_schema_version": "its event type has no such schema_version",
    "unusable_schema": "its schema cannot be used",
}


class NothingToJudgeBy(Exception):
    """Says how to get something."""


@dataclass(frozen=True)
class Rehearsal:
    """Says of each event what the registry would say against it."""

    rulings: Rulings
    #: Why a subject cannot be judged by its schema file: the lock file says something else.
    stale: Mapping[str, str]
    asks_registry: bool = False

    def objections(self, event: Mapping[str, Any]) -> list[str]:
        """Sentences; none when the registry would have nothing to say."""
        event_type, label = str(event.get("event_type")), event.get("schema_version") or ""
        if event_type in self.stale:
            return [self.stale[event_type]]
        if self.asks_registry:
            self.rulings.prepare(event_type, str(label))
            if self.rulings.problem:
                raise NothingToJudgeBy(f"The registry cannot be asked: {self.rulings.problem}")
        judge = Judge(self.rulings, Stats(), DeadLetters(None, 0, Stats()), strict=True)
        judgement = judge.judge(event)
        reason = _REASONS.get(judgement.reason, "")
        told = [f"{problem.pointer or '(root)'}: {problem.message}" for problem in judgement.problems]
        return [*([reason] if reason else []), *told]


def by_registry() -> Rehearsal:
    """The one that `ONEX_URL` and `ONEX_TOKEN` name. Raises NothingToJudgeBy."""
    url = os.environ.get("ONEX_URL", "")
    if not url:
        raise NothingToJudgeBy("Which registry judges? Set ONEX_URL and ONEX_TOKEN.")
    return Rehearsal(Rulings(RegistryClient(url, os.environ.get("ONEX_TOKEN", ""))), {}, asks_registry=True)


def by_files(project: Project, bundle: Path | None) -> Rehearsal:
    """What `onex pull` fetched, and the project's schema files as `onex.lock` knows them.

    Raises NothingToJudgeBy where there is neither, and UnusableBundle, Impossible, BadSchemaText.
    """
    place = bundle or project.root / project.settings.bundle
    lock = Lock.of(project)
    if not place.exists() and not lock.place.exists():
        raise NothingToJudgeBy(
            f"There is nothing to judge events by: neither {place.name} (`onex pull` writes it) nor {lock.place.name} "
            "(`onex lock`). With the setting onex_judge = false they are only captured."
        )
    held = read_bundle(place) if place.exists() else Bundle({}, {})
    files = project.everything if lock.place.exists() else Collection("", ())
    known = {file.subject: file for file in files.files if _vouched(lock, file)}
    stale = {
        file.subject: f"its schema {file.path} is not the one in {lock.place.name}: `onex lock` or `onex push` it"
        for file in files.files
        if file.subject not in known
    }
    subjects = {**held.subjects}
    for version in _versions(files, known, lock, held):
        subjects[version.subject] = (*subjects.get(version.subject, ()), version)
    return Rehearsal(Rulings(None, Bundle(subjects, held.taxonomies)), stale)


def _vouched(lock: Lock, file: SchemaFile) -> bool:
    locked = lock.subjects.get(file.subject)
    return locked is not None and locked.hash == file.schema.digest


def _versions(
    files: Collection, known: Mapping[str, SchemaFile], lock: Lock, held: Bundle
) -> Iterator[SchemaVersion]:
    """The files as versions beside those of the bundle; a file that is one of these is that one."""
    placed = {name: _placed(file, lock.subjects[name], held) for name, file in known.items()}
    for name, file in known.items():
        if placed[name].number in {version.number for version in held.subjects.get(name, ())}:
            continue
        references = tuple(
            Reference(said, other.subject, placed[other.subject].number)
            for said, other in files.references(file).items()
            if other.subject in placed
        )
        version = placed[name]
        yield replace(version, schema=replace(version.schema, references=references))


def _placed(file: SchemaFile, locked: Locked, held: Bundle) -> SchemaVersion:
    """With the number that the lock file says, or the next one where the schema was never pushed."""
    latest = max((version.number for version in held.subjects.get(file.subject, ())), default=0)
    number = locked.version or latest + 1
    semver = locked.semver or f"{_major(file.subject, held)}.{number}.0"
    return SchemaVersion(file.subject, number, semver, Schema(locked.id or 0, file.text))


def _major(subject: str, held: Bundle) -> int:
    """What is not registered yet is taken as of the same major as the latest version."""
    semvers = [version.semver for version in held.subjects.get(subject, ()) if version.semver]
    return int(semvers[-1].partition(".")[0]) if semvers else 1
