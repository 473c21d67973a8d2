"""Which id a schema has in a context: the one it was given there before, else a new one that nothing ever had."""

import uuid
from collections.abc import Iterable

from django.db import connection

from registry.errors import Busy, IdMismatch
from registry.metadata import Extras
from registry.models import Content, SchemaId
from registry.upload import Upload

#: Clients put ids on the wire in four bytes.
MAX_ID = 2**31 - 1
# Ids below are stepped over by the sequence; one beyond would leave it no room, and is avoided when its turn comes.
_SEQUENCE_FOLLOWS = 2**30
_SEQUENCE = "registry_content_id_seq"
# One import at a time moves the sequence; any number is as good as another as long as only this module takes it.
_MOVING_LOCK = 7_265_002
_ATTEMPTS = 100


def id_given_already(upload: Upload, extras: Extras) -> int | None:
    """The id that this schema would be published under, if it has one in its context."""
    found = _known(upload.context, extras.identity(upload.digest))
    return upload.id or (found.number if found else None)


def identity_of(upload: Upload, extras: Extras, *, unseen: bool = False, normalize: bool = False) -> SchemaId:
    """To be called in the transaction that publishes. Raises IdMismatch, Busy.

    A content that was `unseen` a moment ago, anywhere, is most probably new: it is not looked for first.
    """
    content = _content(upload, unseen=unseen, normalize=normalize or upload.normalize)
    digest = extras.identity(upload.digest)
    if upload.id is not None:
        return _imported(upload.context, upload.id, content, digest)
    known = None if unseen else _known(upload.context, digest)
    return known or _new(upload.context, content, digest)


def _known(context: str, digest: bytes) -> SchemaId | None:
    given = SchemaId.objects.filter(context=context, digest=digest).select_related("content")
    return given.order_by("imported", "pk").first()


def _new(context: str, content: Content, digest: bytes) -> SchemaId:
    """The unique constraints decide between uploads at the same moment."""
    for attempt in range(_ATTEMPTS):
        number = content.pk if attempt == 0 else _next_number()
        if number > MAX_ID:
            break
        _insert(context, number, content, digest)
        if found := _known(context, digest):
            return found
    raise Busy("No id is free for this schema at the moment. Try again.", retry_after=1)


def _imported(context: str, number: int, content: Content, digest: bytes) -> SchemaId:
    _insert(context, number, content, digest, imported=True)
    _move_sequence(number)
    row = SchemaId.objects.select_for_update(of=("self",)).select_related("content")
    found = row.get(context=context, number=number)
    if bytes(found.digest) != digest:
        # Other metadata of the same schema may take over an id that no live version has any more.
        if found.content_id != content.pk or found.versions.filter(deleted_at__isnull=True).exists():
            raise IdMismatch(number, context)
        found.digest, found.guid = digest, guid_of(digest)
        found.imported = True
        found.save(update_fields=["digest", "guid", "imported"])
    return found


def _insert(context: str, number: int, content: Content, digest: bytes, *, imported: bool = False) -> None:
    row = SchemaId(
        context=context,
        number=number,
        content=content,
        digest=digest,
        guid=guid_of(digest),
        imported=imported,
    )
    SchemaId.objects.bulk_create([row], ignore_conflicts=True)


def guid_of(digest: bytes) -> uuid.UUID:
    return uuid.UUID(bytes=digest[:16], version=5)


def _next_number() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(%s::regclass)", [_SEQUENCE])
        return int(cursor.fetchone()[0])


def _move_sequence(number: int) -> None:
    """Only forward. Should it still be too low, the unique constraint finds out and the next one is tried."""
    if number >= _SEQUENCE_FOLLOWS:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_MOVING_LOCK])
        cursor.execute(
            f"SELECT setval(%s::regclass, %s) FROM {_SEQUENCE} WHERE last_value < %s",  # noqa: S608 -- a constant
            [_SEQUENCE, number, number],
        )


def step_over(numbers: Iterable[int]) -> None:
    """New ids come after these from now on, as far as the sequence can go."""
    following = [number for number in numbers if number < _SEQUENCE_FOLLOWS]
    if following:
        _move_sequence(max(following))


def restored_id(*, context: str, number: int, content: Content, digest: bytes, imported: bool) -> SchemaId:
    """Exactly this id with exactly this meaning, as it was elsewhere; call `step_over` before.

    Raises IdMismatch when it means something else here.
    """
    if not imported and SchemaId.objects.filter(context=context, digest=digest, imported=False).exists():
        # The schema got an id here already, which clients will go on to be given.
        imported = True
    _insert(context, number, content, digest, imported=imported)
    found = SchemaId.objects.get(context=context, number=number)
    if bytes(found.digest) != digest or found.content_id != content.pk:
        raise IdMismatch(number, context)
    return found


def _content(upload: Upload, *, unseen: bool, normalize: bool) -> Content:
    row = Content(
        digest=upload.digest,
        text=upload.text.canonical.decode() if normalize else upload.text.text,
        dialect=upload.dialect,
        references=upload.resolved.as_stored(),
        bindings=[bound.as_dict() for bound in upload.bindings],
        guid=guid_of(upload.digest),
    )
    return kept_content(row, key=upload.id, unseen=unseen)


def kept_content(row: Content, *, key: int | None, unseen: bool = False) -> Content:
    """The one row with this digest; looked for first where it may be, because a conflicting insert uses up an id."""
    wanted = Content.objects.filter(digest=row.digest)
    found = None if unseen else wanted.first()
    if found is None:
        # Its key is its id in as many contexts as possible.
        for wished in (key, None):
            row.pk = wished
            Content.objects.bulk_create([row], ignore_conflicts=True)
            found = wanted.first()
            if found is not None:
                break
        assert found is not None
    return found
