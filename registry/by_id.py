"""Schemas by the id that clients put on the wire, or by their guid."""

import uuid

from django.db.models import Max

from access.actor import Actor
from access.errors import Forbidden
from registry import contexts
from registry.errors import SchemaNotFound
from registry.identify import MAX_ID
from registry.models import SchemaId, Version, VersionQuerySet


def users_of_id(number: int, context: str = contexts.DEFAULT) -> VersionQuerySet:
    """The versions under this id, soft-deleted ones included: the id goes on meaning its schema."""
    return Version.objects.filter(identity__context=context, identity__number=min(number, MAX_ID + 1))


def newest_of(versions: VersionQuerySet) -> Version | None:
    """The newest, a live one before deleted ones."""
    return versions.order_by("-deleted_at", "-pk").first()


def find_by_id(*, actor: Actor, number: int, subject: str = "") -> Version:
    """One of the versions under the id in the subject's context that the actor may read; they all are the same schema.

    A subject without a context is first looked for in the default one, then in every other. Raises SchemaNotFound,
    Forbidden.
    """
    found = _meant(actor, number, subject)
    readable = found.readable_by(actor).select_related("content", "identity", "subject")
    version = newest_of(readable)
    if version is not None:
        return version
    if not found.exists():
        raise SchemaNotFound.with_id(number)
    raise Forbidden(f"Schema {number} belongs to subjects that you may not read.", scope="read", id=number)


def _meant(actor: Actor, number: int, subject: str) -> VersionQuerySet:
    context, name = contexts.split(subject)
    users = users_of_id(number, context)
    if not name:
        return users
    under_it = users.filter(subject__name=subject)
    if context != contexts.DEFAULT or under_it.exists():
        return under_it
    elsewhere = Version.objects.readable_by(actor).filter(
        identity__number=min(number, MAX_ID + 1), subject__name__endswith=f":{name}"
    )
    names = elsewhere.values_list("subject__name", flat=True)
    named = {found for found in names if found.startswith(":.") and contexts.split(found)[1] == name}
    if not named:
        return users
    first = min(named)
    return users_of_id(number, contexts.context_of(first)).filter(subject__name=first)


def ids_of_guid(*, actor: Actor, guid: str) -> list[SchemaId]:
    """The ids of one schema in every context, as far as the actor may read a subject there. Raises SchemaNotFound, Forbidden."""
    try:
        wanted = uuid.UUID(guid)
    except ValueError as bad:
        raise SchemaNotFound.with_guid(guid) from bad
    used = Version.objects.filter(identity__guid=wanted)
    found = SchemaId.objects.filter(pk__in=used.readable_by(actor).values("identity"))
    listed = list(found.order_by("context", "number"))
    if listed:
        return listed
    if used.exists():
        raise Forbidden(f"Schema {guid} belongs to subjects that you may not read.", scope="read", guid=guid)
    raise SchemaNotFound.with_guid(guid)


def uses_of(actor: Actor, version: Version, *, deleted: bool = False) -> VersionQuerySet:
    """The versions with the same id that the actor may see."""
    versions = Version.objects.filter(identity=version.identity_id)
    shown = versions if deleted else versions.live()
    return shown.readable_by(actor).select_related("subject").order_by("subject__name", "number")


def highest_id(context: str) -> int:
    """The highest id that was ever given in a context."""
    return SchemaId.objects.filter(context=context).aggregate(highest=Max("number"))["highest"] or 0
