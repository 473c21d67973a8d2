"""Imports that go on in the background: beginning one, looking at it, ending it, and doing for real what was tried."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from access import audit
from access.actor import Actor
from access.errors import SecretLost
from access.outbound import check_target
from access.sealed import require_known
from registry import contexts
from registry.import_errors import ArchiveTooLarge, ImportNotFound, ImportNotRepeatable, RegistryUnusable
from registry.import_registry import Where
from registry.models import ArchivePart, CatalogueImport
from registry.names import check_subject_name
from registry.remote_registry import Credentials
from registry.signals import import_wanted

_PART_BYTES = 1024 * 1024
# What was uploaded for a dry run is kept for so long, in case it is wanted for real.
_KEPT = timedelta(days=1)


def imports_for(actor: Actor) -> QuerySet[CatalogueImport]:
    """Raises Forbidden: what comes in may be anything."""
    actor.require_everywhere("admin")
    return CatalogueImport.objects.all()


def find_import(actor: Actor, import_id: int) -> CatalogueImport:
    """Raises Forbidden, ImportNotFound."""
    found = imports_for(actor).filter(pk=import_id).first()
    if found is None:
        raise ImportNotFound(import_id)
    return found


def start_archive_import(
    *, actor: Actor, name: str, pieces: Iterable[bytes], dry_run: bool
) -> CatalogueImport:
    """Keeps the archive; a worker looks into it. Raises Forbidden, ArchiveTooLarge."""
    actor.require_everywhere("admin")
    with transaction.atomic():
        _forget_old()
        row = _row(actor, CatalogueImport.Kind.ARCHIVE, name[:200] or "archive.zip", dry_run=dry_run)
        row.save()
        total = 0
        for number, part in enumerate(_parts(pieces)):
            total += len(part)
            if total > settings.CATALOGUE_MAX_BYTES:
                limit = settings.CATALOGUE_MAX_BYTES
                raise ArchiveTooLarge(f"more than {limit:,} bytes", limit, "CATALOGUE_MAX_BYTES")
            ArchivePart.objects.create(belongs_to=row, number=number, body=part)
        _started(actor, row)
    return row


def start_registry_import(
    *, actor: Actor, where: Where, credentials: Credentials, dry_run: bool
) -> CatalogueImport:
    """Raises Forbidden, TargetRefused, InvalidSubject."""
    actor.require_everywhere("admin")
    check_target(where.url)
    check_subject_name(f"{contexts.qualifier(where.into)}any")
    with transaction.atomic():
        _forget_old()
        row = _row(actor, CatalogueImport.Kind.REGISTRY, where.url[:2000], dry_run=dry_run)
        row.options = {"subject_prefix": where.subject_prefix, "into": where.into}
        row.secret = json.dumps(asdict(credentials))
        row.save()
        _started(actor, row)
    return row


def repeat_for_real(*, actor: Actor, import_id: int) -> CatalogueImport:
    """What a dry run tried. Raises Forbidden, ImportNotFound, ImportNotRepeatable."""
    tried = find_import(actor, import_id)
    with transaction.atomic():
        tried = CatalogueImport.objects.select_for_update().get(pk=tried.pk)
        kept = tried.secret or tried.parts.exists()
        if not (tried.dry_run and tried.state == CatalogueImport.State.COMPLETED and kept):
            raise ImportNotRepeatable(tried.pk)
        row = _row(actor, tried.kind, tried.source, dry_run=False)
        row.options, row.secret = tried.options, tried.secret
        row.save()
        tried.parts.update(belongs_to=row)
        CatalogueImport.objects.filter(pk=tried.pk).update(secret="")
        _started(actor, row)
    return row


def cancel_import(*, actor: Actor, import_id: int) -> CatalogueImport:
    """Ends it; subjects that came in stay. Cancelling one that has ended changes nothing."""
    found = find_import(actor, import_id)
    with transaction.atomic():
        running = CatalogueImport.objects.filter(pk=found.pk, state=CatalogueImport.State.RUNNING)
        ended = {"state": CatalogueImport.State.CANCELLED, "finished_at": timezone.now(), "secret": ""}
        if running.update(epoch=F("epoch") + 1, leased_until=None, **ended):
            found.parts.all().delete()
            audit.record(
                actor=actor, action="import.cancelled", target="instance", details={"import": found.pk}
            )
    found.refresh_from_db()
    return found


def may_be_repeated(row: CatalogueImport) -> bool:
    tried = row.dry_run and row.state == CatalogueImport.State.COMPLETED
    return tried and bool(row.secret or row.parts.exists())


def credentials_of(row: CatalogueImport) -> Credentials:
    """Raises RegistryUnusable when they were sealed with another SECRET_KEY."""
    try:
        return Credentials(**json.loads(require_known(row.secret)))
    except (SecretLost, ValueError) as bad:
        raise RegistryUnusable("SECRET_KEY was changed meanwhile. Start the import again.") from bad


def _row(actor: Actor, kind: str, source: str, *, dry_run: bool) -> CatalogueImport:
    return CatalogueImport(kind=kind, source=source, dry_run=dry_run, created_by=actor.label, user=actor.user)


def _started(actor: Actor, row: CatalogueImport) -> None:
    details: dict[str, object] = {
        "import": row.pk,
        "kind": row.kind,
        "source": row.source,
        "dry_run": row.dry_run,
        **row.options,
    }
    audit.record(actor=actor, action="import.started", target="instance", details=details)
    transaction.on_commit(partial(import_wanted.send, sender=CatalogueImport))


def _forget_old() -> None:
    """Archives and secrets that a dry run left, and that nobody came back for."""
    old = CatalogueImport.objects.filter(finished_at__lt=timezone.now() - _KEPT)
    ArchivePart.objects.filter(belongs_to__in=old).delete()
    old.exclude(secret="").update(secret="")


def _parts(pieces: Iterable[bytes]) -> Iterator[bytes]:
    waiting = bytearray()
    for piece in pieces:
        waiting += piece
        while len(waiting) >= _PART_BYTES:
            yield bytes(waiting[:_PART_BYTES])
            del waiting[:_PART_BYTES]
    if waiting:
        yield bytes(waiting)
