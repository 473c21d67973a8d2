"""What differs between two schemas, change by change, walked side by side as a person would read them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from compat.changes import branches, rules
from compat.changes.pairs import Pair, Spot, followed, unchanged
from compat.documents import Documents
from compat.validation import Violation
from compat.verdict import Change, Direction, World
from compat.witness import Witness

#: Enough for any reader; a diff of two unrelated schemas stops here.
MOST_CHANGES = 500


def changes_between(old: Documents, new: Documents, world: World) -> tuple[Change, ...]:
    """Every difference a person would name, outermost first; annotation-only ones come last."""
    walk = _Walk(world)
    start = Pair(_root(old), _root(new), (), world)
    found: list[Change] = []
    for change in walk.pair(start):
        found.append(change)
        if len(found) == MOST_CHANGES:
            break
    return tuple(sorted(found, key=lambda change: change.harmless))


def first_tripped(changes: tuple[Change, ...], witness: Witness, direction: Direction) -> tuple[Change, ...]:
    """The same changes, the one that the witness trips over first.

    A rule looks at one keyword only, so all may be called harmless while the witness shows that together they are not:
    then the one it trips over is what breaks.
    """
    if not changes:
        return changes
    refused = [_Refused.of(cause) for cause in witness.causes]
    closest = max(changes, key=lambda change: _closeness(change, refused, direction))
    rest = (change for change in changes if change is not closest)
    if direction not in closest.breaks:
        closest = replace(closest, breaks=(*closest.breaks, direction))
    return (closest, *rest)


@dataclass(frozen=True)
class _Refused:
    """What a reader refuses about a witness: where its schema says so, and the names that the message quotes."""

    place: list[str]
    named: list[str]

    @classmethod
    def of(cls, cause: Violation) -> _Refused:
        return cls(cause.schema_pointer.split("/"), [f"{word}`" for word in cause.message.split('"')[1::2]])


def _closeness(change: Change, refused: list[_Refused], direction: Direction) -> tuple[bool, float, bool]:
    place = (change.new_pointer if direction == "backward" else change.old_pointer).split("/")
    score = max((_nearness(place, cause.place) for cause in refused), default=0.0)
    named = any(word in change.sentence for cause in refused for word in cause.named)
    return direction in change.breaks, score, named


def _nearness(left: list[str], right: list[str]) -> float:
    """How much of two schema pointers is common; the same place is nearest."""
    common = 0
    while common < min(len(left), len(right)) and left[common] == right[common]:
        common += 1
    return (common - 0.1 * (len(left) - common) - 0.05 * (len(right) - common)) / len(right)


def _root(documents: Documents) -> Spot:
    return Spot(documents.root, (), documents.dialect, documents.registry.resolver(documents.base_uri))


@dataclass
class _Walk:
    world: World
    seen: set[tuple[int, int]] = field(default_factory=set)
    #: References that led to two schemas which were seen.
    followed: set[tuple[str | None, ...]] = field(default_factory=set)

    def pair(self, pair: Pair) -> Iterator[Change]:
        """The changes at one place and below it."""
        references = (*pair.old.reference, *pair.new.reference)
        if references in self.followed:
            return
        pair = Pair(followed(pair.old), followed(pair.new), pair.place, pair.world)
        old, new = pair.old.schema, pair.new.schema
        if None not in references and isinstance(old, dict) and isinstance(new, dict):
            self.followed.add(references)
        if unchanged(old, new):
            return
        if isinstance(old, bool) or isinstance(new, bool):
            yield from branches.boolean_schema(pair)
            return
        if (id(old), id(new)) in self.seen:
            return
        self.seen.add((id(old), id(new)))
        for rule in rules.rules_for(old, new):
            for found in rule(pair):
                if isinstance(found, Change):
                    yield found
                else:
                    yield from self.pair(found)
