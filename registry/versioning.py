"""What a version is called: SemVer, computed from the two schemas and checked when it was declared."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from semver import Version as SemVer

from compat import Bump, Verdict
from compat.policies import needing_major
from registry.errors import InvalidSemver, VersionTooLow
from registry.ranges import parse_semver

FIRST = SemVer(1, 0, 0)
_MAX_LENGTH = 60

Step = Literal["patch", "minor", "major"]
_RANK: dict[Step, int] = {"patch": 0, "minor": 1, "major": 2}


@dataclass(frozen=True, slots=True)
class Label:
    """The SemVer of a version and how it came about."""

    semver: SemVer
    # The least step that is true, and why; None for a first version.
    required: Bump | None = None
    declared: bool = False
    # It begins a new major by declaration, which is how a change passes that the level refuses.
    declared_major: bool = False

    def as_dict(self) -> dict[str, Any]:
        required = self.required
        return {
            "version": str(self.semver),
            "declared": self.declared,
            "declared_major": self.declared_major,
            "required": required.level if required else None,
            "reason": required.reason if required else "There is no live version to compare with.",
            "witness": required.witness.as_dict() if required and required.witness else None,
        }


def read_declared(semver: str | None, metadata: dict[str, Any] | None) -> SemVer | None:
    """The field `semver`, else `metadata.properties.semver` as Confluent clients can send it. Raises InvalidSemver."""
    text = semver or _property(metadata)
    if not text:
        return None
    found = parse_semver(text) if isinstance(text, str) and len(text) <= _MAX_LENGTH else None
    if found is None:
        raise InvalidSemver(str(text)[:100])
    return found


def _property(metadata: dict[str, Any] | None) -> Any:
    properties = (metadata or {}).get("properties")
    return properties.get("semver") if isinstance(properties, dict) else None


def label_for(
    *, declared: SemVer | None, required: Bump | None, latest: SemVer | None, labels: Sequence[SemVer]
) -> Label:
    """The label of a new version after `latest`, beside all `labels` a subject ever had.

    Raises VersionTooLow when a declared one is not above all live ones or promises more than the schemas keep.
    """
    if required is None or latest is None:
        return Label(declared or _free(FIRST, labels), declared=declared is not None)
    lowest = _after(latest, required.level, labels)
    if declared is None:
        return Label(lowest, required)
    _check_declared(declared, required, latest, lowest)
    return Label(declared, required, declared=True, declared_major=declared.major > latest.major)


def by_evolution_rules(required: Bump, verdict: Verdict, rules: str) -> Bump:
    """The step with the subject's rules of evolution on top: a major where they ask for one."""
    found = needing_major(verdict.changes)
    if not found:
        return required
    return Bump("major", f"{rules} rules leave this to a major: {found[0].sentence}")


def _check_declared(declared: SemVer, required: Bump, latest: SemVer, lowest: SemVer) -> None:
    facts = {
        "declared": str(declared),
        "required": required.level,
        "reason": required.reason,
        "at_least": str(lowest),
        "witness": required.witness.as_dict() if required.witness else None,
    }
    if declared <= latest:
        raise VersionTooLow(
            f"{declared} is not above {latest}, the latest version. The next one is {lowest}.", **facts
        )
    if _RANK[_step(latest, declared)] < _RANK[required.level]:
        raise VersionTooLow(
            f"{declared} would be a {_step(latest, declared)} step from {latest}, but this is a {required.level} "
            f"one: {required.reason}. Declare {lowest} or higher.",
            **facts,
        )


def _step(old: SemVer, new: SemVer) -> Step:
    if new.major != old.major:
        return "major"
    return "minor" if new.minor != old.minor else "patch"


def _after(latest: SemVer, step: Step, labels: Sequence[SemVer]) -> SemVer:
    """The next label by that step; above every label of the same line, so that a deleted one is not given twice."""
    bumped = {"patch": latest.bump_patch, "minor": latest.bump_minor, "major": latest.bump_major}[step]()
    return _free(bumped, labels)


def _free(wanted: SemVer, labels: Sequence[SemVer]) -> SemVer:
    taken = set(labels)
    while wanted in taken:
        wanted = wanted.bump_patch()
    return wanted
