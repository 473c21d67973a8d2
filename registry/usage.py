"""May a version go? Evidence of who still uses it: references, fetches, and what the layers above know.

settings.USAGE_WITNESSES names functions `(version, actor) -> list[Finding]`, read-only. A finding that speaks against
deleting is a warning. Nothing here decides: deleting asks for no more than it did before.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import OperationalError
from django.db.models import Count, Max, Sum
from django.utils.module_loading import import_string

from access.actor import Actor
from registry.judge import Finding, only_looking
from registry.lookup import referrers_of
from registry.models import Fetch, Version

WITNESS = "registry.usage"
_MILLISECONDS = 5_000
_MOST_CLIENTS = 100


@dataclass(frozen=True, slots=True)
class Usage:
    """`safe` when no evidence speaks against deleting."""

    version: Version
    evidence: tuple[Finding, ...]
    # Who fetched it, the last first; for those who may write to the subject.
    clients: tuple[Fetch, ...]

    @property
    def safe(self) -> bool:
        return all(finding.severity == "info" for finding in self.evidence)


def usage_of(*, actor: Actor, version: Version) -> Usage:
    """Raises Forbidden."""
    actor.require("read", version.subject.name)
    found = [*_own(version, actor)]
    for name in settings.USAGE_WITNESSES:
        found += _asked(name, version, actor)
    rows = Fetch.objects.filter(content=version.content).order_by("-last_at")[:_MOST_CLIENTS]
    clients = tuple(rows) if actor.may("write", version.subject.name) else ()
    return Usage(version, tuple(found), clients)


def use_known_here(*, actor: Actor, version: Version) -> tuple[Finding, ...]:
    """Who refers to it and who fetched it, without asking the layers above, for pages on which it is no more than a line."""
    return _references(version, actor), _fetches(version)


def _asked(name: str, version: Version, actor: Actor) -> list[Finding]:
    try:
        with only_looking(_MILLISECONDS):
            found: list[Finding] = import_string(name)(version, actor)
    except OperationalError as late:
        if "statement timeout" not in str(late):
            raise
        told = "There was no time to look at everything, so nothing is proven."
        return [Finding(name, "warning", told, {"finished": False})]
    return found


def _own(version: Version, actor: Actor) -> Iterator[Finding]:
    yield _latest(version)
    yield _references(version, actor)
    yield _fetches(version)


def _latest(version: Version) -> Finding:
    newest = Version.objects.live().filter(subject=version.subject).order_by("-number").first()
    if newest is None or newest.pk != version.pk:
        return Finding(WITNESS, "info", "It is not the latest version.", {"latest": False})
    told = "It is the latest version: who asks for latest gets it, and new versions are compared with it."
    return Finding(WITNESS, "warning", told, {"latest": True})


def _references(version: Version, actor: Actor) -> Finding:
    users = referrers_of(version).distinct()
    count = users.count()
    shown = users.readable_by(actor).select_related("subject").order_by("subject__name", "number")[:10]
    named = [f"{user.subject.name} {user.number}" for user in shown]
    if not count:
        return Finding(WITNESS, "info", "No schema refers to it.", {"references": 0})
    told = f"{count:,} schema{'s refer' if count > 1 else ' refers'} to it, so it cannot be deleted."
    return Finding(WITNESS, "warning", told, {"references": count, "used_by": named})


def _fetches(version: Version) -> Finding:
    """By its id; another version that is the same schema shares them."""
    rows = Fetch.objects.filter(content=version.content)
    found = rows.aggregate(clients=Count("pk"), count=Sum("count"), last=Max("last_at"))
    if not found["clients"]:
        return Finding(WITNESS, "info", "Nobody fetched it.", {"clients": 0, "last_fetch": None})
    recent = found["last"] > datetime.now(UTC) - timedelta(days=settings.USAGE_DAYS)
    clients = found["clients"]
    told = (
        f"{clients:,} client{'s' if clients > 1 else ''} fetched it {found['count']:,} "
        f"time{'s' if found['count'] > 1 else ''}, the last time on {found['last']:%Y-%m-%d %H:%M} UTC."
    )
    facts = {"clients": clients, "count": found["count"], "last_fetch": found["last"].isoformat()}
    return Finding(WITNESS, "warning" if recent else "info", told, facts)
