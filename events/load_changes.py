"""Registering the subjects of the product's own events, and of OpenTelemetry's records. Every start calls it; what is there is left as it is."""

import json
from pathlib import Path

from django.db import transaction

from access import audit
from access.actor import Actor
from access.models import AuditEntry
from events.changes import schema_files
from events.models import ChangeCursor
from registry.edit_subject import SubjectSettings, edit_subject
from registry.load_catalogue import NOTE, Entry, Loaded, load_missing, published_among
from registry.models import Subject
from registry.publish import publish_version

OTLP = Path(__file__).parent / "otlp" / "schemas"


def load_change_subjects(*, actor: Actor) -> Loaded:
    """Publishes the schemas that are missing; from the first time on, changes become events. Raises Forbidden.

    What was published before then is no change: a new instance begins with an empty log.
    """
    actor.require_everywhere("write")
    loaded = Loaded()
    entries = [
        Entry(event_type, semver, file)
        for event_type, versions in schema_files().items()
        for semver, file in versions.items()
    ]
    entries += [
        Entry(name, semver, file)
        for file in sorted(OTLP.glob("*.json"))
        for name, _, semver in [file.stem.rpartition("-")]
    ]
    load_missing(loaded, entries, published_among(entries), lambda entry: _add(actor, entry))
    if not ChangeCursor.objects.exists():
        audit.chain_all()
        last = AuditEntry.objects.filter(link__isnull=False).order_by("-link").first()
        ChangeCursor.objects.bulk_create(
            [ChangeCursor(link=(last.link or 0) if last else 0)], ignore_conflicts=True
        )
    return loaded


def _add(actor: Actor, entry: Entry) -> None:
    text = entry.file.read_text(encoding="utf-8")
    # Together: a start that is killed in between must not leave a subject without its settings for ever.
    with transaction.atomic():
        new = not Subject.objects.filter(name=entry.name).exists()
        publish_version(actor=actor, subject=entry.name, schema=text, semver=entry.semver, note=NOTE)
        if new:
            edit_subject(actor=actor, subject=entry.name, settings=_settings(json.loads(text)["description"]))


def _settings(description: str) -> SubjectSettings:
    return SubjectSettings(
        owner="Onex Registry",
        description=description,
        strict=False,
        version_when_absent="latest",
        retention_days=None,
        accept_undecided=None,
    )
