"""Letting a migration in, approving it, and taking it out of use. What was let in is kept as it was."""

import json
from dataclasses import dataclass, field

from django.db import IntegrityError, transaction
from django.utils import timezone

from access import audit
from access.actor import Actor
from registry.canonical import storable
from registry.configure import rules_of
from registry.errors import (
    Busy,
    InvalidMigration,
    MigrationExists,
    MigrationNotFound,
    MigrationNotWaiting,
    MigrationRefused,
    OwnApproval,
    SubjectNotFound,
)
from registry.lookup import find_version
from registry.migration_steps import Program, read_program, steps_as_text
from registry.migration_trial import Tried, try_out
from registry.models import Subject, Version, VersionMigration, VersionMigrationQuerySet

State = VersionMigration.State
MAX_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Proposed:
    """A migration as somebody wrote it. `source` and `target` are whatever names a version."""

    source: str
    target: str
    up: object
    down: object = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Registered:
    """What came of it. `migration` is None for a dry run of one that is not there."""

    migration: VersionMigration | None
    source: Version
    target: Version
    created: bool = False
    tried: list[Tried] = field(default_factory=list)

    @property
    def accepted(self) -> bool:
        return all(found.failure is None for found in self.tried)


def register_migration(
    *, actor: Actor, subject: str, proposed: Proposed, replace: bool = False, dry_run: bool = False
) -> Registered:
    """Tries it, and lets it in when no instance speaks against it. The same one again changes nothing.

    Where a subject asks for approval it waits for a second person. `replace` retires the one that leads there now.
    Raises Forbidden, ReadOnly, SubjectNotFound, VersionNotFound, InvalidMigration, MigrationRefused, MigrationExists, Busy.
    """
    actor.require("write", subject)
    source, target = _ends(subject, proposed)
    up, down = _programs(proposed)
    present = _same_as(proposed, source, target)
    if present is not None:
        return Registered(present, source, target)
    tried = try_out("up", source, target, up)
    if down is not None:
        tried += try_out("down", target, source, down)
    if dry_run:
        return Registered(None, source, target, tried=tried)
    _refuse_failed(actor, subject, source, target, tried)
    try:
        return _store(actor, subject, proposed, (source, target), tried, replace=replace)
    except IntegrityError as lost:
        raise Busy(
            "Somebody registered or retired a migration of this subject at this moment. Try again."
        ) from lost


def find_migration(*, actor: Actor, subject: str, number: int) -> VersionMigration:
    """Raises Forbidden, MigrationNotFound."""
    actor.require("read", subject)
    found = VersionMigration.objects.of(subject).select_related("subject").filter(number=number).first()
    if found is None:
        raise MigrationNotFound(subject, number)
    return found


def migrations_of(*, actor: Actor, subject: str) -> VersionMigrationQuerySet:
    """The newest first, retired ones included. Raises Forbidden, SubjectNotFound."""
    actor.require("read", subject)
    if not Subject.objects.filter(name=subject).exists():
        raise SubjectNotFound(subject)
    return VersionMigration.objects.of(subject).select_related("subject").order_by("-number")


def approve_migration(*, actor: Actor, subject: str, number: int) -> VersionMigration:
    """A second person's word: it takes the place of the one that led there. Raises what `retire_migration` does, and
    OwnApproval, MigrationNotWaiting."""
    actor.require("write", subject)
    with transaction.atomic():
        found = _locked(subject, number)
        if actor.user is None or actor.user.pk == found.creator_id:
            raise OwnApproval(
                "Somebody else than who registered it has to approve, and it has to be a person."
            )
        if found.state != State.PENDING:
            raise MigrationNotWaiting(number, found.state)
        for old in VersionMigration.objects.active().filter(source=found.source, target=found.target):
            _retire(actor, old)
        _decide(actor, found, State.ACTIVE)
        _record(actor, "migration.approved", found)
    return found


def retire_migration(*, actor: Actor, subject: str, number: int) -> VersionMigration:
    """Out of use: events are not read through it any more. It stays to be looked at, and its number stays taken.

    Raises Forbidden, ReadOnly, SubjectNotFound, MigrationNotFound.
    """
    actor.require("write", subject)
    with transaction.atomic():
        found = _locked(subject, number)
        if found.state != State.RETIRED:
            _retire(actor, found)
    return found


def _ends(subject: str, proposed: Proposed) -> tuple[Version, Version]:
    """Events of an archived version are still there to be read; what they become is live."""
    source = find_version(subject, proposed.source, deleted=True)
    if source.deleted_at is not None or source.state == Version.State.DRAFT:
        raise InvalidMigration(f"version {source.semver} is deleted or a draft", pointer="/from")
    target = find_version(subject, proposed.target)
    if source.pk == target.pk:
        raise InvalidMigration("it leads from a version to itself", pointer="/to")
    return source, target


def _programs(proposed: Proposed) -> tuple[Program, Program | None]:
    size = len(json.dumps([proposed.up, proposed.down]))
    if storable([proposed.up, proposed.down]) != [proposed.up, proposed.down]:
        raise InvalidMigration("U+0000 and half of a surrogate pair cannot be kept", pointer="/up")
    if size > MAX_BYTES:
        raise InvalidMigration(f"its steps have {size:,} bytes; {MAX_BYTES:,} are allowed", pointer="/up")
    up = read_program(proposed.up, member="up")
    return up, None if proposed.down is None else read_program(proposed.down, member="down")


def _same_as(proposed: Proposed, source: Version, target: Version) -> VersionMigration | None:
    there = VersionMigration.objects.filter(source=source, target=target).exclude(state=State.RETIRED)
    wanted = steps_as_text([proposed.up, proposed.down])
    same = (row for row in there.select_related("subject") if steps_as_text([row.up, row.down]) == wanted)
    return next(same, None)


def _refuse_failed(actor: Actor, subject: str, source: Version, target: Version, tried: list[Tried]) -> None:
    failed = [found for found in tried if found.failure is not None]
    if not failed:
        return
    first = failed[0]
    assert first.failure is not None
    ends = (source.semver, target.semver) if first.direction == "up" else (target.semver, source.semver)
    shown = actor.may("read", subject)
    raise MigrationRefused(
        f"From {ends[0]} to {ends[1]}: {first.failure.instance} fails at {first.failure.pointer or '/'}: "
        f"{first.failure.message}. {first.failure.hint} Looked at: {first.sentence}.",
        subject=subject,
        failures=[
            {"direction": found.direction, "what": found.what, **found.failure.as_dict(shown=shown)}
            for found in failed
            if found.failure is not None
        ],
        tried=[found.as_dict() for found in tried],
    )


def _store(
    actor: Actor,
    subject: str,
    proposed: Proposed,
    ends: tuple[Version, Version],
    tried: list[Tried],
    *,
    replace: bool,
) -> Registered:
    source, target = ends
    with transaction.atomic():
        # Numbers are given out under this lock, and nobody else registers the same meanwhile.
        row = _locked_subject(subject)
        if (present := _same_as(proposed, source, target)) is not None:
            return Registered(present, source, target)
        waits = row.needs_approval
        _make_room(actor, subject, ends, waits=waits, replace=replace)
        last = VersionMigration.objects.filter(subject=row).order_by("-number").first()
        made = VersionMigration.objects.create(
            subject=row,
            number=last.number + 1 if last else 1,
            source=source,
            target=target,
            up=proposed.up,
            down=proposed.down,
            state=State.PENDING if waits else State.ACTIVE,
            evidence=[found.as_dict() for found in tried],
            note=proposed.note,
            created_by=actor.label,
            creator=actor.user,
        )
        _record(actor, "migration.registered", made)
    made.refresh_from_db(fields=["created_at"])
    return Registered(made, source, target, created=True, tried=tried)


def _make_room(
    actor: Actor, subject: str, ends: tuple[Version, Version], *, waits: bool, replace: bool
) -> None:
    """Raises MigrationExists for one that leads the same way, unless it is to be replaced."""
    there = VersionMigration.objects.filter(source=ends[0], target=ends[1]).exclude(state=State.RETIRED)
    for old in there.select_related("subject", "source", "target"):
        if not replace:
            raise MigrationExists(subject, ends[0].semver, ends[1].semver, old.number)
        # While its successor waits, the one that is approved goes on.
        if not (waits and old.state == State.ACTIVE):
            _retire(actor, old)


def _locked_subject(subject: str) -> Subject:
    row = Subject.objects.select_for_update().filter(name=subject).first()
    if row is None:
        raise SubjectNotFound(subject)
    rules_of(subject).require_writable(subject)
    return row


def _locked(subject: str, number: int) -> VersionMigration:
    _locked_subject(subject)
    found = VersionMigration.objects.of(subject).select_related("subject").filter(number=number).first()
    if found is None:
        raise MigrationNotFound(subject, number)
    return found


def _retire(actor: Actor, row: VersionMigration) -> None:
    _decide(actor, row, State.RETIRED)
    _record(actor, "migration.retired", row)


def _decide(actor: Actor, row: VersionMigration, state: str) -> None:
    row.state, row.decided_by, row.decided_at = state, actor.label, timezone.now()
    row.save(update_fields=["state", "decided_by", "decided_at"])


def _record(actor: Actor, action: str, row: VersionMigration) -> None:
    audit.record(
        actor=actor,
        action=action,
        target=f"subject/{row.subject.name}",
        details={
            "migration": row.number,
            "from": row.source.semver,
            "to": row.target.semver,
            "state": row.state,
        },
    )
