"""Taking versions away, softly (hidden, number and id stay taken) and then for good, in Confluent's order of rules."""

from django.db import transaction
from django.utils import timezone

from access import audit
from access.actor import Actor
from registry.configure import rules_of
from registry.errors import (
    InvalidVersion,
    ReferenceExists,
    SubjectNotFound,
    SubjectNotSoftDeleted,
    SubjectSoftDeleted,
    VersionNotSoftDeleted,
    VersionSoftDeleted,
)
from registry.lookup import LATEST, find_version, parse_number, referrers_of
from registry.models import Configuration, Subject, Version
from registry.ranges import parse_semver


def delete_subject(*, actor: Actor, subject: str, permanent: bool = False) -> list[int]:
    """The numbers of the versions that went.

    Raises Forbidden, ReadOnly, ReferenceExists, SubjectNotFound, SubjectSoftDeleted, SubjectNotSoftDeleted.
    """
    actor.require("write", subject)
    with transaction.atomic():
        row = _locked(subject)
        rules_of(subject).require_writable(subject)
        versions = list(row.versions.order_by("number").select_related("subject"))
        live = [version for version in versions if version.deleted_at is None]
        gone = versions if permanent else live
        _refuse_referenced(actor, gone, permanent=permanent)
        if permanent and live:
            raise SubjectNotSoftDeleted(subject)
        if not permanent and not live:
            raise SubjectSoftDeleted(subject)
        _remove(actor, row, gone, permanent=permanent)
    return [version.number for version in gone]


def delete_version(*, actor: Actor, subject: str, version: str, permanent: bool = False) -> int:
    """Its number. `version`: "latest", "-1", a number or an exact SemVer; never a range, which would choose for the caller.

    Raises Forbidden, ReadOnly, ReferenceExists, SubjectNotFound, VersionNotFound, InvalidVersion,
    VersionSoftDeleted, VersionNotSoftDeleted.
    """
    actor.require("write", subject)
    if parse_number(version) is None and parse_semver(version) is None:
        raise InvalidVersion(version)
    with transaction.atomic():
        row = _locked(subject)
        rules_of(subject).require_writable(subject)
        found = _wanted(subject, version, permanent=permanent)
        _refuse_referenced(actor, [found], permanent=permanent)
        if permanent and found.deleted_at is None:
            raise VersionNotSoftDeleted(subject, found.number)
        if not permanent and found.deleted_at is not None:
            raise VersionSoftDeleted(subject, found.number)
        _remove(actor, row, [found], permanent=permanent)
    return found.number


def _locked(name: str) -> Subject:
    row = Subject.objects.select_for_update().filter(name=name).first()
    if row is None or not row.versions.exists():
        raise SubjectNotFound(name)
    return row


def _wanted(subject: str, version: str, *, permanent: bool) -> Version:
    """`latest` means the live one; a number may name a soft-deleted one, so that it can be told what it is."""
    if parse_number(version) == LATEST and not permanent:
        return find_version(subject, version)
    return find_version(subject, version, deleted=True)


def _refuse_referenced(actor: Actor, versions: list[Version], *, permanent: bool) -> None:
    """Uploads lock what they refer to: those under way have stored their references when the lock is ours."""
    going = {version.pk for version in versions}
    list(Version.objects.filter(pk__in=going).select_for_update(of=("self",)).order_by("pk"))
    for version in versions:
        users = referrers_of(version, deleted=permanent).exclude(pk__in=going).distinct()
        if hidden := users.count():
            readable = users.readable_by(actor).select_related("subject").order_by("subject__name", "number")
            hidden -= readable.count()
            told = [f"{user.subject.name} v{user.number}" for user in readable[:10]]
            raise ReferenceExists(version.subject.name, version.number, told, hidden=hidden)


def _remove(actor: Actor, subject: Subject, versions: list[Version], *, permanent: bool) -> None:
    told = {
        "versions": [version.number for version in versions],
        "semvers": [version.semver for version in versions],
    }
    chosen = Version.objects.filter(pk__in=[version.pk for version in versions])
    if permanent:
        # References among the versions that go together would otherwise protect each other.
        for version in versions:
            version.uses.all().delete()
        chosen.delete()
        ended = _forget_if_empty(subject)
    else:
        chosen.update(deleted_at=timezone.now())
        ended = not subject.versions.filter(deleted_at=None).exists()
    audit.record(
        actor=actor,
        action="version.deleted_permanently" if permanent else "version.deleted",
        target=f"subject/{subject.name}",
        # Whether it was the whole subject, or what was left of it.
        details={**told, "subject": ended},
    )


def _forget_if_empty(subject: Subject) -> bool:
    """With its last version a subject loses its rules and its settings: a new one by that name begins at 1."""
    if subject.versions.exists():
        return False
    Configuration.objects.filter(subject=subject.name).delete()
    subject.delete()
    return True
