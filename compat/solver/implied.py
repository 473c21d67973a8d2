"""Whether one node follows from another keyword by keyword: quick, sound, and far from complete.

The reader's keywords are looked for in what the writer says at the same place. A pair that is met again further inside the
instance is assumed to hold, which is induction over the instance: a smallest one that refutes the pair cannot contain a
smaller one. No pair can be met again at the same place, as endless references were refused before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from compat.solver.follows import ANY_OTHER, RULES, Question
from compat.solver.parts import demanded_at, required_of

if TYPE_CHECKING:
    from compat.solver.nodes import Node

Pair: TypeAlias = tuple[int, int]
#: Pairs looked at in one question; afterwards nothing new follows.
_MOST_PAIRS = 8_000
#: Pairs that may be looked at besides for each that was learnt.
_MORE_PAIRS = 200
#: Pairs that are told apart in one question.
_MOST_COMPARED = 40_000


@dataclass
class Implications:
    """What was found out about pairs of nodes so far."""

    _known: dict[Pair, bool] = field(default_factory=dict)
    #: Pairs that hold as long as what is being asked holds.
    _tentative: list[Pair] = field(default_factory=list)
    _asking: set[Pair] = field(default_factory=set)
    _apart: dict[Pair, bool] = field(default_factory=dict)
    #: How many pairs were looked at.
    looked: int = 0
    _compared: int = 0

    def holds(self, narrow: Node, wide: Node) -> bool:
        """True is a proof that `wide` accepts whatever `narrow` does; False says nothing."""
        narrow, wide = narrow.target, wide.target
        if narrow is wide or wide.schema is True or narrow.schema is False:
            return True
        if isinstance(narrow.schema, bool) or isinstance(wide.schema, bool):
            return False
        pair = (narrow.number, wide.number)
        if pair in self._known:
            return self._known[pair]
        if pair in self._asking:
            return True
        return self._asked(pair, narrow, wide)

    def learn(self, narrow: Node, wide: Node) -> None:
        """That a pair holds was proven in another way; what seemed not to follow may follow from it."""
        self._known = {pair: True for pair, follows in self._known.items() if follows}
        self._known[narrow.target.number, wide.target.number] = True
        self.looked -= _MORE_PAIRS

    def _asked(self, pair: Pair, narrow: Node, wide: Node) -> bool:
        self.looked += 1
        if self.looked > _MOST_PAIRS:
            return False
        begun = len(self._tentative)
        self._asking.add(pair)
        follows = self._follows(narrow, wide)
        self._asking.discard(pair)
        self._known[pair] = follows
        if follows:
            self._tentative.append(pair)
        else:
            # What was concluded meanwhile may have assumed this pair.
            for doubtful in self._tentative[begun:]:
                del self._known[doubtful]
            del self._tentative[begun:]
        if not self._asking:
            self._tentative.clear()
        return follows

    def _follows(self, narrow: Node, wide: Node) -> bool:
        if narrow.values is not None and all(wide.accepts(value) for value in narrow.values):
            return True
        if self._by_keywords(narrow, wide):
            return True
        return any(self._by_branches(part, wide) for part in narrow.parts)

    def _by_keywords(self, narrow: Node, wide: Node) -> bool:
        schema = wide.schema
        assert isinstance(schema, dict)
        for keyword in schema:
            about, rule = RULES.get(keyword, ANY_OTHER)
            if about is not None and about not in narrow.kinds:
                continue
            if not rule(Question(self, narrow.parts, narrow.kinds, wide, keyword)):
                return False
        return True

    def _by_branches(self, part: Node, wide: Node) -> bool:
        """Each case of a union by itself."""
        schema = part.schema
        assert isinstance(schema, dict)
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema and all(self.holds(part.child(branch), wide) for branch in schema[keyword]):
                return True
        return False

    def apart(self, left: Node, right: Node) -> bool:
        """True is a proof that no instance satisfies both: by their types, or by a property that one of them insists on."""
        left, right = left.target, right.target
        pair = (left.number, right.number)
        if pair not in self._apart:
            self._compared += 1
            if self._compared > _MOST_COMPARED:
                return False
            kinds = left.kinds & right.kinds
            told_apart = kinds == {"object"} and (
                self._members_apart(left.parts, right.parts) or self._members_apart(right.parts, left.parts)
            )
            self._apart[pair] = told_apart or not kinds
        return self._apart[pair]

    def _members_apart(self, one: list[Node], other: list[Node]) -> bool:
        """Whether one side insists on a property that the other does not take, at all or as the one has it."""
        for name in required_of(one):
            demanded = demanded_at(name, other)
            if any(node.schema is False for node in demanded) or self._tagged_apart(name, one, demanded):
                return True
        return False

    def _tagged_apart(self, name: str, one: list[Node], demanded: list[Node]) -> bool:
        values = next((node.values for node in demanded_at(name, one) if node.values is not None), None)
        if values is None:
            return False
        return any(not any(node.accepts(value) for value in values) for node in demanded)
