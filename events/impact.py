"""What a new schema would do to events that are stored: a tally that can be stopped, kept as JSON and gone on with."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from compat import Validator, Violation

#: Ways to fail that are told apart; further ones are counted together.
MOST_SHAPES = 50
_EXAMPLES = 3
_POSITIONS = re.compile(r"/\d+(?=/|$)")
_OTHER = "other"


@dataclass(slots=True)
class Share:
    """Of the events that one version judged: how many, how many the new schema refuses, and how many only it refuses."""

    seen: int = 0
    refused: int = 0
    valid_today: int = 0

    def add(self, *, refused: bool, accepted: bool) -> None:
        self.seen += 1
        self.refused += refused
        self.valid_today += refused and accepted


@dataclass(slots=True)
class Shape:
    """One way to fail: place (positions in arrays left out), keyword and, where a property is missing, which."""

    pointer: str
    keyword: str
    message: str
    count: int = 0
    event_id: str = ""


@dataclass(slots=True)
class Tally:
    """Counts over the events looked at so far."""

    total: Share = field(default_factory=Share)
    # By the id of the content that judged the event.
    by_content: dict[str, Share] = field(default_factory=dict)
    # Of events that are valid today.
    shapes: dict[str, Shape] = field(default_factory=dict)
    examples: list[dict[str, str]] = field(default_factory=list)
    # Events that carry each of the undeclared properties asked about.
    carrying: dict[str, int] = field(default_factory=dict)

    @classmethod
    def asking_for(cls, properties: Sequence[str]) -> "Tally":
        return cls(carrying=dict.fromkeys(properties, 0))

    @classmethod
    def of(cls, kept: dict[str, Any]) -> "Tally":
        """What `asdict` gave, as JSON keeps it."""
        return cls(
            total=Share(**kept["total"]),
            by_content={key: Share(**share) for key, share in kept["by_content"].items()},
            shapes={key: Shape(**shape) for key, shape in kept["shapes"].items()},
            examples=kept["examples"],
            carrying=kept["carrying"],
        )

    def kept(self) -> dict[str, Any]:
        return asdict(self)

    def note(
        self,
        validator: Validator,
        metadata: Any,
        *,
        event_id: str,
        content_id: int | None,
        accepted: bool,
    ) -> None:
        """Judges one event; `accepted` is what the version said that judged it when it came."""
        for name in self.carrying:
            self.carrying[name] += _carries(metadata, name)
        refused = not validator.is_valid(metadata)
        self.total.add(refused=refused, accepted=accepted)
        share = self.by_content.setdefault(str(content_id or ""), Share())
        share.add(refused=refused, accepted=accepted)
        if refused and accepted:
            self._note_shape(validator.errors(metadata)[0], event_id)

    def _note_shape(self, first: Violation, event_id: str) -> None:
        pointer = f"/metadata{first.pointer}"
        if len(self.examples) < _EXAMPLES:
            self.examples.append(
                {
                    "event_id": event_id,
                    "pointer": pointer,
                    "keyword": first.keyword,
                    "message": first.message[:300],
                }
            )
        place = _POSITIONS.sub("/*", pointer)
        key = "\n".join((place, first.keyword, first.message if first.keyword == "required" else ""))
        if key not in self.shapes and len(self.shapes) >= MOST_SHAPES:
            key = _OTHER
            self.shapes.setdefault(key, Shape("", _OTHER, f"{MOST_SHAPES} other ways to fail are told above"))
        shape = self.shapes.setdefault(key, Shape(place, first.keyword, first.message[:300], 0, event_id))
        shape.count += 1

    def told_shapes(self, *, with_events: bool) -> list[dict[str, Any]]:
        """The ways to fail, the most frequent first; messages and ids quote events."""
        shapes = sorted(self.shapes.values(), key=lambda shape: (-shape.count, shape.pointer))
        if with_events:
            return [asdict(shape) for shape in shapes]
        return [{"pointer": s.pointer, "keyword": s.keyword, "count": s.count} for s in shapes]


def _carries(value: Any, name: str) -> bool:
    """Whether a property of this name stands anywhere in the value."""
    waiting = [value]
    while waiting:
        current = waiting.pop()
        if isinstance(current, dict):
            if name in current:
                return True
            waiting.extend(current.values())
        elif isinstance(current, list):
            waiting.extend(current)
    return False
