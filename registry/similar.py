"""Schemas with much the same fields, and which those are: before somebody writes the fourth `address`."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count

from access.actor import Actor
from registry.lookup import find_any_version, find_version
from registry.models import ContentField, Version

MOST = 10
# Contents whose fields are compared one by one, out of those with the most names in common.
_LOOKED_AT = 300
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

    @property
    def columns(self) -> tuple[tuple[str, ...], ...]:
        """For tables: shared, only here, only there."""
        return self.shared, self.only_here, self.only_there

    def sentence(self) -> str:
        """Why it is called similar."""
        of = len(self.shared) + len(self.only_here)
        others = len(self.only_there)
        return f"has {len(self.shared)} of these {of} fields and {others} other{'' if others == 1 else 's'}"


def similar_schemas(
    *, actor: Actor, subject: str, version: str, deleted: bool = False, limit: int = MOST
) -> tuple[Similar, ...]:
    """The most alike first; only of subjects that the actor may read.

    Raises Forbidden, SubjectNotFound, VersionNotFound, InvalidVersion.
    """
    actor.require("read", subject)
    here = (find_any_version if deleted else find_version)(subject, version)
    own = _names([here.content_id]).get(here.content_id, set())
    if len(own) < _FEWEST_SHARED:
        return ()
    others = Version.objects.newest().readable_by(actor).exclude(subject=here.subject_id)
    found_in = _sharing(actor, own)
    versions = list(
        others.filter(content__in=found_in).select_related("subject", "identity").defer("verdict")
    )
    names = _names({one.content_id for one in versions})
    found = [_compared(one, own, names[one.content_id]) for one in versions]
    return tuple(sorted(found, key=lambda one: (-one.share, one.version.subject.name))[:limit])


def _sharing(actor: Actor, names: set[str]) -> list[int]:
    """The contents with the most of these names; counted over the index alone, hence before it is asked who uses them."""
    rows = ContentField.objects.filter(key__in=names)
    if not actor.may_everywhere("read"):
        rows = rows.filter(content__in=Version.objects.live().readable_by(actor).values("content"))
    counted = rows.values("content").annotate(shared=Count("*")).filter(shared__gte=_FEWEST_SHARED)
    return list(counted.order_by("-shared", "content").values_list("content", flat=True)[:_LOOKED_AT])


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
