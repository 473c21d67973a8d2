"""What differs between two schemas, in words."""

from __future__ import annotations

from compat.documents import Documents
from compat.verdict import Change, Direction, World
from compat.witness import Witness


def changes_between(old: Documents, new: Documents, world: World) -> tuple[Change, ...]:
    """Every difference a person would name."""
    return ()


def first_tripped(changes: tuple[Change, ...], witness: Witness, direction: Direction) -> tuple[Change, ...]:
    """The same changes, the one that the witness trips over first."""
    return changes
