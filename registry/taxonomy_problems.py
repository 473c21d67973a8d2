"""What is wrong with a taxonomy although its document fits the schema: each problem with its place and its remedy."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

import semver

from registry.taxonomy_tree import Area, Code, Tree


@dataclass(frozen=True, slots=True)
class Problem:
    """One place of a document, the rule that it breaks, and what to do about it."""

    pointer: str
    rule: str
    message: str
    remedy: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def problems(tree: Tree) -> list[Problem]:
    return [
        *_areas_twice(tree),
        *_codes_twice(tree),
        *_spellings_twice(tree),
        *_slugs_twice(tree),
        *(p for number, area in enumerate(tree.areas) for p in _numbers(f"/areas/{number}", area)),
        *(p for pointer, code in tree.placed for p in _bad_links(tree, pointer, code)),
        *(p for pointer, code in tree.placed for p in _bad_times(tree, pointer, code)),
    ]


def _areas_twice(tree: Tree) -> Iterator[Problem]:
    places = []
    for number, area in enumerate(tree.areas):
        places.append((area.token, f"/areas/{number}/token"))
        places += [(alias, f"/areas/{number}/aliases/{i}") for i, alias in enumerate(area.aliases)]
    yield from _twice(
        "area token or alias", places, "Areas are told apart by their token: rename one of them."
    )


def _codes_twice(tree: Tree) -> Iterator[Problem]:
    places = [(code.short, f"{pointer}/number") for pointer, code in tree.placed]
    yield from _twice("code", places, "A number means one thing in its area: give one of them another.")


def _spellings_twice(tree: Tree) -> Iterator[Problem]:
    """An alias that is a spelling of a code anyway, or the alias of two."""
    seen: dict[str, str] = {}
    for pointer, code in tree.placed:
        for index, alias in enumerate(code.aliases):
            read = tree.read(alias)
            meant = read.short if read else seen.get(alias)
            seen.setdefault(alias, code.short)
            if meant is not None:
                message = f"The alias {alias} of {code.short} means {meant} already."
                remedy = "Every spelling leads to one code: take the alias away."
                yield Problem(f"{pointer}/aliases/{index}", "one-meaning-per-spelling", message, remedy)


def _slugs_twice(tree: Tree) -> Iterator[Problem]:
    for number, area in enumerate(tree.areas):
        places = [(c.slug, f"/areas/{number}/codes/{i}/slug") for i, c in enumerate(area.codes)]
        yield from _twice(f"slug in {area.token}", places, "Two codes of one area cannot share a name.")


def _twice(what: str, places: Iterable[tuple[str, str]], remedy: str) -> Iterator[Problem]:
    found: dict[str, list[str]] = {}
    for name, pointer in places:
        found.setdefault(name, []).append(pointer)
    for name, pointers in found.items():
        if len(pointers) > 1:
            others = ", ".join(pointers[:-1][:5])
            message = f"The {what} {name} occurs {len(pointers)} times."
            yield Problem(pointers[-1], "no-duplicates", message, f"It stands at {others}, too. {remedy}")


def _numbers(pointer: str, area: Area) -> Iterator[Problem]:
    if area.first > area.last:
        message = f"The range of {area.token} begins at {area.first} and ends at {area.last}."
        yield Problem(f"{pointer}/first", "range", message, "Swap the two.")
    for index, code in enumerate(area.codes):
        place = f"{pointer}/codes/{index}/number"
        # 000 is every area's fallback, wherever its range lies.
        if code.number and not area.first <= code.number <= area.last:
            message = f"{code.short} lies outside the range {area.first}–{area.last} of {area.token}."
            yield Problem(place, "range", message, "Give it a number within, or widen the range.")
        if code.number in area.reserved:
            message = f"The number of {code.short} is reserved: it was retired before."
            yield Problem(place, "retired-numbers-stay-reserved", message, "Give the code another number.")


def _bad_links(tree: Tree, pointer: str, code: Code) -> Iterator[Problem]:
    for role, other in (("parent", code.parent), ("replaced_by", code.replaced_by)):
        if other is not None and other not in tree.by_short:
            message = f"{code.short} names {other} as {role}, which this taxonomy does not have."
            yield Problem(f"{pointer}/{role}", "links", message, f"Add {other}, or name another code.")
        if _runs_in_a_circle(tree, code, role):
            message = f"Following {role} from {code.short} leads back to it."
            yield Problem(f"{pointer}/{role}", "links", message, "Take one of the links away.")
    if code.replaced_by is not None and code.deprecated is None:
        message = f"{code.short} is replaced by {code.replaced_by} but not deprecated."
        remedy = "Say in `deprecated` which edition deprecates it."
        yield Problem(f"{pointer}/replaced_by", "links", message, remedy)


def _bad_times(tree: Tree, pointer: str, code: Code) -> Iterator[Problem]:
    for role, edition in (("since", code.since), ("deprecated", code.deprecated)):
        if edition and semver.Version.parse(edition) > semver.Version.parse(tree.version):
            message = f"{code.short} says {role} {edition}, which comes after this edition, {tree.version}."
            yield Problem(
                f"{pointer}/{role}", "order-of-editions", message, f"Write {tree.version} or older."
            )


def _runs_in_a_circle(tree: Tree, code: Code, link: str) -> bool:
    seen: set[str] = set()
    following = getattr(code, link)
    while following in tree.by_short and following not in seen:
        if following == code.short:
            return True
        seen.add(following)
        following = getattr(tree.by_short[following], link)
    return False
