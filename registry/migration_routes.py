"""Which migrations lead from one version of a subject to another: the fewest, and among these the lowest.

Within a major every version reads what an older one wrote; such a step changes nothing and is taken where no migration
leads on. What comes out is for the caller to validate.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from semver import Version as SemVer

from registry.errors import InvalidVersion
from registry.lookup import LATEST, parse_number
from registry.migration_steps import Program, program_of, steps_as_text
from registry.models import Version, VersionMigration
from registry.ranges import parse_range, parse_semver

Way = Literal["up", "down", "unchanged"]


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of a route. `migration` is its number, None where nothing has to change."""

    source: SemVer
    target: SemVer
    way: Way
    migration: int | None = None
    # The steps as JSON, of which programs are made once.
    steps: str = "[]"

    @property
    def program(self) -> Program:
        return program_of(self.steps)

    def as_dict(self) -> dict[str, Any]:
        return {
            "from": str(self.source),
            "to": str(self.target),
            "direction": self.way,
            "migration": self.migration,
        }


@dataclass(frozen=True, slots=True)
class Route:
    """The hops to a target, in order; `ambiguous`: another one is as short."""

    target: str
    hops: tuple[Hop, ...] = ()
    ambiguous: bool = False


@dataclass(slots=True)
class Routes:
    """The versions of one subject and what leads from one to the other."""

    # SemVer → number, of versions that are live.
    live: dict[SemVer, int] = field(default_factory=dict)
    hops: list[Hop] = field(default_factory=list)
    _found: dict[tuple[str, str], Route | None] = field(default_factory=dict)

    def wanted(self, text: str) -> list[SemVer]:
        """The live versions that `text` means, the best first: a range, an exact SemVer, a number or `latest`.

        Raises InvalidVersion.
        """
        number = parse_number(text)
        if number == LATEST:
            return sorted(self.live, key=lambda label: -self.live[label])[:1]
        if number is not None:
            return [label for label, own in self.live.items() if own == number]
        if (exact := parse_semver(text)) is not None:
            return [label for label in self.live if str(label) == str(exact)]
        range_ = parse_range(text) if text.strip() else None
        if range_ is None:
            raise InvalidVersion(text)
        return sorted((label for label in self.live if range_.holds(label)), reverse=True)

    def to(self, source: SemVer, wanted: str) -> Route | None:
        """From a version to what is wanted; no hops where it is that already. None where nothing leads there.

        Of a range the highest version that can be reached. Raises InvalidVersion.
        """
        key = (str(source), wanted)
        if key not in self._found:
            self._found[key] = self._to(source, self.wanted(wanted))
        return self._found[key]

    def _to(self, source: SemVer, targets: list[SemVer]) -> Route | None:
        if source in targets:
            return Route(str(source))
        found = (self._shortest(source, target) for target in targets)
        return next((route for route in found if route is not None), None)

    def _shortest(self, source: SemVer, target: SemVer) -> Route | None:
        return _route(source, target, self.hops) or _route(
            source, target, [*self.hops, *self._unchanged(source)]
        )

    def _unchanged(self, source: SemVer) -> list[Hop]:
        """Older to newer within a major, as far as labels promise it: between prereleases and before 1.0.0 they do not."""
        known = {source, *self.live, *(end for hop in self.hops for end in (hop.source, hop.target))}
        stable = sorted(label for label in known if label.major > 0 and not label.prerelease)
        return [
            Hop(old, new, "unchanged")
            for old in stable
            for new in stable
            if old < new and old.major == new.major
        ]


def _route(source: SemVer, target: SemVer, hops: list[Hop]) -> Route | None:
    left = _distances(target, hops)
    if source not in left:
        return None
    taken: list[Hop] = []
    ambiguous, here = False, source
    while here != target:
        closer = [hop for hop in hops if hop.source == here and left.get(hop.target) == left[here] - 1]
        ambiguous = ambiguous or len(closer) > 1
        taken.append(min(closer, key=lambda hop: (hop.target, hop.migration or 0)))
        here = taken[-1].target
    return Route(str(target), tuple(taken), ambiguous)


def _distances(target: SemVer, hops: list[Hop]) -> dict[SemVer, int]:
    """How many hops it is to the target from wherever one leads there."""
    into: dict[SemVer, list[SemVer]] = {}
    for hop in hops:
        into.setdefault(hop.target, []).append(hop.source)
    left, waiting = {target: 0}, deque([target])
    while waiting:
        here = waiting.popleft()
        for before in into.get(here, ()):
            if before not in left:
                left[before] = left[here] + 1
                waiting.append(before)
    return left


def routes_of(subjects: Iterable[str]) -> Mapping[str, Routes]:
    """Of these subjects, as of now, in two queries; an unknown one has no versions."""
    names = set(subjects)
    found = {name: Routes() for name in names}
    live = Version.objects.live().filter(subject__name__in=names).order_by("number")
    for name, semver, number in live.values_list("subject__name", "semver", "number"):
        found[name].live[SemVer.parse(semver)] = number
    rows = VersionMigration.objects.active().filter(subject__name__in=names)
    for row in rows.select_related("subject", "source", "target").order_by("number"):
        found[row.subject.name].hops += _hops_of(row)
    return found


def _hops_of(row: VersionMigration) -> list[Hop]:
    source, target = SemVer.parse(row.source.semver), SemVer.parse(row.target.semver)
    ways = [Hop(source, target, "up", row.number, steps_as_text(row.up))]
    if row.down is not None:
        ways.append(Hop(target, source, "down", row.number, steps_as_text(row.down)))
    return ways
