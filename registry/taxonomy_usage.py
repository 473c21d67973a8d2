"""How often the stored events carry each code of a taxonomy. The layer above counts: settings.CODE_USAGE names who."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from access.actor import Actor
from registry.models import Content
from registry.taxonomy_bindings import bindings_of
from registry.taxonomy_tree import Tree

DEFAULT_DAYS = 7
#: Texts that no code of the taxonomy has, shown at most.
MOST_UNKNOWN = 100


@dataclass(frozen=True, slots=True)
class TextUse:
    """One spelling: events stored, and events that they stand for where producers sample."""

    text: str
    events: int
    weighted: float

    @property
    def query(self) -> str:
        """For the address of the events."""
        return urlencode({"error_code": self.text})


@dataclass(slots=True)
class CodeUse:
    """One code in all its spellings, the most frequent first."""

    events: int = 0
    weighted: float = 0.0
    spellings: list[TextUse] = field(default_factory=list)

    def add(self, use: TextUse) -> None:
        self.spellings.append(use)
        self.events += use.events
        self.weighted += use.weighted


@dataclass(frozen=True, slots=True)
class Usage:
    """Counts of one taxonomy between two moments. `finished` is false when counting took too long."""

    since: datetime
    until: datetime
    codes: dict[str, CodeUse] = field(default_factory=dict)
    unknown: list[TextUse] = field(default_factory=list)
    finished: bool = True

    @property
    def most(self) -> int:
        return max((use.events for use in self.codes.values()), default=0)

    @property
    def total(self) -> int:
        return sum(use.events for use in self.codes.values())


def usage_of(
    *, actor: Actor, tree: Tree, since: datetime | None = None, until: datetime | None = None
) -> Usage:
    """By default the last DEFAULT_DAYS days. Of events that the actor may read; `read` on the taxonomy is the caller's to ask.

    Events judged by a schema that is bound to other taxonomies only are not counted: their codes are those of the others.
    """
    until = until or timezone.now()
    since = since or until - timedelta(days=DEFAULT_DAYS)
    count = import_string(settings.CODE_USAGE)
    texts: list[TextUse] | None = count(
        actor=actor,
        since=since,
        until=until,
        without=contents_bound_elsewhere(tree.taxonomy),
        seconds=settings.UPLOAD_JUDGE_SECONDS,
    )
    usage = Usage(since, until, finished=texts is not None)
    for use in texts or ():
        code = tree.find(use.text)
        if code is not None:
            usage.codes.setdefault(code.short, CodeUse()).add(use)
        elif len(usage.unknown) < MOST_UNKNOWN and tree.normalise(use.text) is not None:
            usage.unknown.append(use)
    return usage


def contents_bound_elsewhere(taxonomy: str) -> Sequence[int]:
    """Schemas whose codes are those of other taxonomies."""
    found = []
    for content in Content.objects.exclude(bindings=[]).only("pk", "bindings"):
        names = {bound.binding.taxonomy for bound in bindings_of(content)}
        if names and taxonomy not in names:
            found.append(content.pk)
    return found
