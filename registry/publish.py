"""The one way in which a schema becomes a version: canonicalise, dedupe, resolve, validate, judge, label, store.

Reading and judging happen before the write transaction, on a snapshot of the subject; the transaction locks the
subject, looks whether the snapshot still holds, and otherwise starts over with what came in between.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Unpack

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from access import audit, prepared
from access.actor import Actor
from compat import Note
from registry.assess import assess
from registry.canonical import storable
from registry.errors import (
    AlreadyPublished,
    ApprovalRequired,
    Busy,
    Incompatible,
    InvalidTransition,
    Undecided,
)
from registry.force import record_force
from registry.hold import must_wait, pending_for, request_approval
from registry.identify import id_given_already, identity_of
from registry.index import index_version
from registry.judge import Finding, Judgement, Proposal, Verdicts, second_opinions
from registry.keep_contexts import remember_context
from registry.lock_for_upload import locked_subject, locked_targets
from registry.metadata import Extras
from registry.models import Reference, SchemaId, Subject, Version
from registry.names import check_subject_name
from registry.numbering import make_room, number_of
from registry.references import ReferenceTo
from registry.signals import version_published
from registry.snapshot import Snapshot, look_at, same_draft, same_version, still_holds
from registry.study import going_on, start_studies
from registry.upload import Asked, Upload, read_upload

# Each further attempt means that somebody else published under the same subject in between.
_ATTEMPTS = 60


_OF_A_PROMOTION = ["semver", "verdict", "number", "state", "published_at", "identity", "metadata", "rule_set"]


@dataclass(frozen=True, slots=True)
class Published:
    """What an upload came to. `version` is None for a dry run that would make a new one."""

    subject: str
    version: Version | None
    number: int
    semver: str
    # Both None in a dry run of a schema that was never seen.
    content_id: int | None
    schema_id: int | None
    # False when this very schema was there already.
    created: bool
    # None when it was there already: nothing was judged.
    judgement: Judgement | None
    notes: tuple[Note, ...]
    # Of a dry run: publishing it would wait for a second person.
    waits: bool = False


@dataclass(frozen=True, slots=True)
class _Terms:
    """How an upload may end."""

    dry_run: bool = False
    # Nothing refuses it, and that is audited.
    force: bool = False
    # Judges that looked at a sample go on with everything.
    exact: bool = False
    # Judges of the layers above are not asked.
    quick: bool = False
    # It is kept as a draft, which nothing refuses.
    as_draft: bool = False
    # A second person let it pass.
    approved: bool = False
    # The draft that becomes active, instead of a new version.
    draft: Version | None = None
    # What else has to happen in the transaction that stores it.
    within: Callable[[], None] = lambda: None

    @property
    def passes(self) -> bool:
        return self.as_draft or self.approved or self.force


def publish_version(
    *,
    actor: Actor,
    subject: str,
    draft: bool = False,
    dry_run: bool = False,
    force: bool = False,
    exact: bool = False,
    quick: bool = False,
    **asked: Unpack[Asked],
) -> Published:
    """Publishes a schema text under a subject; publishing what is there already changes nothing.

    `force` takes the scope admin, lets pass what the level refuses, and is audited.
    With `exact`, judges that looked at a sample go on with all there is, in the background: a study. A `quick` dry run
    asks none of them, for whoever asks with every change they type.
    A `draft` is judged and kept, outside of everything that readers of the subject see, until it is activated.
    Raises Forbidden, InvalidSubject, InvalidSchema, InvalidRuleSet, InvalidReference, SchemaTooLarge, NotPermitted,
    NextVersionExpected, IdMismatch, Incompatible, Undecided, InvalidSemver, VersionTooLow, VersionTaken, Busy. A dry
    run raises the same and stores nothing.
    Raises ApprovalRequired after the upload was stored as a draft that waits for a second person.
    """
    check_subject_name(subject)
    actor.require("write", subject)
    if force:
        actor.require("admin", subject)
    read = partial(read_upload, actor=actor, subject=subject, **asked)
    terms = _Terms(dry_run=dry_run, force=force, as_draft=draft, exact=exact, quick=quick and dry_run)
    return _publish(actor, read, terms)


def activate_draft(
    *,
    actor: Actor,
    draft: Version,
    approved: bool = False,
    dry_run: bool = False,
    within: Callable[[], None] = lambda: None,
) -> Published:
    """Publishes a draft, judged against what is live now; its number and label may be higher than they were.

    `within` runs in the transaction that stores it. Raises as `publish_version` does, AlreadyPublished when a live
    version is this very schema, and InvalidTransition when it is no draft any more.
    """
    actor.require("write", draft.subject.name)
    label = draft.verdict.get("semver", {})
    read = partial(
        read_upload,
        actor=actor,
        subject=draft.subject.name,
        schema=draft.content.text,
        references=[ReferenceTo(**reference) for reference in draft.content.references],
        metadata=draft.metadata,
        rule_set=draft.rule_set,
        semver=draft.semver if label.get("declared") else None,
        note=draft.note,
    )
    published = _publish(actor, read, _Terms(dry_run, approved=approved, draft=draft, within=within))
    if not published.created:
        raise AlreadyPublished(published.subject, published.number)
    return published


def _publish(actor: Actor, read: Callable[[], Upload], terms: _Terms) -> Published:
    upload = read()
    verdicts: Verdicts | None = None
    opinions = None
    for _ in range(_ATTEMPTS):
        snapshot = look_at(upload)
        if same := _same(upload, snapshot, terms):
            return _stored(upload, same, None)
        upload.resolved.require_live()
        rules, demands = snapshot.rules, snapshot.demands
        rules.require_numbering(upload.subject, upload.id)
        number = number_of(upload, snapshot, draft=terms.draft)
        if verdicts is None or not verdicts.hold_for(rules, demands):
            verdicts = Verdicts(upload.document, rules, demands)
        judgement = assess(upload, snapshot, verdicts)
        if opinions is None:
            silent = rules.importing or terms.quick
            opinions = () if silent else _opinions(actor, upload, snapshot, judgement, exact=terms.exact)
        judgement = replace(judgement, findings=opinions)
        waits = _waits(snapshot, judgement, terms)
        if not (terms.passes or waits):
            _refuse(upload, judgement)
        if terms.dry_run:
            return _would_be(upload, snapshot, judgement, number, waits=waits)
        if version := _store(actor, upload, snapshot, judgement, terms, waits=waits):
            if waits:
                raise ApprovalRequired.of(pending_for(version))
            return _stored(upload, version, judgement)
        if upload.resolved.targets:
            # What they name may be gone, or be another version by now.
            upload, verdicts = read(), None
    raise Busy(
        f"Others published under '{upload.subject}' {_ATTEMPTS} times while this schema was judged. Try again.",
        subject=upload.subject,
        retry_after=1,
    )


def _same(upload: Upload, snapshot: Snapshot, terms: _Terms) -> Version | None:
    """The version that this upload would only repeat. Raises ApprovalRequired when that one still waits."""
    if found := same_version(upload, snapshot):
        return found
    kept = None if terms.draft or terms.dry_run else same_draft(upload, snapshot)
    if kept and not terms.as_draft and (waiting := pending_for(kept)):
        raise ApprovalRequired.of(waiting)
    return kept if terms.as_draft else None


def _waits(snapshot: Snapshot, judgement: Judgement, terms: _Terms) -> bool:
    """Whether a second person has to let it in; an import only repeats what was decided elsewhere."""
    asked = snapshot.demands.approval and not snapshot.rules.importing
    return asked and not terms.passes and must_wait(judgement)


def _opinions(
    actor: Actor, upload: Upload, snapshot: Snapshot, judgement: Judgement, *, exact: bool
) -> tuple[Finding, ...]:
    """What the judges find, and where those that need longer go on."""
    found = second_opinions(_proposal(actor, upload, snapshot, judgement))
    longer = {*found.unfinished, *(settings.UPLOAD_STUDIES if exact else ())}
    studies = start_studies(actor=actor, upload=upload, judges=sorted(longer)) if longer else []
    return (*found.findings, *(going_on(study) for study in studies))


def _proposal(actor: Actor, upload: Upload, snapshot: Snapshot, judgement: Judgement) -> Proposal:
    return Proposal(
        subject=upload.subject,
        older=snapshot.older([row.pk for row in snapshot.live]),
        new=upload.document,
        verdict=judgement,
        actor=actor,
        deadline=time.monotonic() + settings.UPLOAD_JUDGE_SECONDS,
    )


def _refuse(upload: Upload, judgement: Judgement) -> None:
    """Raises what the level, the policy and the declared label make of the verdicts."""
    if judgement.label.declared_major or judgement.status in {"first", "compatible"}:
        return
    told = f'an earlier schema for subject "{upload.subject}", details: {judgement.messages()}'
    facts = {**storable(judgement.as_dict()), "messages": judgement.messages()}
    if judgement.status == "incompatible":
        raise Incompatible(f"Schema being registered is incompatible with {told}", **facts)
    if not _accepts_undecided(upload.subject):
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
    actor: Actor, upload: Upload, snapshot: Snapshot, judgement: Judgement, terms: _Terms, *, waits: bool
) -> Version | None:
    """The new version, or None when the subject, or what the schema refers to, is no longer what was judged."""
    holds = partial(still_holds, upload, snapshot)
    with transaction.atomic():
        subject = locked_subject(upload.subject, seen=snapshot.seen.exists, worth_waiting=holds)
        if subject is None or not locked_targets(upload) or not holds():
            return None
        version = _written(actor, upload, snapshot, judgement, subject=subject, terms=terms, waits=waits)
        audit.record(
            actor=actor,
            action="version.drafted" if version.state == Version.State.DRAFT else "version.published",
            target=f"subject/{subject.name}",
            details={
                "version": version.number,
                "semver": version.semver,
                "id": version.identity.number,
                **judgement.summary(),
            },
        )
        if terms.force:
            record_force(actor, version, judgement, approval=snapshot.demands.approval)
        if waits:
            request_approval(actor=actor, draft=version)
        terms.within()
        if version.state == Version.State.ACTIVE:
            transaction.on_commit(
                partial(version_published.send, sender=Version, subject=subject.name, version=version.number)
            )
    return version


def _written(
    actor: Actor,
    upload: Upload,
    snapshot: Snapshot,
    judgement: Judgement,
    *,
    subject: Subject,
    terms: _Terms,
    waits: bool,
) -> Version:
    if terms.draft is not None:
        return _promoted(upload, terms.draft.pk, snapshot, judgement, waits=waits)
    number = number_of(upload, snapshot)
    extras, identity = _identified(upload, snapshot, snapshot.extras, number)
    if snapshot.rules.importing:
        make_room(subject, number)
    version = Version(
        subject=subject,
        number=number,
        content=identity.content,
        identity=identity,
        semver=str(judgement.label.semver),
        state=Version.State.DRAFT if waits or terms.as_draft else Version.State.ACTIVE,
        verdict=storable(judgement.as_dict()),
        metadata=extras.metadata,
        rule_set=extras.rule_set,
        note=upload.note,
        published_by=actor.label,
    )
    prepared.insert(version)
    if upload.resolved.targets:
        Reference.objects.bulk_create(
            Reference(version=version, name=name, target=target, range=upload.resolved.ranges.get(name, ""))
            for name, target in upload.resolved.targets
        )
    index_version(version, upload.document.value)
    remember_context(upload.context)
    return version


def _identified(upload: Upload, snapshot: Snapshot, extras: Extras, number: int) -> tuple[Extras, SchemaId]:
    """The metadata and rules of a version with that number, and the id that they make of its schema."""
    if not snapshot.rules.importing and (upload.number is not None or extras.follows_number):
        extras = extras.with_number(number)
    unseen = snapshot.content_id is None
    return extras, identity_of(upload, extras, unseen=unseen, normalize=snapshot.rules.normalize)


def _promoted(upload: Upload, key: int, snapshot: Snapshot, judgement: Judgement, *, waits: bool) -> Version:
    """The draft, active from now on and after all that became active before it; unless it has to wait."""
    draft = Version.objects.select_related("subject", "content", "identity").get(pk=key)
    if draft.state != Version.State.DRAFT or draft.deleted_at:
        raise InvalidTransition(draft.state, Version.State.ACTIVE, deleted=draft.deleted_at is not None)
    draft.semver, draft.verdict = str(judgement.label.semver), storable(judgement.as_dict())
    if not waits:
        draft.number = snapshot.number_for(draft)
        draft.state, draft.published_at = Version.State.ACTIVE, timezone.now()
        extras, draft.identity = _identified(upload, snapshot, snapshot.extras, draft.number)
        draft.metadata, draft.rule_set = extras.metadata, extras.rule_set
    draft.save(update_fields=_OF_A_PROMOTION)
    return draft


def _stored(upload: Upload, version: Version, judgement: Judgement | None) -> Published:
    """Without a judgement, what was there already."""
    return Published(
        upload.subject,
        version,
        version.number,
        version.semver,
        version.content_id,
        version.identity.number,
        judgement is not None,
        judgement,
        upload.notes,
    )


def _would_be(
    upload: Upload, snapshot: Snapshot, judgement: Judgement, number: int, *, waits: bool
) -> Published:
    return Published(
        upload.subject,
        None,
        number,
        str(judgement.label.semver),
        snapshot.content_id,
        id_given_already(upload, snapshot.extras),
        True,
        judgement,
        upload.notes,
        waits,
    )
