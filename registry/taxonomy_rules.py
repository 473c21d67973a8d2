"""What may change between two editions of a taxonomy, and what the new one has to be called.

A code is a promise: programs store it, alert rules name it, people search for it. So it is never removed,
never renumbered, and its number and slug are never given to something else; it is deprecated and stays.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from registry.taxonomy_tree import Area, Code, Tree

# Ordered: a later one outweighs an earlier one.
Weight = Literal["patch", "minor", "major", "forbidden"]
WEIGHTS: tuple[Weight, ...] = ("patch", "minor", "major", "forbidden")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: what it is about (a short code, an area token, or "" for the document) and what it asks for.

    `pointer` leads into the new document, or into the old one where the new has no such place; `rule` is what a
    refused change breaks, `remedy` what to do instead, both "" where nothing is asked for.
    """

    kind: str
    about: str
    weight: Weight
    sentence: str
    pointer: str = ""
    rule: str = ""
    remedy: str = ""

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


# Rules of the changes that are refused or break somebody; docs/reference/taxonomies.md explains each.
NEVER_REMOVED = "codes-are-never-removed"
NEVER_RENUMBERED = "codes-are-never-renumbered"
NEVER_REUSED = "codes-are-never-reused"
RESERVED = "retired-numbers-stay-reserved"
PROMISES = "promises-change-in-a-major"


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


def required_bump(changes: Sequence[Change]) -> Weight:
    """The heaviest weight among the changes; no change at all is a patch."""
    return max((change.weight for change in changes), key=WEIGHTS.index, default="patch")


def _forbidden(kind: str, about: str, sentence: str, pointer: str, *, rule: str, remedy: str) -> Change:
    return Change(kind, about, "forbidden", sentence, pointer, rule, remedy)


def _breaking(kind: str, about: str, sentence: str, pointer: str) -> Change:
    remedy = (
        "Take the change back, or declare the next major version; readers of this one then stay as they are."
    )
    return Change(kind, about, "major", sentence, pointer, PROMISES, remedy)


def _document_changes(old: Tree, new: Tree) -> Iterator[Change]:
    if old.prefix != new.prefix:
        sentence = f"The prefix {old.prefix} of every code became {new.prefix}."
        remedy = f"Keep {old.prefix}; codes with another prefix are another taxonomy."
        yield _forbidden("PREFIX_CHANGED", "", sentence, "/prefix", rule=NEVER_RENUMBERED, remedy=remedy)
    if old.description != new.description:
        sentence = "The taxonomy is described in other words."
        yield Change("DESCRIPTION_CHANGED", "", "patch", sentence, "/description")


def _area_changes(old: Tree, new: Tree) -> Iterator[Change]:
    before, after = ({area.token: area for area in tree.areas} for tree in (old, new))
    for token in sorted(before.keys() - after.keys()):
        sentence = f"The area {token} was removed; its range stays reserved."
        remedy = "Put the area back with all its codes, and deprecate those that nobody should send."
        yield _forbidden(
            "AREA_REMOVED", token, sentence, old.pointers[token], rule=NEVER_REMOVED, remedy=remedy
        )
    for token in sorted(after.keys() - before.keys()):
        yield Change("AREA_ADDED", token, "minor", f"The area {token} is new.", new.pointers[token])
    for token in sorted(before.keys() & after.keys()):
        yield from _changes_of_area(before[token], after[token], new.pointers[token])


def _changes_of_area(old: Area, new: Area, pointer: str) -> Iterator[Change]:
    token = old.token
    for alias in sorted(set(old.aliases) - set(new.aliases)):
        sentence = f"{alias} no longer means {token}."
        yield _breaking("AREA_ALIAS_REMOVED", token, sentence, f"{pointer}/aliases")
    for alias in sorted(set(new.aliases) - set(old.aliases)):
        yield Change(
            "AREA_ALIAS_ADDED", token, "minor", f"{alias} now means {token} too.", f"{pointer}/aliases"
        )
    yield from _range_changes(old, new, pointer)
    yield from _reservations(old, new, pointer)
    if (old.name, old.meaning) != (new.name, new.meaning):
        yield Change("AREA_REWORDED", token, "patch", f"{token} is described in other words.", pointer)


def _range_changes(old: Area, new: Area, pointer: str) -> Iterator[Change]:
    if (old.first, old.last) == (new.first, new.last):
        return
    sentence = f"The range {old.first}–{old.last} of {old.token} became {new.first}–{new.last}."
    if new.first <= old.first and new.last >= old.last:
        yield Change("AREA_RANGE_CHANGED", old.token, "minor", sentence, pointer)
    else:
        yield _breaking("AREA_RANGE_CHANGED", old.token, sentence, pointer)


def _reservations(old: Area, new: Area, pointer: str) -> Iterator[Change]:
    place = f"{pointer}/reserved"
    for number in sorted(set(old.reserved) - set(new.reserved)):
        sentence = f"The number {number:03} of {old.token} is no longer reserved."
        remedy = f"Put {number} back into `reserved`: a retired number is never given out again."
        yield _forbidden("RESERVATION_REMOVED", old.token, sentence, place, rule=RESERVED, remedy=remedy)
    for number in sorted(set(new.reserved) - set(old.reserved)):
        sentence = f"The number {number:03} of {old.token} is reserved for ever."
        yield Change("NUMBER_RESERVED", old.token, "patch", sentence, place)


def _removed(old: Tree, new: Tree) -> Iterator[Change]:
    for code in old.codes:
        if code.short in new.by_short:
            continue
        moved = next((c for c in new.codes if c.slug == code.slug and c.short not in old.by_short), None)
        if moved is not None:
            sentence = (
                f"{code.short} became {moved.short}. Numbers are for ever: deprecate it and add the other."
            )
            remedy = f"Put {code.short} back with `deprecated` and `replaced_by: {moved.short}`."
            place = new.pointers[moved.short]
            yield _forbidden(
                "CODE_RENUMBERED", code.short, sentence, place, rule=NEVER_RENUMBERED, remedy=remedy
            )
        else:
            sentence = f"{code.short} was removed. Deprecate it instead: its number stays taken for ever."
            remedy = (
                f"Put {code.short} back and give it `deprecated`, and `replaced_by` if there is a successor."
            )
            place = old.pointers[code.short]
            yield _forbidden("CODE_REMOVED", code.short, sentence, place, rule=NEVER_REMOVED, remedy=remedy)


def _added(old: Tree, new: Tree) -> Iterator[Change]:
    for pointer, code in new.placed:
        if code.short not in old.by_short:
            below = f", below {code.parent}: whoever asks for that gets this, too" if code.parent else ""
            yield Change("CODE_ADDED", code.short, "minor", f"{code.long} is new{below}.", pointer)


def _code_changes(old: Code, tree: Tree) -> Iterator[Change]:
    new, pointer = tree.by_short[old.short], tree.pointers[old.short]
    if old.slug != new.slug:
        yield _other_slug(old, new, pointer)
    for field, weight in _FIELD_WEIGHT.items():
        before, after = getattr(old, field), getattr(new, field)
        if before != after:
            sentence = f"{field} of {old.short} changed from {before!r} to {after!r}."
            kind, place = f"{field.upper()}_CHANGED", f"{pointer}/{field}"
            if weight == "major":
                yield _breaking(kind, old.short, sentence, place)
            else:
                yield Change(kind, old.short, weight, sentence, place)
    yield from _number_changes(old, new, pointer)
    yield from _alias_changes(old, new, pointer)
    yield from _parent_changes(old, new, pointer)
    yield from _deprecation_changes(old, new, pointer)


# `meaning` is the promise, `description` the explanation: the second may be reworded at any time.
_FIELD_WEIGHT: dict[str, Weight] = {
    "meaning": "major",
    "severity": "major",
    "recoverable": "major",
    "since": "major",
    "description": "patch",
    "owner": "patch",
}


def _other_slug(old: Code, new: Code, pointer: str) -> Change:
    sentence = f"{old.short} was {old.slug} and is now {new.slug}."
    if old.meaning == new.meaning:
        remedy = (
            f"Keep {old.slug}: programs hold the long form. Deprecate the code and add one with the new name."
        )
        kind = "CODE_RENAMED"
    else:
        remedy = f"A number is never reused: put {old.slug} back, and give {new.slug} a number of its own."
        kind = "CODE_REUSED"
    return _forbidden(kind, old.short, sentence, f"{pointer}/slug", rule=NEVER_REUSED, remedy=remedy)


def _number_changes(old: Code, new: Code, pointer: str) -> Iterator[Change]:
    """What programs do with a code may be said for the first time, but not taken back or turned into another thing."""
    for field, per_class in (("http_status", 100), ("exit_code", 1)):
        before, after = getattr(old, field), getattr(new, field)
        if before == after:
            continue
        sentence = f"{field} of {old.short} changed from {before} to {after}."
        kind, place = f"{field.upper()}_CHANGED", f"{pointer}/{field}"
        alike = before is None or (after is not None and before // per_class == after // per_class)
        if alike:
            yield Change(kind, old.short, "minor", sentence, place)
        else:
            yield _breaking(kind, old.short, sentence, place)


def _alias_changes(old: Code, new: Code, pointer: str) -> Iterator[Change]:
    place = f"{pointer}/aliases"
    for alias in sorted(set(old.aliases) - set(new.aliases)):
        yield _breaking("ALIAS_REMOVED", old.short, f"{alias} no longer means {old.short}.", place)
    for alias in sorted(set(new.aliases) - set(old.aliases)):
        yield Change("ALIAS_ADDED", old.short, "minor", f"{alias} now means {old.short} too.", place)


def _parent_changes(old: Code, new: Code, pointer: str) -> Iterator[Change]:
    """Whoever matched the old parent stops getting the code; a first parent takes nothing from anybody."""
    if old.parent == new.parent:
        return
    sentence = f"The parent of {old.short} changed from {old.parent} to {new.parent}."
    if old.parent is None:
        yield Change("PARENT_CHANGED", old.short, "minor", sentence, f"{pointer}/parent")
    else:
        yield _breaking("PARENT_CHANGED", old.short, sentence, f"{pointer}/parent")


def _deprecation_changes(old: Code, new: Code, pointer: str) -> Iterator[Change]:
    place = f"{pointer}/deprecated"
    if old.deprecated is None and new.deprecated is not None:
        instead = f"; use {new.replaced_by} instead" if new.replaced_by else ""
        sentence = f"{old.short} is deprecated{instead}."
        yield Change("CODE_DEPRECATED", old.short, "minor", sentence, place)
    elif old.deprecated is not None and new.deprecated is None:
        sentence = f"{old.short} is no longer deprecated."
        yield Change("CODE_REVIVED", old.short, "minor", sentence, place)
    elif (old.deprecated, old.replaced_by) != (new.deprecated, new.replaced_by):
        sentence = f"The deprecation of {old.short} changed."
        yield Change("DEPRECATION_CHANGED", old.short, "minor", sentence, place)
