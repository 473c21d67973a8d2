"""What a comparison answers: frozen values that render to JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from compat.witness import Witness

Status: TypeAlias = Literal["compatible", "incompatible", "undecided"]
Mode: TypeAlias = Literal["backward", "forward", "full"]
World: TypeAlias = Literal["open", "declared"]
Direction: TypeAlias = Literal["backward", "forward"]
Level: TypeAlias = Literal["patch", "minor", "major"]


@dataclass(frozen=True)
class Change:
    """One difference between two schemas that a person would name."""

    #: Confluent's name of the kind of change where it has one.
    kind: str
    old_pointer: str
    new_pointer: str
    old_value: Any
    new_value: Any
    #: The directions it breaks when taken alone; empty for a harmless one.
    breaks: tuple[Direction, ...]
    sentence: str

    @property
    def harmless(self) -> bool:
        return not self.breaks

    def as_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "old_pointer": self.old_pointer,
            "new_pointer": self.new_pointer,
            "old_value": self.old_value,
            "new_value": self.new_value,
            "breaks": list(self.breaks),
            "sentence": self.sentence,
        }


@dataclass(frozen=True)
class OpenWorldRisk:
    """What the declared world leaves out: a writer that already sends a field its schema does not declare."""

    #: Name of the undeclared property, for looking it up in stored events; None when no single one is to blame.
    property: str | None
    witness: Witness
    change: Change | None

    def as_dict(self) -> dict[str, Any]:
        return {
            "property": self.property,
            "witness": self.witness.as_dict(),
            "change": self.change.as_dict() if self.change else None,
        }


@dataclass(frozen=True)
class Verdict:
    """The answer to "may readers and writers of these two schemas meet?", with its evidence."""

    status: Status
    mode: Mode
    world: World
    #: How it was proven (compatible) or which limit ended the search (undecided).
    proof: str | None = None
    witness: Witness | None = None
    #: The direction the witness shows broken.
    direction: Direction | None = None
    changes: tuple[Change, ...] = ()
    open_world_risk: OpenWorldRisk | None = None
    budget_spent: int = 0
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.status == "incompatible") != isinstance(self.witness, Witness):
            raise ValueError("a verdict is incompatible exactly when it carries a verified witness")

    def as_dict(self) -> dict[str, Any]:
        return {
            "status": self.status,
            "mode": self.mode,
            "world": self.world,
            "proof": self.proof,
            "witness": self.witness.as_dict() if self.witness else None,
            "direction": self.direction,
            "changes": [change.as_dict() for change in self.changes],
            "open_world_risk": self.open_world_risk.as_dict() if self.open_world_risk else None,
            "budget_spent": self.budget_spent,
            "notes": list(self.notes),
        }


@dataclass(frozen=True)
class Bump:
    """The least SemVer step that tells consumers the truth about a change."""

    level: Level
    reason: str
    #: Why it is not less: an instance only one of the two schemas admits.
    witness: Witness | None = None

    def as_dict(self) -> dict[str, Any]:
        return {
            "level": self.level,
            "reason": self.reason,
            "witness": self.witness.as_dict() if self.witness else None,
        }
