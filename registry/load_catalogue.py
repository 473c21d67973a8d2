"""Loading the ONEX catalogue: the envelope, the event types and the error codes that come with the product.

Every start calls it. What is there already is left as it is: an operator may have deprecated, deleted or added
versions, and settings of a subject are given only when the catalogue itself brings the subject.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from django.db import transaction

from access.actor import Actor
from access.errors import ProductError
from registry.edit_subject import SubjectSettings, edit_subject
from registry.models import Subject, TaxonomyVersion, Version
from registry.publish import publish_version
from registry.taxonomy import publish_taxonomy

FOLDER = Path(__file__).parent / "onex"
NOTE = "Comes with the product"
ENVELOPE = "onex.envelope"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of the catalogue: what it is called, and as which version."""

    name: str
    semver: str
    file: Path

    def __str__(self) -> str:
        return f"{self.name} {self.semver}"


@dataclass(slots=True)
class Loaded:
    """What a load came to; `refused` holds sentences about what could not be added."""

    added: list[str] = field(default_factory=list)
    present: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def schema_entries() -> Iterator[Entry]:
    """The catalogue's schemas, per subject the oldest first."""
    for file in sorted(FOLDER.glob("*-*.json")):
        kind, _, semver = file.stem.partition("-")
        if kind != "errors":
            yield Entry(ENVELOPE if kind == "envelope" else kind.upper(), semver, file)


def taxonomy_entries() -> Iterator[Entry]:
    """The catalogue's taxonomies, the oldest first."""
    for file in sorted(FOLDER.glob("errors-*.json")):
        yield Entry("onex-errors", file.stem.partition("-")[2], file)


def load_onex_catalogue(*, actor: Actor) -> Loaded:
    """Publishes what the catalogue has and the registry has not, deleted versions included. Raises Forbidden."""
    actor.require_everywhere("write")
    loaded = Loaded()
    # First: schemas are bound to them.
    load_missing(
        loaded, list(taxonomy_entries()), _published_taxonomies(), lambda entry: _add_taxonomy(actor, entry)
    )
    entries = list(schema_entries())
    load_missing(loaded, entries, published_among(entries), lambda entry: _add_schema(actor, entry))
    return loaded


def load_missing(
    loaded: Loaded, entries: list[Entry], published: set[tuple[str, str]], add: Callable[[Entry], None]
) -> None:
    """Adds what is not published yet, and notes what became of each entry."""
    for entry in entries:
        if (entry.name, entry.semver) in published:
            loaded.present.append(str(entry))
            continue
        try:
            add(entry)
        except ProductError as refusal:
            # Somebody's own versions may stand in the way; the rest of the catalogue is still wanted.
            loaded.refused.append(f"{entry}: {refusal.message}")
        else:
            loaded.added.append(str(entry))


def published_among(entries: list[Entry]) -> set[tuple[str, str]]:
    """Names and SemVers of the versions that these subjects have, deleted ones included."""
    names = {entry.name for entry in entries}
    return set(Version.objects.filter(subject__name__in=names).values_list("subject__name", "semver"))


def _published_taxonomies() -> set[tuple[str, str]]:
    return set(TaxonomyVersion.objects.values_list("taxonomy__name", "semver"))


def _add_schema(actor: Actor, entry: Entry) -> None:
    text = entry.file.read_text(encoding="utf-8")
    # Together: a start that is killed in between must not leave a subject without its settings for ever.
    with transaction.atomic():
        new = not Subject.objects.filter(name=entry.name).exists()
        publish_version(actor=actor, subject=entry.name, schema=text, semver=entry.semver, note=_note(entry))
        if new:
            settings = _settings(json.loads(text)["description"])
            edit_subject(actor=actor, subject=entry.name, settings=settings)


def _note(entry: Entry) -> str:
    """What people read beside the version: which members it adds to the one before."""
    versions = [other for other in schema_entries() if other.name == entry.name]
    before = versions[: versions.index(entry)]
    if not before:
        return NOTE
    known = _members(before[-1])
    return f"{NOTE}; adds {', '.join(name for name in _members(entry) if name not in known)}"


def _members(entry: Entry) -> list[str]:
    return list(json.loads(entry.file.read_text(encoding="utf-8"))["properties"])


def _settings(description: str) -> SubjectSettings:
    return SubjectSettings(
        owner="ONEX",
        description=description,
        strict=False,
        # ONEX 1.0.0 producers send no schema_version; their events are to be read as what they were written for.
        version_when_absent="1.0.0",
        retention_days=None,
        accept_undecided=None,
    )


def _add_taxonomy(actor: Actor, entry: Entry) -> None:
    publish_taxonomy(actor=actor, document=json.loads(entry.file.read_text(encoding="utf-8")), note=NOTE)
