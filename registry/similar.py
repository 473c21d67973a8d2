"""Schemas with much the same fields, and which those are: before somebody writes the fourth `address`."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count

from access.actor import Actor
from registry.lookup import find_version
from registry.models import ContentField, Version

MOST = 10
# Contents whose fields are compared one by one, out of those with the most names in common.
_LOOKED_AT = 100
_FEWEST_SHARED = 2


@dataclass(frozen=True, slots=True)
class Similar:
    """Another subject's latest version. The names are in lower case; `share` is shared ÷ all names of both."""

    version: Version
    shared: tuple[str, ...]
    only_here: tuple[str, ...]
    only_there: tuple[str, ...]

    @property
    def share(self) -> float:
        return len(self.shared) / (len(self.shared) + len(self.only_here) + len(self.only_there))

    @property
    def percent(self) -> int:
        return round(100 * self.share)

    def sentence(self) -> str:
        """Why it is called similar."""
        of = len(self.shared) + len(self.only_here)
        return f"has {len(self.shared)} of these {of} fields and {len(self.only_there)} others"


def similar_schemas(
    *, actor: Actor, subject: str, version: str, deleted: bool = False, limit: int = MOST
) -> tuple[Similar, ...]:
    """The most alike first; only of subjects that the actor may read.

    Raises Forbidden, SubjectNotFound, VersionNotFound, InvalidVersion.
    """
    actor.require("read", subject)
    here = find_version(subject, version, deleted=deleted)
    own = _names([here.content_id]).get(here.content_id, set())
    if len(own) < _FEWEST_SHARED:
        return ()
    others = Version.objects.newest().readable_by(actor).exclude(subject=here.subject_id)
    sharing = ContentField.objects.filter(key__in=own, content__in=others.values("content"))
    counted = sharing.values("content").annotate(shared=Count("key", distinct=True))
    alike = counted.filter(shared__gte=_FEWEST_SHARED).order_by(
        "-shared", "content__index__field_count", "content"
    )
    contents = [row["content"] for row in alike[:_LOOKED_AT]]
    names = _names(contents)
    versions = others.filter(content__in=contents).select_related("subject").defer("verdict")
    found = [_compared(one, own, names[one.content_id]) for one in versions]
    return tuple(sorted(found, key=lambda one: (-one.share, one.version.subject.name))[:limit])


def _names(contents: Iterable[int]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for content_id, key in ContentField.objects.filter(content__in=contents).values_list("content", "key"):
        if key and not key.endswith(("]", "}", "*")):
            found.setdefault(content_id, set()).add(key)
    return found


def _compared(version: Version, here: set[str], there: set[str]) -> Similar:
    return Similar(
        version, tuple(sorted(here & there)), tuple(sorted(here - there)), tuple(sorted(there - here))
    )
