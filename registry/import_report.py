"""What an import came to: what was added, what was there already, what stayed as it is here, what was refused and why."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(slots=True)
class Report:
    """Counts, and sentences for people. Nothing refused and nothing added is an import that changed nothing."""

    dry_run: bool = False
    # By kind: contexts, taxonomies, editions, subjects, versions, configurations.
    added: dict[str, int] = field(default_factory=dict)
    unchanged: dict[str, int] = field(default_factory=dict)
    # One entry for each thing that could not be brought in, because something else is here in its place.
    refused: list[str] = field(default_factory=list)
    # What is said otherwise here, and stays so.
    kept: list[str] = field(default_factory=list)
    # What is no part of this product.
    skipped: list[str] = field(default_factory=list)
    # What the archive itself says about what it leaves out.
    holds: str = ""

    def add(self, kind: str, count: int = 1) -> None:
        if count:
            self.added[kind] = self.added.get(kind, 0) + count

    def leave(self, kind: str, count: int = 1) -> None:
        if count:
            self.unchanged[kind] = self.unchanged.get(kind, 0) + count

    def merge(self, part: "Report") -> None:
        """With what one unit came to, once that is sure."""
        for kind, count in part.added.items():
            self.add(kind, count)
        for kind, count in part.unchanged.items():
            self.leave(kind, count)
        self.kept += part.kept

    @property
    def changed(self) -> bool:
        return bool(self.added)

    @property
    def sentence(self) -> str:
        """For the last line of a command and the head of a page."""
        added = told(self.added)
        if not added and not self.refused:
            return "Nothing was changed: all of it is here already."
        would = "Would add" if self.dry_run else "Added"
        refused = f" {len(self.refused)} refused." if self.refused else ""
        there = f" {told(self.unchanged)} were here already." if told(self.unchanged) else ""
        return f"{would} {added or 'nothing'}.{there}{refused}"

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "summary": self.sentence}


def told(counts: dict[str, int]) -> str:
    """`3 subjects, 1 version`."""
    return ", ".join(f"{n:,} {kind if n != 1 else singular(kind)}" for kind, n in counts.items() if n)


def singular(kind: str) -> str:
    return "taxonomy" if kind == "taxonomies" else kind.removesuffix("s")


def joined(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
