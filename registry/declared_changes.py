"""Where an author's declared change contradicts the verdict: imported versions bring what their author said."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.db.models import Q

from access.actor import Actor
from registry.models import Version, VersionQuerySet

# Names in `metadata.properties` of an imported version.
URI, VERSION, CHANGE = "iglu", "schemaver", "declared_change"

Kind = Literal["breaks", "unproven", "milder", ""]
SENTENCES: dict[str, str] = {
    "breaks": "Declared to break nobody, and there is an instance of the version before that it refuses.",
    "unproven": "Declared to break nobody; it could be neither proven nor refuted.",
    "milder": "Declared to break every reader, and it accepts everything that the version before did.",
}
_STEP = "verdict__semver__required"
_CONDITIONS: dict[str, Q] = {
    "breaks": Q(**{f"metadata__properties__{CHANGE}": "addition", _STEP: "major"})
    & ~Q(verdict__semver__witness=None),
    "unproven": Q(
        **{f"metadata__properties__{CHANGE}": "addition", _STEP: "major", "verdict__semver__witness": None}
    ),
    "milder": Q(**{f"metadata__properties__{CHANGE}": "model", f"{_STEP}__in": ["minor", "patch"]}),
}


@dataclass(frozen=True, slots=True)
class Summary:
    """Of the versions whose author declared a change: how many, and how many of each kind of contradiction."""

    declared: dict[str, int]
    contradicting: dict[str, int]

    @property
    def additions(self) -> str:
        return f"of {self.declared['addition']} declared"

    @property
    def models(self) -> str:
        return f"of {self.declared['model']} declared"

    @property
    def pairs(self) -> int:
        return sum(self.declared.values())


def contradiction_of(declared: str | None, label: Mapping[str, Any]) -> Kind:
    """What is between a declared change and a computed label. A revision may break some readers, so none contradicts it."""
    required = label.get("required")
    if declared == "addition" and required == "major":
        return "breaks" if label.get("witness") else "unproven"
    return "milder" if declared == "model" and required in {"minor", "patch"} else ""


def declared_changes(*, actor: Actor, kind: str = "") -> VersionQuerySet:
    """Live versions that the actor may read: of one kind of contradiction, of any ("any"), or all with a declared change ("")."""
    versions = Version.objects.live().filter(metadata__properties__has_key=CHANGE)
    readable = versions.readable_by(actor).select_related("subject")
    if kind == "any":
        condition = Q(pk__in=[])
        for one in _CONDITIONS.values():
            condition |= one
        return readable.filter(condition)
    return readable.filter(_CONDITIONS[kind]) if kind in _CONDITIONS else readable


def summary(*, actor: Actor) -> Summary:
    """Of what the actor may read."""
    declared = dict.fromkeys(("addition", "revision", "model"), 0)
    contradicting: dict[str, int] = dict.fromkeys(SENTENCES, 0)
    rows = declared_changes(actor=actor).values_list(
        f"metadata__properties__{CHANGE}", _STEP, "verdict__semver__witness"
    )
    for said, required, witness in rows:
        declared[said] = declared.get(said, 0) + 1
        if found := contradiction_of(said, {"required": required, "witness": witness}):
            contradicting[found] += 1
    return Summary(declared, contradicting)
