"""Codes as people and programs write them: recognised, or with the codes that may have been meant; and searched for."""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from access.actor import Actor
from registry.taxonomy import find_taxonomy_version
from registry.taxonomy_errors import TooManyCodes
from registry.taxonomy_tree import Code, Spelling, Tree, stem_of

MAX_BATCH = 1_000
_MAX_CANDIDATES = 5
_LONGEST = 300
# Names whose letters are compared with those of one unknown text.
_MAX_COMPARED = 100
# How alike two names have to be for one to be offered for the other.
_ALIKE = 0.8

How = Literal["short", "long", "area_alias", "alias"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A code that may have been meant, and what speaks for it."""

    code: Code
    reason: str

    def as_dict(self) -> dict[str, str]:
        return {"code": self.code.short, "long": self.code.long, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Recognition:
    """What became of one text. Without a code there are candidates, the likeliest first, or none."""

    text: str
    code: Code | None
    how: How | None
    candidates: tuple[Candidate, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        code = self.code
        return {
            "text": self.text,
            "code": code.short if code else None,
            "long": code.long if code else None,
            "how": self.how,
            "deprecated": bool(code and code.deprecated),
            "replaced_by": code.replaced_by if code else None,
            "candidates": [candidate.as_dict() for candidate in self.candidates],
        }


def normalize_codes(
    *, actor: Actor, name: str, texts: list[str], wanted: str = "latest"
) -> tuple[list[Recognition], Tree]:
    """Every text with the code it means, in the order given. Raises TooManyCodes, and as `find_taxonomy_version` does."""
    tree = Tree.of(find_taxonomy_version(actor=actor, name=name, wanted=wanted).document)
    if len(texts) > MAX_BATCH:
        raise TooManyCodes(
            f"{len(texts):,} codes at once; {MAX_BATCH:,} are taken. Send them in parts.", limit=MAX_BATCH
        )
    return [recognise(tree, text) for text in texts], tree


def recognise(tree: Tree, text: str) -> Recognition:
    """The code that `text` is a spelling of; what only resembles one is a candidate, never the answer."""
    code = tree.find(text)
    if code is None:
        return Recognition(text, None, None, tuple(_candidates(tree, text[:_LONGEST])))
    return Recognition(text, code, _how(code, text))


def _how(code: Code, text: str) -> How:
    plain = text.strip().upper()
    if plain == code.short:
        return "short"
    if plain == code.long:
        return "long"
    return "alias" if plain in code.aliases else "area_alias"


def _candidates(tree: Tree, text: str) -> list[Candidate]:
    found: dict[str, Candidate] = {}
    for candidate in _resembling(tree, text):
        found.setdefault(candidate.code.short, candidate)
        if len(found) == _MAX_CANDIDATES:
            break
    return list(found.values())


def _resembling(tree: Tree, text: str) -> Iterator[Candidate]:
    loose = _loosely(tree, text)
    if loose is None:
        yield from _by_name(tree, re.sub(r"[^A-Z0-9]+", "_", text.strip().upper()).strip("_"), None)
        return
    spelling, as_written = loose
    code = tree.by_short.get(tree.normalise(spelling.short) or "")
    if code is not None and spelling.slug in (None, code.slug):
        yield Candidate(code, f"the same with other punctuation: {as_written}")
        return
    area = tree.area_of(spelling.area)
    yield from _by_name(tree, spelling.slug, area.token if area else None)
    if code is not None:
        yield Candidate(code, f"has this number, but is called {code.slug}")


def _loosely(tree: Tree, text: str) -> tuple[Spelling, str] | None:
    """The text read with any punctuation, without its prefix, or with a number of fewer digits."""
    plain = re.sub(r"[^A-Z0-9]+", "_", text.strip().upper()).strip("_").removeprefix(f"{tree.prefix}_")
    found = re.fullmatch(r"([A-Z]+)_?([0-9]{1,3})(?:_([A-Z][A-Z0-9_]*))?", plain)
    if found is None:
        return None
    area, number, slug = found.groups()
    written = f"{tree.prefix}_{area}_{int(number):03}" + (f"_{slug}" if slug else "")
    spelling = Spelling.read(written)
    return (spelling, written) if spelling else None


def _by_name(tree: Tree, slug: str | None, area: str | None) -> Iterator[Candidate]:
    """Codes of this name, those of the area first; then those whose name is nearly the same."""
    if not slug:
        return
    for code in sorted(tree.by_slug.get(slug, ()), key=lambda code: code.area != area):
        yield Candidate(code, "has this name" + ("" if code.area == area else f", in the area {code.area}"))
    for near in difflib.get_close_matches(slug, _related(tree, slug), n=_MAX_CANDIDATES, cutoff=_ALIKE):
        for code in sorted(tree.by_slug[near], key=lambda code: code.area != area):
            yield Candidate(code, "has nearly this name")


def _related(tree: Tree, slug: str) -> list[str]:
    """Names that share the beginning of a word, rarest words first: comparing letters with all names would take too long."""
    stems = sorted(
        {stem_of(word) for word in slug.split("_")}, key=lambda s: len(tree.slugs_by_stem.get(s, ()))
    )
    found = dict.fromkeys(name for stem in stems for name in tree.slugs_by_stem.get(stem, ()))
    return list(found)[:_MAX_COMPARED]


@dataclass(frozen=True, slots=True)
class Search:
    """What is asked for; an empty search asks for every code."""

    # A spelling, an area, or words of name, meaning and description.
    query: str = ""
    area: str = ""
    severity: str = ""
    recoverable: str = ""
    deprecated: bool | None = None
    http_status: int | None = None
    exit_code: int | None = None
    words: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", tuple(self.query.lower().split()))

    def finds(self, tree: Tree, code: Code) -> bool:
        return self._has_fields(tree, code) and (not self.query or self._answers(tree, code))

    def _has_fields(self, tree: Tree, code: Code) -> bool:
        area = tree.area_of(self.area.removeprefix(f"{tree.prefix}_")) if self.area else None
        return (
            (not self.area or (area is not None and area.token == code.area))
            and (not self.severity or self.severity.upper() == code.severity)
            and (not self.recoverable or self.recoverable.lower() == code.recoverable)
            and (self.deprecated is None or self.deprecated == (code.deprecated is not None))
            and (self.http_status is None or self.http_status == code.http_status)
            and (self.exit_code is None or self.exit_code == code.exit_code)
        )

    def _answers(self, tree: Tree, code: Code) -> bool:
        if (
            tree.area_of(self.query.removeprefix(f"{tree.prefix}_")) is not None
            or tree.find(self.query) is not None
        ):
            return tree.matches(self.query, code.short)
        text = f"{code.long} {code.words} {code.meaning} {code.description} {' '.join(code.aliases)}".lower()
        return all(word in text for word in self.words)
