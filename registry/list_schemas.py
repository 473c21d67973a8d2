"""Versions with their schemas over all subjects, for tools that want to see everything."""

from collections import defaultdict
from collections.abc import Collection, Sequence

from django.conf import settings
from django.db.models import Exists, OuterRef, Q

from access.actor import Actor
from registry import contexts
from registry.metadata import rule_types_of
from registry.models import Configuration, Version, VersionQuerySet, begins_with


def listed_schemas(
    *,
    actor: Actor,
    prefix: str,
    aliases: bool,
    deleted: bool,
    latest_only: bool,
    rule_types: Sequence[str],
    window: slice,
) -> list[tuple[Version, list[str]]]:
    """Each with the aliases of its subject, when they are asked for; at most SCHEMAS_LIST_MAX."""
    names = _aliases(actor, prefix) if aliases else {}
    versions = Version.objects.readable_by(actor).filter(_chosen(prefix, names))
    versions = versions if deleted else versions.live()
    if latest_only:
        versions = _newest(versions, deleted=deleted)
    ordered = versions.select_related("subject", "content", "identity").order_by("subject__name", "number")
    if rule_types:
        wanted = set(rule_types)
        kept = ordered.exclude(rule_set=None).iterator(chunk_size=500)
        chosen = [version for version in kept if wanted & rule_types_of(version.rule_set)][_bounded(window)]
    else:
        chosen = list(ordered[_bounded(window)])
    return [(version, names.get(version.subject.name, [])) for version in chosen]


def _chosen(prefix: str, names: Collection[str]) -> Q:
    found = begins_with(prefix, "subject__name")
    # An empty condition holds for everything, and would give way to another one.
    return found | Q(subject__name__in=names) if found and names else found


def _newest(versions: VersionQuerySet, *, deleted: bool) -> VersionQuerySet:
    later = Version.objects.filter(subject=OuterRef("subject"), number__gt=OuterRef("number"))
    return versions.filter(~Exists(later if deleted else later.live()))


def _bounded(window: slice) -> slice:
    begin, most = window.start, settings.SCHEMAS_LIST_MAX
    return slice(begin, begin + most if window.stop is None else min(window.stop, begin + most))


def _aliases(actor: Actor, prefix: str) -> dict[str, list[str]]:
    """Subject → the aliases, of those that begin so, that stand for it."""
    found: dict[str, list[str]] = defaultdict(list)
    rows = Configuration.objects.filter(begins_with(prefix, "subject"), alias__isnull=False)
    for alias, stands_for in rows.order_by("subject").values_list("subject", "alias"):
        if stands_for and actor.may("read", alias):
            found[contexts.within(contexts.context_of(alias), stands_for)].append(alias)
    return dict(found)
