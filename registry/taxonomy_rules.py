"""What may change between two editions of a taxonomy, and what the new one has to be called.

A code is a promise: programs store it, alert rules name it, people search for it. So it is never removed,
never renumbered, and its number and slug are never given to something else; it is deprecated and stays.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Literal

from registry.taxonomy_tree import Area, Code, Tree

# Ordered: a later one outweighs an earlier one.
Weight = Literal["patch", "minor", "major", "forbidden"]
WEIGHTS: tuple[Weight, ...] = ("patch", "minor", "major", "forbidden")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: what it is about (a short code, an area token, or "" for the document) and what it asks for."""

    kind: str
    about: str
    weight: Weight
    sentence: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def compare(old: Tree, new: Tree) -> list[Change]:
    """Every difference that matters to a reader of codes, the heaviest first."""
    changes = [
        *_document_changes(old, new),
        *_area_changes(old, new),
        *_removed(old, new),
        *_added(old, new),
        *(c for code in old.codes if code.short in new.by_short for c in _code_changes(code, new)),
    ]
    return sorted(changes, key=lambda change: -WEIGHTS.index(change.weight))


def required_bump(changes: list[Change]) -> Weight:
    """The heaviest weight among the changes; no change at all is a patch."""
    return max((change.weight for change in changes), key=WEIGHTS.index, default="patch")


def _document_changes(old: Tree, new: Tree) -> Iterator[Change]:
    if old.prefix != new.prefix:
        yield Change(
            "PREFIX_CHANGED", "", "forbidden", f"The prefix {old.prefix} of every code became {new.prefix}."
        )
    if old.description != new.description:
        yield Change("DESCRIPTION_CHANGED", "", "patch", "The taxonomy is described in other words.")


def _area_changes(old: Tree, new: Tree) -> Iterator[Change]:
    before, after = ({area.token: area for area in tree.areas} for tree in (old, new))
    for token in sorted(before.keys() - after.keys()):
        yield Change(
            "AREA_REMOVED", token, "forbidden", f"The area {token} was removed; its range stays reserved."
        )
    for token in sorted(after.keys() - before.keys()):
        yield Change("AREA_ADDED", token, "minor", f"The area {token} is new.")
    for token in sorted(before.keys() & after.keys()):
        yield from _changes_of_area(before[token], after[token])


def _changes_of_area(old: Area, new: Area) -> Iterator[Change]:
    for alias in sorted(set(old.aliases) - set(new.aliases)):
        yield Change("AREA_ALIAS_REMOVED", old.token, "major", f"{alias} no longer means {old.token}.")
    for alias in sorted(set(new.aliases) - set(old.aliases)):
        yield Change("AREA_ALIAS_ADDED", old.token, "minor", f"{alias} now means {old.token} too.")
    if (old.first, old.last) != (new.first, new.last):
        sentence = f"The range {old.first}–{old.last} of {old.token} became {new.first}–{new.last}."
        wider = new.first <= old.first and new.last >= old.last
        yield Change("AREA_RANGE_CHANGED", old.token, "minor" if wider else "major", sentence)
    if (old.name, old.meaning) != (new.name, new.meaning):
        yield Change("AREA_REWORDED", old.token, "patch", f"{old.token} is described in other words.")


def _removed(old: Tree, new: Tree) -> Iterator[Change]:
    for code in old.codes:
        if code.short in new.by_short:
            continue
        moved = next((c for c in new.codes if c.slug == code.slug and c.short not in old.by_short), None)
        if moved is not None:
            sentence = (
                f"{code.short} became {moved.short}. Numbers are for ever: deprecate it and add the other."
            )
            yield Change("CODE_RENUMBERED", code.short, "forbidden", sentence)
        else:
            sentence = f"{code.short} was removed. Deprecate it instead: its number stays taken for ever."
            yield Change("CODE_REMOVED", code.short, "forbidden", sentence)


def _added(old: Tree, new: Tree) -> Iterator[Change]:
    for code in new.codes:
        if code.short not in old.by_short:
            yield Change("CODE_ADDED", code.short, "minor", f"{code.long} is new.")


def _code_changes(old: Code, tree: Tree) -> Iterator[Change]:
    new = tree.by_short[old.short]
    if old.slug != new.slug:
        sentence = (
            f"{old.short} was {old.slug} and is now {new.slug}. A number is never reused: add a new code."
        )
        yield Change("CODE_REUSED", old.short, "forbidden", sentence)
    for field, weight in _FIELD_WEIGHT.items():
        before, after = getattr(old, field), getattr(new, field)
        if before != after:
            sentence = f"{field} of {old.short} changed from {before!r} to {after!r}."
            yield Change(f"{field.upper()}_CHANGED", old.short, weight, sentence)
    yield from _status_change(old, new)
    yield from _alias_changes(old, new)
    yield from _deprecation_changes(old, new)


# `meaning` is the promise, `description` the explanation: the second may be reworded at any time.
_FIELD_WEIGHT: dict[str, Weight] = {
    "meaning": "major",
    "severity": "major",
    "recoverable": "major",
    "exit_code": "major",
    "since": "major",
    "description": "patch",
    "owner": "patch",
}


def _status_change(old: Code, new: Code) -> Iterator[Change]:
    if old.http_status == new.http_status:
        return
    same_class = old.http_status is None or (old.http_status // 100 == (new.http_status or 0) // 100)
    sentence = f"http_status of {old.short} changed from {old.http_status} to {new.http_status}."
    yield Change("HTTP_STATUS_CHANGED", old.short, "minor" if same_class else "major", sentence)


def _alias_changes(old: Code, new: Code) -> Iterator[Change]:
    for alias in sorted(set(old.aliases) - set(new.aliases)):
        yield Change("ALIAS_REMOVED", old.short, "major", f"{alias} no longer means {old.short}.")
    for alias in sorted(set(new.aliases) - set(old.aliases)):
        yield Change("ALIAS_ADDED", old.short, "minor", f"{alias} now means {old.short} too.")
    if old.parent != new.parent:
        # Whoever matched the old parent stops getting this code; a first parent takes nothing from anybody.
        weight: Weight = "minor" if old.parent is None else "major"
        sentence = f"The parent of {old.short} changed from {old.parent} to {new.parent}."
        yield Change("PARENT_CHANGED", old.short, weight, sentence)


def _deprecation_changes(old: Code, new: Code) -> Iterator[Change]:
    if old.deprecated is None and new.deprecated is not None:
        instead = f"; use {new.replaced_by} instead" if new.replaced_by else ""
        yield Change("CODE_DEPRECATED", old.short, "minor", f"{old.short} is deprecated{instead}.")
    elif (old.deprecated, old.replaced_by) != (new.deprecated, new.replaced_by):
        yield Change("DEPRECATION_CHANGED", old.short, "minor", f"The deprecation of {old.short} changed.")
