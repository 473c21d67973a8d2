"""What an upload holds on to from its last look at the subject until its commit: the subject, and what it refers to."""

from collections.abc import Callable

from access import prepared
from registry.models import Subject, Version
from registry.upload import Upload

_LOCK_SUBJECT = f"SELECT {prepared.columns_of(Subject, 'subject')} FROM registry_subject subject WHERE name = %s FOR UPDATE"  # noqa: S608 -- names of the model
_LOCK_FREE_SUBJECT = _LOCK_SUBJECT + " SKIP LOCKED"


def locked_subject(name: str, *, seen: bool, worth_waiting: Callable[[], bool]) -> Subject | None:
    """None when it was deleted for good between two statements. One that was not `seen` a moment ago is most probably new.

    None, too, when somebody else has it and it is not `worth_waiting`: whoever waited only to learn that the subject has
    changed would keep those waiting who can still be stored.
    """
    new = Subject(name=name)
    if not seen and prepared.insert_unless_taken(new):
        return new
    if found := _locked(name, _LOCK_FREE_SUBJECT):
        return found
    if not worth_waiting():
        return None
    if found := _locked(name):
        return found
    return new if prepared.insert_unless_taken(new) else _locked(name)


def _locked(name: str, statement: str = _LOCK_SUBJECT) -> Subject | None:
    with prepared.cursor() as cursor:
        cursor.execute(statement, [name])
        row = cursor.fetchone()
    return prepared.loaded(Subject, row) if row else None


def locked_targets(upload: Upload) -> bool:
    """Whether all that the schema refers to is still live; from now on nobody deletes it before we are done."""
    wanted = {target.pk for _, target in upload.resolved.targets}
    if not wanted:
        return True
    locked = Version.objects.live().filter(pk__in=wanted).select_for_update(of=("self",), no_key=True)
    return set(locked.order_by("pk").values_list("pk", flat=True)) == wanted
