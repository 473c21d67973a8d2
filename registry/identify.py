"""Which id a schema has in a context: the one it was given there before, else a new one that nothing ever had."""

import json
import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import connection

from access import prepared
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
# What Django has no words for: an insertion that yields to a row that is there, and says which of the two it was.
_INSERT_CONTENT = f"""
INSERT INTO registry_content (id, digest, text, dialect, "references", bindings, guid, created_at)
VALUES (coalesce(%s, nextval('{_SEQUENCE}')), %s, %s, %s, %s, %s, %s, coalesce(%s, now()))
ON CONFLICT DO NOTHING RETURNING id
"""  # noqa: S608 -- a constant
_INSERT_ID = """
INSERT INTO registry_schemaid (context, number, content_id, digest, guid, imported)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT DO NOTHING RETURNING id
"""
# Both at once, for a schema that is most probably new. A content that got no id keeps its row, and gets one like any other.
_INSERT_BOTH = f"""
WITH content AS ({_INSERT_CONTENT}), given AS (
    INSERT INTO registry_schemaid (context, number, content_id, digest, guid, imported)
    SELECT %s, id, id, %s, %s, false FROM content WHERE id <= {MAX_ID} ON CONFLICT DO NOTHING RETURNING id)
SELECT content.id, given.id FROM content LEFT JOIN given ON true
"""  # noqa: S608 -- constants


def id_given_already(upload: Upload, extras: Extras) -> int | None:
    """The id that this schema would be published under, if it has one in its context."""
    found = _known(upload.context, extras.identity(upload.digest))
    return upload.id or (found.number if found else None)


def identity_of(upload: Upload, extras: Extras, *, unseen: bool = False, normalize: bool = False) -> SchemaId:
    """To be called in the transaction that publishes. Raises IdMismatch, Busy.

    A content that was `unseen` a moment ago, anywhere, is most probably new: it is not looked for first.
    """
    row, digest = _row(upload, normalize=normalize or upload.normalize), extras.identity(upload.digest)
    if unseen and upload.id is None and (given := _inserted_both(row, upload.context, digest)):
        return given
    content = row if row.pk else kept_content(row, key=upload.id, unseen=unseen)
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
        if found := _inserted(context, number, content, digest) or _known(context, digest):
            return found
    raise Busy("No id is free for this schema at the moment. Try again.", retry_after=1)


def _imported(context: str, number: int, content: Content, digest: bytes) -> SchemaId:
    _inserted(context, number, content, digest, imported=True)
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


def _inserted(
    context: str, number: int, content: Content, digest: bytes, *, imported: bool = False
) -> SchemaId | None:
    """None when the number or the schema has its row already."""
    row = SchemaId(
        context=context,
        number=number,
        content=content,
        digest=digest,
        guid=guid_of(digest),
        imported=imported,
    )
    with prepared.cursor() as cursor:
        cursor.execute(_INSERT_ID, [context, number, content.pk, digest, str(row.guid), imported])
        row.pk = _returned(cursor)
    return row if row.pk else None


def _returned(cursor: Any) -> int | None:
    found = cursor.fetchone()
    return int(found[0]) if found else None


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
    _inserted(context, number, content, digest, imported=imported)
    found = SchemaId.objects.get(context=context, number=number)
    if bytes(found.digest) != digest or found.content_id != content.pk:
        raise IdMismatch(number, context)
    return found


def _row(upload: Upload, *, normalize: bool) -> Content:
    return Content(
        digest=upload.digest,
        text=upload.text.canonical.decode() if normalize else upload.text.text,
        dialect=upload.dialect,
        references=upload.resolved.as_stored(),
        bindings=[bound.as_dict() for bound in upload.bindings],
        guid=guid_of(upload.digest),
    )


def kept_content(row: Content, *, key: int | None, unseen: bool = False) -> Content:
    """The one row with this digest; looked for first where it may be, because a conflicting insert uses up an id."""
    found = None if unseen else _content_like(row)
    if found is None:
        # Its key is its id in as many contexts as possible.
        wishes = [key, None] if key is not None else [None]
        tried = (_inserted_content(row, wish) or _content_like(row) for wish in wishes)
        found = next(each for each in tried if each is not None)
    return found


def _content_like(row: Content) -> Content | None:
    return Content.objects.filter(digest=row.digest).first()


def _inserted_content(row: Content, key: int | None) -> Content | None:
    """The row with its key; None when the digest or the key has its row already."""
    with prepared.cursor() as cursor:
        cursor.execute(_INSERT_CONTENT, _values(row, key))
        row.pk = _returned(cursor)
    return row if row.pk else None


def _inserted_both(row: Content, context: str, digest: bytes) -> SchemaId | None:
    """The id of a content that is stored with it; None when one of the two was there, with the row's key if it is new."""
    guid = guid_of(digest)
    with prepared.cursor() as cursor:
        cursor.execute(_INSERT_BOTH, [*_values(row, None), context, digest, str(guid)])
        row.pk, given = cursor.fetchone() or (None, None)
    if given is None:
        return None
    return SchemaId(
        pk=given, context=context, number=row.pk, content=row, digest=digest, guid=guid, imported=False
    )


def _values(row: Content, key: int | None) -> list[Any]:
    return [
        key,
        row.digest,
        row.text,
        row.dialect,
        json.dumps(row.references),
        json.dumps(row.bindings),
        str(row.guid),
        # A new one has no time of its own yet.
        row.created_at if isinstance(row.created_at, datetime) else None,
    ]
