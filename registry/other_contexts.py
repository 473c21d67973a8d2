"""Subjects that are named without their context: the default one is asked first, then every other."""

from contextlib import suppress

from access.actor import Actor
from registry import contexts
from registry.errors import SubjectNotFound, VersionNotFound
from registry.lookup import find_version
from registry.models import Subject, Version, begins_with


def namesakes(actor: Actor, subject: str) -> list[str]:
    """The subjects of that name in other contexts that the actor may read."""
    if subject.startswith(":."):
        return []
    found = Subject.objects.readable_by(actor).filter(begins_with(contexts.ALL + subject, "name"))
    names = found.order_by("name").values_list("name", flat=True)
    return [name for name in names if contexts.split(name)[1] == subject and name != subject]


def found_in(actor: Actor, subject: str, *, deleted: bool = False) -> str:
    """The subject itself when it is there, else its first namesake; itself when there is none."""
    there = Subject.objects.filter(name=subject)
    if (there if deleted else there.with_live_versions()).exists():
        return subject
    return next(iter(namesakes(actor, subject)), subject)


def find_anywhere(actor: Actor, subject: str, wanted: str, *, deleted: bool = False) -> Version:
    """As `find_version`, and raises as it does for the subject itself, or Forbidden."""
    actor.require("read", subject)
    try:
        return find_version(subject, wanted, deleted=deleted)
    except (SubjectNotFound, VersionNotFound):
        for name in namesakes(actor, subject):
            with suppress(SubjectNotFound, VersionNotFound):
                return find_version(name, wanted, deleted=deleted)
        raise
