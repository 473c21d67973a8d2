"""What differs between two schemas, change by change, walked side by side as a person would read them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from compat.changes import branches, rules
from compat.changes.pairs import Pair, Spot, followed
from compat.documents import Documents
from compat.values import same
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
    closest = max(changes, key=lambda change: _closeness(change, witness, direction))
    rest = (change for change in changes if change is not closest)
    if direction not in closest.breaks:
        closest = replace(closest, breaks=(*closest.breaks, direction))
    return (closest, *rest)


def _closeness(change: Change, witness: Witness, direction: Direction) -> tuple[bool, float, bool]:
    place = change.new_pointer if direction == "backward" else change.old_pointer
    score = max((_nearness(place, cause.schema_pointer) for cause in witness.causes), default=0.0)
    named = any(
        f"{word}`" in change.sentence for cause in witness.causes for word in cause.message.split('"')[1::2]
    )
    return direction in change.breaks, score, named


def _nearness(place: str, refused: str) -> float:
    """How much of two schema pointers is common; the same place is nearest."""
    left, right = place.split("/"), refused.split("/")
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
    _references: dict[int, bool] = field(default_factory=dict)

    def pair(self, pair: Pair) -> Iterator[Change]:
        """The changes at one place and below it."""
        pair = Pair(followed(pair.old), followed(pair.new), pair.place, pair.world)
        old, new = pair.old.schema, pair.new.schema
        # Comparing as Python does is quick and only takes more for equal than JSON does (1 and true).
        if old is new or (old == new and not self.refers(old) and same(old, new)):
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

    def refers(self, schema: Any) -> bool:
        """Whether equal texts may still mean different things: a `$ref` leads to what may have changed."""
        if not isinstance(schema, (dict, list)):
            return False
        if id(schema) not in self._references:
            parts = schema.values() if isinstance(schema, dict) else schema
            self._references[id(schema)] = "$ref" in schema or any(self.refers(part) for part in parts)
        return self._references[id(schema)]
