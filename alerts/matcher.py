"""Which episodes are meant: tests of their labels. Pure.

The labels of an episode are `rule` (its name), `severity`, and what it is grouped by, under the names of these fields. Each test
compares texts; a label that an episode lacks, or whose value is null, fits no test, `ne` included: missing is never equal, and
never different. So a mistaken name hides nothing.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

OPS = {"eq": "is", "ne": "is not", "in": "is one of", "like": "is like"}
MAX_MATCHERS = 20
MAX_TEXT = 1_000
MAX_LIST = 100


@dataclass(frozen=True, slots=True)
class Matcher:
    """`like` takes `*` for any text; `in` has several values, the others one."""

    label: str
    op: str
    values: tuple[str, ...]

    def fits(self, labels: Mapping[str, str]) -> bool:
        found = labels.get(self.label)
        if found is None:
            return False
        if self.op == "ne":
            return found not in self.values
        if self.op == "like":
            return _is_like(found, self.values[0])
        return found in self.values

    def as_json(self) -> dict[str, Any]:
        value: Any = list(self.values) if self.op == "in" else self.values[0]
        return {"label": self.label, "op": self.op, "value": value}

    def __str__(self) -> str:
        return f"{self.label} {OPS[self.op]} {', '.join(self.values)}"


class Unreadable(ValueError):
    """`pointer` is the place in the list of matchers."""

    def __init__(self, pointer: str, sentence: str) -> None:
        super().__init__(sentence)
        self.pointer = pointer


def read_matchers(given: Any) -> tuple[Matcher, ...]:
    """Raises Unreadable."""
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_MATCHERS:
        raise Unreadable("", f"There are 1 to {MAX_MATCHERS} matchers, each with label, op and value.")
    return tuple(_read(one, f"/{index}") for index, one in enumerate(given))


def fit(matchers: Sequence[Matcher], labels: Mapping[str, str]) -> bool:
    return all(one.fits(labels) for one in matchers)


def _read(given: Any, place: str) -> Matcher:
    if not isinstance(given, dict) or set(given) != {"label", "op", "value"}:
        raise Unreadable(place, "A matcher has label, op and value, and nothing else.")
    label, op, value = given["label"], given["op"], given["value"]
    if not isinstance(label, str) or not 1 <= len(label) <= MAX_TEXT:
        raise Unreadable(f"{place}/label", "A label is rule, severity, or a field that rules group by.")
    if not isinstance(op, str) or op not in OPS:
        raise Unreadable(f"{place}/op", f"An op is one of {', '.join(OPS)}.")
    listed = value if isinstance(value, list) else None
    if (op == "in") != (listed is not None):
        raise Unreadable(f"{place}/value", "The value of 'in' is a list, that of every other op a text.")
    texts = listed if listed is not None else [value]
    if not 1 <= len(texts) <= MAX_LIST or not all(_is_text(text) for text in texts):
        raise Unreadable(
            f"{place}/value",
            f"A value is a text of 1 to {MAX_TEXT:,} characters, a list has 1 to {MAX_LIST}.",
        )
    return Matcher(label, op, tuple(texts))


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= MAX_TEXT and "\0" not in value


def _is_like(text: str, pattern: str) -> bool:
    """Piece by piece from the left, so that no pattern takes long."""
    first, *rest = re.split(r"\*+", pattern)
    if not rest:
        return text == pattern
    *middle, last = rest
    if not text.startswith(first):
        return False
    at = len(first)
    for piece in middle:
        found = text.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return len(text) - at >= len(last) and text.endswith(last)
