"""A new schema against all the versions there were: one verdict, which names each pair."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias

from compat.dialects import Schema, Store
from compat.judge import check
from compat.verdict import Mode, Status, Verdict, World

HistoryMode: TypeAlias = Literal[
    "backward", "forward", "full", "backward_transitive", "forward_transitive", "full_transitive"
]
_SINGLE: dict[str, Mode] = {
    "backward": "backward", "backward_transitive": "backward",
    "forward": "forward", "forward_transitive": "forward",
    "full": "full", "full_transitive": "full",
}  # fmt: skip
_WORST: tuple[Status, ...] = ("incompatible", "undecided", "compatible")


@dataclass(frozen=True)
class HistoryVerdict:
    """The verdicts of a new schema against older versions, newest first."""

    mode: HistoryMode
    world: World
    #: Name of the older version and the verdict against it.
    pairs: tuple[tuple[str, Verdict], ...]

    @property
    def status(self) -> Status:
        """The worst of the pairs; compatible when there were no older versions."""
        found = {verdict.status for _, verdict in self.pairs}
        return next((status for status in _WORST if status in found), "compatible")

    @property
    def blamed(self) -> tuple[str, Verdict] | None:
        """The newest pair that decides the status; None when there are no pairs."""
        return next((pair for pair in self.pairs if pair[1].status == self.status), None)

    def as_dict(self) -> dict[str, Any]:
        return {
            "status": self.status,
            "mode": self.mode,
            "world": self.world,
            "pairs": [{"older": name, **verdict.as_dict()} for name, verdict in self.pairs],
        }


def check_history(
    older: Mapping[str, Schema],
    new: Schema,
    *,
    mode: HistoryMode = "backward_transitive",
    world: World = "open",
    dialect: str | None = None,
    store: Store | None = None,
    budget: int | None = None,
    formats: bool = False,
) -> HistoryVerdict:
    """`older` are the versions by name, oldest first. The transitive modes compare with all, the others with the last.

    `budget` is for each pair, `formats` asserts `format`. Raises SchemaError.
    """
    if mode not in _SINGLE:
        raise ValueError(f"mode {mode!r} is unknown")
    ask = partial(
        check, mode=_SINGLE[mode], world=world, dialect=dialect, store=store, budget=budget, formats=formats
    )
    newest_first = list(older)[::-1]
    names = newest_first if mode.endswith("_transitive") else newest_first[:1]
    pairs = tuple((name, ask(older[name], new)) for name in names)
    return HistoryVerdict(mode, world, pairs)
