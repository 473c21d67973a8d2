"""The number of a new version: the next one, or the one that an import brings along."""

from registry.errors import NextVersionExpected, NotPermitted, ReferenceExists
from registry.lookup import LATEST, referrers_of
from registry.models import Subject, Version
from registry.snapshot import Snapshot
from registry.upload import Upload


def number_of(upload: Upload, snapshot: Snapshot, *, draft: Version | None = None) -> int:
    """Raises NextVersionExpected, and NotPermitted for an import over a version that is not deleted."""
    if upload.number is None or upload.number == LATEST:
        return snapshot.number_for(draft)
    if not snapshot.rules.importing and upload.number != snapshot.number_for(None):
        raise NextVersionExpected(upload.number, expected=snapshot.number_for(None))
    if any(row.number == upload.number and not row.deleted for row in snapshot.rows):
        raise NotPermitted.number_taken(upload.subject, upload.number)
    return upload.number


def make_room(subject: Subject, number: int) -> None:
    """An import takes over the number of a soft-deleted version, which goes for good. Raises ReferenceExists."""
    row = Version.objects.filter(subject=subject, number=number, deleted_at__isnull=False).first()
    if row is None:
        return
    if users := referrers_of(row, deleted=True).count():
        raise ReferenceExists(subject.name, number, [], hidden=users)
    row.uses.all().delete()
    row.delete()
