"""Stored events read as another version of their subject. What is stored stays as it came; this is a way to look at it.

`upcast` is the one function for it: whoever reads events, one or thousands, may ask it. An event that cannot be read so
says why, and nothing else happens to it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from semver import Version as SemVer

from events import judging, scan
from events.aliases import INEXACT, Alias, read_under_declared_names
from events.errors import NotMigrated
from events.judging import Ruling, Rulings
from events.models import Event
from events.query import StoredEvent, versions_that_judged
from registry.migration_routes import Hop, Route, Routes, routes_of
from registry.migration_steps import StepFailedError
from registry.models import Subject, Version
from registry.ranges import parse_semver


@dataclass(frozen=True, slots=True)
class Unmigrated:
    """Why an event cannot be read as what was asked for; `pointer` is a place in the event, or ""."""

    code: str
    message: str
    pointer: str = ""

    def as_dict(self) -> dict[str, str]:
        return {"code": self.code, "pointer": self.pointer, "message": self.message}


@dataclass(frozen=True, slots=True)
class Upcast:
    """One event as it was asked for. With a `problem`, `raw` is what the producer sent."""

    raw: bytes
    # The version it is read as; None with a problem.
    version: str | None
    # The version that it was written as; None when no version judged it.
    written_as: str | None
    hops: tuple[Hop, ...] = ()
    # Fields that stand under their declared names now.
    renamed: tuple[Alias, ...] = ()
    # Another way was as short.
    ambiguous: bool = False
    problem: Unmigrated | None = None

    @property
    def changed(self) -> bool:
        """Whether it is anything else than what the producer sent."""
        return self.problem is None and bool(self.hops or self.renamed)

    @property
    def path(self) -> list[dict[str, Any]]:
        """What was done, step by step: known aliases first, then migrations."""
        named = str(self.hops[0].source) if self.hops else self.version
        aliases = [
            {"from": named, "to": named, "direction": "aliases", "migration": None, "renamed": self.renamed}
        ]
        return [
            *(
                {**told, "renamed": [alias._asdict() for alias in self.renamed]}
                for told in aliases
                if self.renamed
            ),
            *(hop.as_dict() for hop in self.hops),
        ]

    def as_dict(self) -> dict[str, Any]:
        return {
            "as": self.version,
            "migrated_from": self.written_as,
            "migration_path": self.path,
            "ambiguous": self.ambiguous,
            "not_migrated": self.problem.as_dict() if self.problem else None,
        }


@dataclass(slots=True)
class Reader:
    """Reads events as `wanted`: a range, an exact SemVer, a number or `latest`. Keeps what it learns about subjects."""

    wanted: str
    _routes: dict[str, Routes] = field(default_factory=dict)
    _rulings: dict[str, Rulings] = field(default_factory=dict)
    _absent: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # What is no version is told before any event is looked at.
        Routes().wanted(self.wanted)

    def read(self, events: Sequence[Event | StoredEvent]) -> list[Upcast]:
        """In the order of the events."""
        self._learn({event.event_type for event in events})
        judges = versions_that_judged(events)
        return [self._read(event, judges.get(event.position)) for event in events]

    def obstacles(self, events: Sequence[Event]) -> list[Unmigrated | None]:
        """Why they cannot be read so, as far as their columns tell it, without a look at their bytes; in their order."""
        self._learn({event.event_type for event in events})
        judges = versions_that_judged(events)
        ways = (self._way(event, self._source(event, judges.get(event.position))) for event in events)
        return [way if isinstance(way, Unmigrated) else None for way in ways]

    def _learn(self, types: set[str]) -> None:
        new = types - self._routes.keys()
        if not new:
            return
        self._routes.update(routes_of(new))
        rulings = judging.current_catalogue().rulings_for(new)
        self._rulings.update(dict.fromkeys(new, rulings))
        rows = Subject.objects.filter(name__in=new).values_list("name", "version_when_absent")
        self._absent.update(dict(rows))

    def _read(self, event: Event | StoredEvent, judge: Version | None) -> Upcast:
        raw = bytes(event.raw)
        source = self._source(event, judge)
        way = self._way(event, source)
        if isinstance(way, Unmigrated):
            return Upcast(raw, None, str(source) if source else None, problem=way)
        ruling = self._rulings[event.event_type].of(event.event_type, way.target)
        return _migrated(raw, str(source), way, ruling)

    def _way(self, event: Event | StoredEvent, source: SemVer | None) -> Route | Unmigrated:
        if source is None:
            return _NO_VERSION
        if INEXACT in (event.lints or ()):
            return _INEXACT
        route = self._routes[event.event_type].to(source, self.wanted)
        return route or self._no_way(event.event_type, source)

    def _source(self, event: Event | StoredEvent, judge: Version | None) -> SemVer | None:
        """The version that judged it; of what a profile judged, the one that it names."""
        if judge is not None:
            return SemVer.parse(judge.semver)
        return parse_semver(event.schema_version or self._absent.get(event.event_type, ""))

    def _no_way(self, event_type: str, source: SemVer) -> Unmigrated:
        targets = self._routes[event_type].wanted(self.wanted)
        if not targets:
            return Unmigrated(
                "no_such_version", f"'{event_type}' has no live version that '{self.wanted}' means."
            )
        return Unmigrated(
            "no_migration",
            f"No migration leads from {source} of '{event_type}' to {targets[0]}. Register one at "
            f"/api/v1/subjects/{event_type}/migrations.",
        )


_NO_VERSION = Unmigrated("no_version", "No version of its subject judged it, and it names none.")
_INEXACT = Unmigrated(
    "inexact_number",
    "It holds a number that cannot be written out again digit by digit; only its bytes say what was meant.",
)


def upcast(events: Sequence[Event | StoredEvent], *, wanted: str) -> list[Upcast]:
    """These events read as `wanted`, in their order. Raises InvalidVersion for what means no version."""
    return Reader(wanted).read(events)


def read_as(event: Event, wanted: str) -> Upcast:
    """One event. Raises NotMigrated, saying why, where it cannot be read so; and InvalidVersion."""
    [read] = upcast([event], wanted=wanted)
    if read.problem is not None:
        raise NotMigrated(read.problem.message, **read.as_dict(), event_id=event.event_id)
    return read


def _migrated(raw: bytes, source: str, route: Route, ruling: Ruling) -> Upcast:
    document: dict[str, Any] = scan.parse(raw)
    document, renamed = read_under_declared_names(document, ruling.aliases)
    if not (route.hops or renamed):
        return Upcast(raw, route.target, source)
    metadata = document.get("metadata")
    value: Any = {} if metadata is None else metadata
    for hop in route.hops:
        try:
            value = hop.program(value)
        except StepFailedError as failed:
            told = f"From {hop.source} to {hop.target} (migration {hop.migration}): {failed.sentence}."
            problem = Unmigrated("step_failed", told, f"/metadata{failed.pointer}")
            return Upcast(raw, None, source, route.hops, renamed, route.ambiguous, problem)
    # Read as what it is already, it may violate that, as its violations tell.
    if route.hops and ruling.validator is not None and not ruling.validator.is_valid(value):
        first = ruling.validator.errors(value)[0]
        told = f"What it becomes violates {route.target}: {first.message[:300]}"
        problem = Unmigrated("violates_target", told, f"/metadata{first.pointer}")
        return Upcast(raw, None, source, route.hops, renamed, route.ambiguous, problem)
    return Upcast(
        _written(document, value, route), route.target, source, route.hops, renamed, route.ambiguous
    )


def _written(document: Mapping[str, Any], metadata: Any, route: Route) -> bytes:
    """The event in its new shape, which says the version that it has now; a signature is still of the bytes stored."""
    told = {**document, "metadata": metadata}
    if route.hops:
        told["schema_version"] = route.target
    return json.dumps(told, ensure_ascii=False).encode()
