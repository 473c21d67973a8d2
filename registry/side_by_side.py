"""Two schema texts beside each other, line by line, with what is the same folded away."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from registry.templatetags.ui import indented

#: Lines of one text; comparing many more takes longer than anybody waits for a page.
MOST_LINES = 6_000
_AROUND = 3

Kind = Literal["same", "changed", "removed", "added", "folded"]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the older text and one of the newer, either of which may be missing. Folded: `count` equal lines."""

    kind: Kind
    old_number: int | None = None
    old: str = ""
    new_number: int | None = None
    new: str = ""
    count: int = 0


def side_by_side(old: str, new: str) -> list[Row] | None:
    """None when a text is too long to be compared. Both are indented alike; numbers and escapes stay as written."""
    one, two = indented(old).splitlines(), indented(new).splitlines()
    if max(len(one), len(two)) > MOST_LINES:
        return None
    matcher = SequenceMatcher(None, one, two, autojunk=False)
    return [
        row
        for name, i1, i2, j1, j2 in matcher.get_opcodes()
        for row in (
            _equal(one, i1, i2, j1, last=(i2, j2) == (len(one), len(two)))
            if name == "equal"
            else _different(one[i1:i2], i1, two[j1:j2], j1)
        )
    ]


def _equal(lines: list[str], start: int, end: int, other: int, *, last: bool) -> Iterator[Row]:
    before = _AROUND if start else 0
    after = 0 if last else _AROUND
    hidden = end - start - before - after
    for offset in range(end - start):
        if hidden > 1 and before <= offset < before + hidden:
            if offset == before:
                yield Row("folded", count=hidden)
            continue
        line = lines[start + offset]
        yield Row("same", start + offset + 1, line, other + offset + 1, line)


def _different(old: list[str], old_start: int, new: list[str], new_start: int) -> Iterator[Row]:
    for offset in range(max(len(old), len(new))):
        left, right = offset < len(old), offset < len(new)
        yield Row(
            "changed" if left and right else "removed" if left else "added",
            old_start + offset + 1 if left else None,
            old[offset] if left else "",
            new_start + offset + 1 if right else None,
            new[offset] if right else "",
        )
