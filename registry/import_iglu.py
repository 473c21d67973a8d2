"""Importing self-describing schemas with their history: the author's declared change beside the computed verdict.

SemVer labels stay what they are everywhere here: computed, or a declared major. SchemaVer's MODEL declares a major; a
REVISION or ADDITION that the verdict takes for breaking gets a major too, and is a contradiction that is listed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import transaction
from semver import Version as SemVer

from access.actor import Actor
from access.errors import ProductError
from registry.declared_changes import CHANGE, URI, VERSION, contradiction_of
from registry.errors import ImportRefused, Incompatible, NothingToImport, Undecided
from registry.iglu import Entry, SchemaVer, UnreadableFileError, families, files_in, read_file
from registry.models import Version
from registry.publish import Published, publish_version

#: Told after each file: (files done, files in all).
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Imported:
    """One version that was added, or would be."""

    entry: Entry
    semver: str
    # None for a first version.
    declared: str | None
    required: str | None
    # "breaks", "unproven", "milder", or "" where author and verdict agree.
    contradiction: str


@dataclass(slots=True)
class Report:
    """What an import came to. `failed` holds (file, sentence)."""

    files: int = 0
    added: list[Imported] = field(default_factory=list)
    present: int = 0
    failed: list[tuple[Path, str]] = field(default_factory=list)

    @property
    def pairs(self) -> int:
        """Versions that follow another."""
        return sum(one.declared is not None for one in self.added)

    def contradicting(self, declared: str, kind: str) -> int:
        return sum(one.declared == declared and one.contradiction == kind for one in self.added)


def import_iglu(
    *, actor: Actor, folder: Path, dry_run: bool = False, progress: Progress = lambda _done, _of: None
) -> Report:
    """Publishes what is under a folder and not here yet; again changes nothing. One bad file stops only its own schema.

    A dry run does the same and takes it back, schema by schema. Raises Forbidden and NothingToImport.
    """
    actor.require("write")
    files = files_in(folder)
    if not files:
        raise NothingToImport(folder)
    report = Report(files=len(files))
    entries = [entry for file in files if (entry := _read(file, report)) is not None]
    done = len(report.failed)
    for family in families(entries):
        if dry_run:
            with transaction.atomic():
                _import_family(actor, family, report)
                transaction.set_rollback(True)
        else:
            _import_family(actor, family, report)
        done += len(family)
        progress(done, len(files))
    return report


def _read(file: Path, report: Report) -> Entry | None:
    try:
        return read_file(file)
    except UnreadableFileError as problem:
        report.failed.append((file, str(problem)))
        return None


def _import_family(actor: Actor, family: Sequence[Entry], report: Report) -> None:
    """Oldest first. After a version that fails, the later ones would be compared with the wrong one: they wait."""
    known = _known(family[0].subject)
    before: SchemaVer | None = None
    for entry in family:
        if known.get(entry.uri) == entry.text:
            report.present += 1
        else:
            try:
                _check_order(entry, known)
                report.added.append(_import(actor, entry, before))
            except ProductError as refusal:
                report.failed.append((entry.file, refusal.message))
                report.failed += [
                    (later.file, f"It waits for {entry.version}, which could not be imported.")
                    for later in family
                    if later.version > entry.version
                ]
                return
        before = entry.version


def _known(subject: str) -> dict[str, str]:
    """What was imported before, deleted versions included: Iglu's address → the text. A draft still waits for somebody."""
    rows = Version.objects.filter(subject__name=subject, metadata__properties__has_key=URI)
    rows = rows.exclude(state=Version.State.DRAFT)
    return {
        row.metadata["properties"][URI]: row.content.text
        for row in rows.select_related("content")
        if row.metadata
    }


def _check_order(entry: Entry, known: dict[str, str]) -> None:
    if entry.uri in known:
        raise ImportRefused(
            f"{entry.version} was imported with another text. A published version never changes."
        )
    imported = [SchemaVer(*map(int, uri.rpartition("/")[2].split("-"))) for uri in known]
    if later := [version for version in imported if version > entry.version]:
        raise ImportRefused(f"{entry.version} comes before {min(later)}, which is imported already.")


def _import(actor: Actor, entry: Entry, before: SchemaVer | None) -> Imported:
    declared = entry.version.since(before) if before else None
    properties = {URI: entry.uri, VERSION: str(entry.version)} | ({CHANGE: declared} if declared else {})

    def publish(semver: str | None) -> Published:
        return publish_version(
            actor=actor,
            subject=entry.subject,
            schema=entry.text,
            metadata={"properties": properties},
            semver=semver,
            note=f"Imported from {entry.uri}. {entry.note}".strip(),
        )

    try:
        published = publish(_next_major(entry.subject) if declared == "model" else None)
    except (Incompatible, Undecided):
        published = publish(_next_major(entry.subject))
    required = published.judgement.label.required if published.judgement else None
    facts: dict[str, Any] = published.judgement.label.as_dict() if published.judgement else {}
    return Imported(
        entry,
        published.semver,
        declared,
        required.level if required else None,
        contradiction_of(declared, facts),
    )


def _next_major(subject: str) -> str | None:
    latest = Version.objects.live().filter(subject__name=subject).order_by("number").last()
    return str(SemVer.parse(latest.semver).bump_major()) if latest else None
