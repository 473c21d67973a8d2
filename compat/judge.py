"""The whole question: which way round, in which world, by which means, cheapest first."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from compat import algebra
from compat.budget import DEFAULT_STEPS, Budget
from compat.changes import changes_between, first_tripped
from compat.declared import declared
from compat.dialects import Schema, Store
from compat.documents import Documents
from compat.errors import Exhausted
from compat.guess import guesses
from compat.inspection import opened
from compat.rewrite import Rewritten, rewritten
from compat.shrink import shrunk
from compat.solver.alike import representatives
from compat.solver.descent import differences
from compat.solver.nodes import Node, World
from compat.solver.search import Search
from compat.verdict import Bump, Change, Direction, Mode, OpenWorldRisk, Verdict
from compat.verdict import World as WorldName
from compat.witness import Contest, Witness, restricted

_DIRECTIONS: dict[str, tuple[Direction, ...]] = {
    "backward": ("backward",),
    "forward": ("forward",),
    "full": ("backward", "forward"),
}
#: How many counterexamples that a validator does not confirm are passed over.
_SECOND_THOUGHTS = 4
#: A difference that takes more steps than these is left until after the set algebra.
_FEW_STEPS = 200
_FRAMES = 6_000
_log = logging.getLogger(__name__)
_NARROWED = "some instances of the old version are refused by the new one"


@dataclass(frozen=True)
class Side:
    """One of the two schemas: as given, in the normal form, and with undeclared fields excluded."""

    documents: Documents
    prefix: str
    #: Whether `format` is asserted.
    formats: bool = False

    @property
    def normal(self) -> Rewritten:
        return rewritten(self.documents, prefix=self.prefix, assert_formats=self.formats)

    @property
    def closed(self) -> Rewritten:
        return self.documents.form(("declared", self.prefix, self.formats), lambda: declared(self.normal))

    @property
    def restriction(self) -> Documents:
        """What the declared world demands of an instance, for validators."""
        return self.documents.form(("restriction", self.formats), lambda: restricted(self.closed))


def _sides(
    old: Schema, new: Schema, dialect: str | None, store: Store | None, *, formats: bool
) -> tuple[Side, Side]:
    return (
        Side(opened(old, dialect=dialect, store=store), "o", formats),
        Side(opened(new, dialect=dialect, store=store), "n", formats),
    )


@dataclass(frozen=True)
class _Answer:
    """One direction's outcome: a proof, a witness, or the reason for neither."""

    proof: str | None = None
    witness: Witness | None = None
    reason: str | None = None


def check(
    old: Schema,
    new: Schema,
    *,
    mode: Mode = "backward",
    world: WorldName = "open",
    dialect: str | None = None,
    store: Store | None = None,
    budget: int | None = None,
    formats: bool = False,
) -> Verdict:
    """Whether a reader of one schema accepts what a writer of the other may send, with evidence.

    `backward`: new reads what old wrote; `forward`: old reads what new writes; `full`: both.
    `open` takes schemas as they are, `declared` restricts the writer to the fields its schema declares.
    `dialect` applies to schemas without `$schema` (draft-07 otherwise); `store` maps the URIs or names used by `$ref`
    to schemas; `budget` is a number of steps; `formats` asserts `format`, which is an annotation otherwise.
    Raises SchemaError when one of the two is no schema.
    """
    if mode not in _DIRECTIONS or world not in {"open", "declared"}:
        raise ValueError(f"mode {mode!r} or world {world!r} is unknown")
    sides = _sides(old, new, dialect, store, formats=formats)
    with _deep_stack():
        _require_schemas(sides)
        return _verdict(sides, mode, world, Budget(budget or DEFAULT_STEPS))


def _require_schemas(sides: tuple[Side, Side]) -> None:
    """Raises SchemaError for what only shows when references are followed, before anything else follows them."""
    for side in sides:
        with suppress(Exhausted):
            _ = side.normal


@contextmanager
def _deep_stack() -> Iterator[None]:
    """The search is as deep as instances are; how deep the caller's stack is already must not decide a verdict."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _FRAMES))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _verdict(sides: tuple[Side, Side], mode: Mode, world: WorldName, purse: Budget) -> Verdict:
    changes = changes_between(sides[0].documents, sides[1].documents, world)
    proofs: list[str] = []
    undecided: list[str] = []
    for direction in _DIRECTIONS[mode]:
        answer = _answer(sides, direction, world, purse)
        if answer.witness is not None:
            ordered = first_tripped(changes, answer.witness, direction)
            return Verdict(
                "incompatible", mode, world,
                witness=answer.witness, direction=direction, changes=ordered, budget_spent=purse.spent,
            )  # fmt: skip
        (proofs if answer.proof else undecided).append(f"{direction}: {answer.proof or answer.reason}")
    if undecided:
        return Verdict(
            "undecided", mode, world, proof="; ".join(undecided), changes=changes, budget_spent=purse.spent
        )
    risk = _open_world_risk(sides, mode, changes, purse) if world == "declared" else None
    return Verdict(
        "compatible", mode, world,
        proof="; ".join(proofs), changes=changes, open_world_risk=risk, budget_spent=purse.spent,
    )  # fmt: skip


def _answer(sides: tuple[Side, Side], direction: Direction, world: WorldName, purse: Budget) -> _Answer:
    writer, reader = sides if direction == "backward" else (sides[1], sides[0])
    try:
        sent = writer.closed if world == "declared" else writer.normal
        restriction = writer.restriction if world == "declared" else None
        return _contained(
            sent,
            reader.normal,
            Contest(writer.documents, reader.documents, restriction, formats=writer.formats),
            purse,
        )
    except Exhausted as end:
        return _Answer(reason=end.reason)
    except RecursionError:
        return _Answer(reason="the schemas are nested too deeply for the search")


def _contained(sent: Rewritten, read: Rewritten, contest: Contest, purse: Budget) -> _Answer:
    world = World(
        {**sent.definitions, **read.definitions},
        sent.backtracking or read.backtracking,
        representatives(sent, read),
    )
    if world.node(sent.root).target is world.node(read.root).target:
        return _Answer(proof="the reader's schema is the writer's")
    return _searched(world, sent, read, contest, purse)


def _searched(world: World, sent: Rewritten, read: Rewritten, contest: Contest, purse: Budget) -> _Answer:
    """Build an instance of the difference, or show that there is none."""
    literals = [(world.node(sent.root), True), (world.node(read.root), False)]
    if literals[0][0].implies(literals[1][0]):
        return _Answer(proof="structure: each keyword of the reader's schema follows from the writer's")
    near = _nearby(literals, contest, purse)
    if near is not None:
        return near
    if algebra.covers(read, sent):
        return _Answer(proof="set algebra: every case of the writer's schema is inside the reader's")
    outline = world.node(sent.root if sent.outline is None else sent.outline)
    deep = _deep(outline, literals, contest, purse)
    if deep is not None:
        return deep
    answer = _by_cases(world, literals, contest, purse)
    return answer if answer.reason is None else _guessed(sent, read, contest, answer.reason)


def _deep(
    outline: Node, literals: list[tuple[Node, bool]], contest: Contest, purse: Budget
) -> _Answer | None:
    """What walking both schemas side by side finds; None when that decides nothing."""
    (whole, _), (reader, _) = literals
    for instance in differences(outline, reader, purse):
        witness = _readable(instance, contest)
        if witness is not None:
            return _Answer(witness=witness)
    if whole.implies(reader):
        return _Answer(
            proof="structure: what the reader asks follows at each place, where need be by case analysis"
        )
    return None


def _by_cases(world: World, literals: list[tuple[Node, bool]], contest: Contest, purse: Budget) -> _Answer:
    asked = list(literals)
    try:
        for _ in range(_SECOND_THOUGHTS):
            found = Search(purse).find(asked)
            if found is None and len(asked) == len(literals):
                return _Answer(proof=_no_case_left(purse))
            if found is None:
                break
            witness = _readable(found.value, contest)
            if witness is not None:
                return _Answer(witness=witness)
            _log.warning("defect: the validators do not confirm the counterexample %.200r", found.value)
            asked.append((world.node({"const": found.value}), False))
    except Exhausted as end:
        return _Answer(reason=end.reason)
    return _Answer(reason="the validators do not confirm the counterexamples that were found")


def _nearby(literals: list[tuple[Node, bool]], contest: Contest, purse: Budget) -> _Answer | None:
    """What a few steps find; None when they do not.

    Where there is a difference it is mostly near, and the set algebra would work out both schemas before it says so.
    """
    part = purse.part(_FEW_STEPS)
    try:
        found = Search(part).find(literals)
    except Exhausted:
        return None
    finally:
        purse.spent += part.spent
    if found is None:
        return _Answer(proof=_no_case_left(purse))
    witness = _readable(found.value, contest)
    return None if witness is None else _Answer(witness=witness)


def _no_case_left(purse: Budget) -> str:
    return f"case analysis: no instance is left outside the reader's schema ({purse.spent} steps)"


def _guessed(sent: Rewritten, read: Rewritten, contest: Contest, reason: str) -> _Answer:
    for instance in guesses(sent, read):
        witness = _readable(instance, contest)
        if witness is not None:
            return _Answer(witness=witness)
    return _Answer(reason=reason)


def _readable(instance: Any, contest: Contest) -> Witness | None:
    """The witness, as small as it can easily be made, if the second validator agrees about it or about the instance."""
    if not contest.looks_won(instance):
        return None
    smaller = shrunk(instance, contest.looks_won)
    return next((Witness(each, contest) for each in (smaller, instance) if contest.won(each)), None)


def _open_world_risk(
    sides: tuple[Side, Side], mode: Mode, changes: tuple[Change, ...], purse: Budget
) -> OpenWorldRisk | None:
    """What breaks for writers that send undeclared fields already, if anything does."""
    for direction in _DIRECTIONS[mode]:
        answer = _answer(sides, direction, "open", purse.again())
        if answer.witness is not None:
            change = next(iter(first_tripped(changes, answer.witness, direction)), None)
            return OpenWorldRisk(_blamed(answer.witness), answer.witness, change)
    return None


def _blamed(witness: Witness) -> str | None:
    """The property that the reader refuses, by name."""
    places = [error.pointer.split("/")[1:] for error in witness.errors if error.pointer]
    names = [part for parts in places for part in reversed(parts) if not part.isdigit()]
    return names[0].replace("~1", "/").replace("~0", "~") if names else None


def bump(
    old: Schema,
    new: Schema,
    *,
    world: WorldName = "declared",
    dialect: str | None = None,
    store: Store | None = None,
    budget: int | None = None,
    formats: bool = False,
    known: Verdict | None = None,
) -> Bump:
    """The SemVer step from old to new, the two compared as sets in one world.

    Equal sets are a patch, a proven widening is a minor, everything else, undecided included, is a major.
    `known` is what `check` said about this very pair; it saves asking again what it answers already. Raises SchemaError.
    """
    shown = _shown_major(known, world)
    if shown is not None:
        return Bump("major", _NARROWED, shown)
    sides = _sides(old, new, dialect, store, formats=formats)
    with _deep_stack():
        return _bump(sides, world, budget or DEFAULT_STEPS)


def _shown_major(known: Verdict | None, world: WorldName) -> Witness | None:
    """The witness of a verdict, where it shows that the new version admits less in this world too.

    A backward witness is in the old set (of this world) and refused by the new schema. declared(new) is a part of
    what new accepts, so the witness is outside the new set in either world: old is not contained in new. The converse
    does not hold: what new accepts may be outside declared(new), so a proof is not taken over.
    """
    usable = known is not None and known.world == world and known.direction == "backward"
    return known.witness if known is not None and usable else None


def _bump(sides: tuple[Side, Side], world: WorldName, steps: int) -> Bump:
    purse = Budget(steps)
    widened = _inside(sides[0], sides[1], world, purse)
    if widened.witness is not None:
        return Bump("major", _NARROWED, widened.witness)
    if widened.proof is None:
        return Bump(
            "major",
            f"it could not be proven that the new version accepts what the old one did: {widened.reason}",
        )
    equal = _inside(sides[1], sides[0], world, purse.again())
    if equal.proof is not None:
        return Bump("patch", "both versions admit the same instances")
    if equal.witness is not None:
        return Bump("minor", "the new version admits everything the old one did, and more", equal.witness)
    return Bump("minor", f"the new version admits everything the old one did; perhaps more ({equal.reason})")


def _inside(narrow: Side, wide: Side, world: WorldName, purse: Budget) -> _Answer:
    """Containment with both schemas in the same world, unlike `check`, where only the writer is restricted."""
    if world == "open":
        return _answer((narrow, wide), "backward", "open", purse)
    try:
        contest = Contest(narrow.restriction, wide.restriction, formats=narrow.formats)
        return _contained(narrow.closed, wide.closed, contest, purse)
    except Exhausted as end:
        return _Answer(reason=end.reason)
    except RecursionError:
        return _Answer(reason="the schemas are nested too deeply for the search")
