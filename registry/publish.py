"""The one way in which a schema becomes a version: canonicalise, dedupe, resolve, validate, judge, label, store.

Reading and judging happen before the write transaction, on a snapshot of the subject; the transaction locks the
subject, looks whether the snapshot still holds, and otherwise starts over with what came in between.
"""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction

from access import audit
from access.actor import Actor
from compat import Note
from registry.assess import assess
from registry.canonical import storable
from registry.configure import rules_of
from registry.errors import Busy, Incompatible, Undecided
from registry.judge import Judgement, Proposal, Verdicts, second_opinions
from registry.models import Content, Reference, Subject, Version
from registry.names import check_subject_name
from registry.references import ReferenceTo
from registry.signals import version_published
from registry.snapshot import Snapshot, look_at, older_versions, rows_of, same_version
from registry.upload import Upload, read_upload
from registry.versioning import without_declared

# Each further attempt means that somebody else published under the same subject in between.
_ATTEMPTS = 60


@dataclass(frozen=True, slots=True)
class Published:
    """What an upload came to. `version` is None for a dry run that would make a new one."""

    subject: str
    version: Version | None
    number: int
    semver: str
    # None in a dry run of a schema that was never seen.
    content_id: int | None
    # False when this very schema was there already.
    created: bool
    # None when it was there already: nothing was judged.
    judgement: Judgement | None
    notes: tuple[Note, ...]


def publish_version(
    *,
    actor: Actor,
    subject: str,
    schema: str,
    references: Sequence[ReferenceTo] = (),
    metadata: dict[str, Any] | None = None,
    rule_set: dict[str, Any] | None = None,
    semver: str | None = None,
    note: str = "",
    dry_run: bool = False,
    force_undecided: bool = False,
) -> Published:
    """Publishes a schema text under a subject; publishing what is there already changes nothing.

    `force_undecided` takes the scope admin, and lets pass what could be neither proven nor refuted; nothing else.
    Raises Forbidden, InvalidSubject, InvalidSchema, InvalidReference, SchemaTooLarge, ReadOnly, Incompatible,
    Undecided, InvalidSemver, VersionTooLow, VersionTaken, Busy. A dry run raises the same and stores nothing.
    """
    check_subject_name(subject)
    actor.require("write", subject)
    if force_undecided:
        actor.require("admin", subject)
    read = partial(
        read_upload,
        actor=actor,
        subject=subject,
        schema=schema,
        references=references,
        metadata=metadata,
        rule_set=rule_set,
        semver=semver,
        note=note,
    )
    upload = read()
    verdicts: Verdicts | None = None
    opinions = None
    for _ in range(_ATTEMPTS):
        snapshot = look_at(upload)
        snapshot.rules.require_writable(subject)
        if same := same_version(upload, snapshot):
            return _found(upload, same)
        verdicts = (
            verdicts
            if verdicts and verdicts.rules == snapshot.rules
            else Verdicts(upload.document, snapshot.rules)
        )
        judgement = assess(upload, snapshot, verdicts)
        if opinions is None:
            opinions = second_opinions(_proposal(actor, upload, snapshot, judgement))
        judgement = replace(judgement, findings=opinions)
        _refuse(upload, snapshot, judgement, force_undecided=force_undecided)
        if dry_run:
            return _would_be(upload, snapshot, judgement)
        if version := _store(actor, upload, snapshot, judgement, forced=force_undecided):
            return _stored(upload, version, judgement)
        if references:
            # What they name may be gone, or be another version by now.
            upload, verdicts = read(), None
    raise Busy(
        f"Others published under '{subject}' {_ATTEMPTS} times while this schema was judged. Try again.",
        subject=subject,
        retry_after=1,
    )


def _proposal(actor: Actor, upload: Upload, snapshot: Snapshot, judgement: Judgement) -> Proposal:
    return Proposal(
        subject=upload.subject,
        older=older_versions([row.pk for row in snapshot.live]),
        new=upload.document,
        verdict=judgement,
        actor=actor,
        deadline=time.monotonic() + settings.UPLOAD_JUDGE_SECONDS,
    )


def _refuse(upload: Upload, snapshot: Snapshot, judgement: Judgement, *, force_undecided: bool) -> None:
    """Raises what the level, the policy and the declared label make of the verdicts."""
    if judgement.label.declared_major or judgement.status in {"first", "compatible"}:
        return
    told = f'an earlier schema for subject "{upload.subject}", details: {judgement.messages()}'
    facts = {**storable(judgement.as_dict()), "messages": judgement.messages()}
    if judgement.status == "incompatible":
        raise Incompatible(f"Schema being registered is incompatible with {told}", **facts)
    if not force_undecided and not _accepts_undecided(upload.subject):
        raise Undecided(
            f"It could be neither proven nor refuted that the schema being registered is compatible with {told}. "
            "Simplify the part named there, declare a new major version, let the subject accept undecided schemas in "
            "its settings, or have an administrator force this one (`?force=true`).",
            **facts,
        )


def _accepts_undecided(subject: str) -> bool:
    own = Subject.objects.filter(name=subject).values_list("accept_undecided", flat=True).first()
    return bool(settings.ACCEPT_UNDECIDED if own is None else own)


def _store(
    actor: Actor, upload: Upload, snapshot: Snapshot, judgement: Judgement, *, forced: bool
) -> Version | None:
    """The new version, or None when the subject, or what the schema refers to, is no longer what was judged."""
    with transaction.atomic():
        subject = _locked_subject(upload.subject)
        if (
            subject is None
            or rows_of(upload.subject) != snapshot.rows
            or rules_of(upload.subject) != snapshot.rules
            or not _locked_targets(upload)
        ):
            return None
        version = _written(actor, upload, snapshot, judgement, subject)
        audit.record(
            actor=actor,
            action="version.published",
            target=f"subject/{subject.name}",
            details={
                "version": version.number,
                "semver": version.semver,
                "id": version.content_id,
                **judgement.summary(),
            },
        )
        if forced and judgement.status == "undecided":
            _record_force(actor, version, judgement)
        transaction.on_commit(
            partial(version_published.send, sender=Version, subject=subject.name, version=version.number)
        )
    return version


def _record_force(actor: Actor, version: Version, judgement: Judgement) -> None:
    """Who let pass what nobody could prove, and what it was."""
    unproven = [f"version {pair.version}: {pair.verdict.proof}" for pair in judgement.pairs]
    audit.record(
        actor=actor,
        action="version.forced",
        target=f"subject/{version.subject.name}",
        details={"version": version.number, "undecided": storable(unproven)},
    )


def _locked_subject(name: str) -> Subject | None:
    """None when it was deleted for good between the two statements."""
    Subject.objects.bulk_create([Subject(name=name)], ignore_conflicts=True)
    return Subject.objects.select_for_update().filter(name=name).first()


def _locked_targets(upload: Upload) -> bool:
    """Whether all that the schema refers to is still live; from now on nobody deletes it before we are done."""
    wanted = {target.pk for _, target in upload.resolved.targets}
    locked = Version.objects.live().filter(pk__in=wanted).select_for_update(of=("self",), no_key=True)
    return not wanted or set(locked.order_by("pk").values_list("pk", flat=True)) == wanted


def _written(
    actor: Actor, upload: Upload, snapshot: Snapshot, judgement: Judgement, subject: Subject
) -> Version:
    previous = Version.objects.filter(pk=snapshot.live[0].pk).first() if snapshot.live else None
    version = Version.objects.create(
        subject=subject,
        number=snapshot.next_number,
        content=_content(upload),
        semver=str(judgement.label.semver),
        verdict=storable(judgement.as_dict()),
        metadata=_or_inherited(upload.metadata, without_declared(previous.metadata) if previous else None),
        rule_set=_or_inherited(upload.rule_set, previous.rule_set if previous else None),
        note=upload.note,
        published_by=actor.label,
    )
    Reference.objects.bulk_create(
        Reference(version=version, name=name, target=target) for name, target in upload.resolved.targets
    )
    return version


def _or_inherited(given: dict[str, Any] | None, before: dict[str, Any] | None) -> dict[str, Any] | None:
    return before if given is None else given


def _content(upload: Upload) -> Content:
    """The one row with this digest; looked for first, because a conflicting insert uses up an id."""
    wanted = Content.objects.filter(digest=upload.digest)
    found = wanted.first()
    if found is None:
        new = Content(
            digest=upload.digest,
            text=upload.text.text,
            dialect=upload.dialect,
            references=upload.resolved.as_stored(),
            guid=uuid.UUID(bytes=upload.digest[:16], version=5),
        )
        Content.objects.bulk_create([new], ignore_conflicts=True)
        found = wanted.get()
    return found


def _found(upload: Upload, version: Version) -> Published:
    return Published(
        upload.subject, version, version.number, version.semver, version.content_id, False, None, upload.notes
    )


def _stored(upload: Upload, version: Version, judgement: Judgement) -> Published:
    return Published(
        upload.subject,
        version,
        version.number,
        version.semver,
        version.content_id,
        True,
        judgement,
        upload.notes,
    )


def _would_be(upload: Upload, snapshot: Snapshot, judgement: Judgement) -> Published:
    return Published(
        upload.subject,
        None,
        snapshot.next_number,
        str(judgement.label.semver),
        snapshot.content_id,
        True,
        judgement,
        upload.notes,
    )
