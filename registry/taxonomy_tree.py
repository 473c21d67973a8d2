"""A taxonomy document as a tree: reading any spelling of a code, and matching by area and ancestry.

Spellings in the wild: `ONEX_VALID_102`, `ONEX_VALIDATE_102` (the component's name instead of its token), and
either with the slug behind it. All lead to one code. A slug that belongs to another code leads to none:
implementations have used numbers with meanings of their own, and a wrong meaning is worse than an unknown code.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Self

Severity = Literal["CRITICAL", "ERROR", "WARNING", "INFO"]
Recoverable = Literal["no", "yes", "retry"]

_SPELLING = re.compile(r"([A-Z]+)_([A-Z]+)_([0-9]{3})(?:_([A-Z][A-Z0-9_]*))?")


@dataclass(frozen=True, slots=True)
class Spelling:
    """A code as somebody wrote it, taken apart; says nothing about whether it exists."""

    prefix: str
    area: str
    number: int
    slug: str | None

    @classmethod
    def read(cls, text: str) -> Self | None:
        """None when `text` does not have the form of a code; case and surrounding space do not matter."""
        found = _SPELLING.fullmatch(text.strip().upper())
        if found is None:
            return None
        prefix, area, number, slug = found.groups()
        return cls(prefix, area, int(number), slug)

    @property
    def short(self) -> str:
        return f"{self.prefix}_{self.area}_{self.number:03}"


@dataclass(frozen=True, slots=True)
class Code:
    """One error code of one edition. `short` is its identity."""

    short: str
    area: str
    number: int
    slug: str
    meaning: str
    severity: Severity
    recoverable: Recoverable
    since: str
    description: str = ""
    http_status: int | None = None
    exit_code: int | None = None
    owner: str = ""
    deprecated: str | None = None
    replaced_by: str | None = None
    parent: str | None = None
    aliases: tuple[str, ...] = ()

    @property
    def long(self) -> str:
        return f"{self.short}_{self.slug}"

    @property
    def words(self) -> str:
        """The slug as people read it."""
        return self.slug.replace("_", " ").lower()


@dataclass(frozen=True, slots=True)
class Area:
    """A component's range of numbers. `first` and `last` are inclusive."""

    token: str
    name: str
    meaning: str
    first: int
    last: int
    aliases: tuple[str, ...]
    codes: tuple[Code, ...]
    # Numbers that no code may have: retired before this taxonomy was kept here.
    reserved: tuple[int, ...] = ()


@dataclass(frozen=True)
class Tree:
    """An edition of a taxonomy. Build it with `Tree.of` from a document that fits taxonomy.schema.json."""

    taxonomy: str
    version: str
    prefix: str
    description: str
    areas: tuple[Area, ...]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        prefix = document["prefix"]
        return cls(
            taxonomy=document["taxonomy"],
            version=document["version"],
            prefix=prefix,
            description=document.get("description", ""),
            areas=tuple(_area(prefix, area) for area in document["areas"]),
        )

    @property
    def codes(self) -> Iterator[Code]:
        return (code for area in self.areas for code in area.codes)

    @property
    def placed(self) -> Iterator[tuple[str, Code]]:
        """Every code with its JSON Pointer into the document."""
        for number, area in enumerate(self.areas):
            for index, code in enumerate(area.codes):
                yield f"/areas/{number}/codes/{index}", code

    @cached_property
    def pointers(self) -> dict[str, str]:
        """Short code, or area token → its JSON Pointer into the document."""
        areas = {area.token: f"/areas/{number}" for number, area in enumerate(self.areas)}
        return {**areas, **{code.short: pointer for pointer, code in self.placed}}

    @cached_property
    def by_short(self) -> dict[str, Code]:
        return {code.short: code for code in self.codes}

    @cached_property
    def spellings(self) -> dict[str, Code]:
        """The short and the long form of every code, under each name of its area: nearly every text there is."""
        return {
            f"{self.prefix}_{name}_{code.number:03}{slug}": code
            for area in self.areas
            for name in (area.token, *area.aliases)
            for code in area.codes
            for slug in ("", f"_{code.slug}")
        }

    @cached_property
    def by_slug(self) -> dict[str, list[Code]]:
        """Name → the codes of that name, of whatever area."""
        found: dict[str, list[Code]] = {}
        for code in self.codes:
            found.setdefault(code.slug, []).append(code)
        return found

    @cached_property
    def slugs_by_stem(self) -> dict[str, list[str]]:
        """The first letters of every word of a name → the names that have it."""
        found: dict[str, list[str]] = {}
        for slug in self.by_slug:
            for stem in {stem_of(word) for word in slug.split("_")}:
                found.setdefault(stem, []).append(slug)
        return found

    @cached_property
    def _area_tokens(self) -> dict[str, str]:
        """Every spelling of an area's token → the token."""
        return {name: area.token for area in self.areas for name in (area.token, *area.aliases)}

    @cached_property
    def _by_alias(self) -> dict[str, Code]:
        return {alias: code for code in self.codes for alias in code.aliases}

    def area_of(self, token: str) -> Area | None:
        """The area with this token or alias."""
        known = self._area_tokens.get(token.strip().upper())
        return next((area for area in self.areas if area.token == known), None)

    def area_asked(self, pattern: str) -> Area | None:
        """The area that a pattern of `matches` asks for; None for one that asks for a code."""
        token = _area_in(pattern, self.prefix)
        return None if token is None else self.area_of(token)

    def normalise(self, text: str) -> str | None:
        """The short form with the area's own token, whether or not the code exists; None if it is no code of this prefix."""
        spelling = Spelling.read(text)
        if spelling is None or spelling.prefix != self.prefix:
            return None
        area = self._area_tokens.get(spelling.area, spelling.area)
        return f"{self.prefix}_{area}_{spelling.number:03}"

    def find(self, text: str) -> Code | None:
        """The code that `text` names in any of its spellings."""
        if known := self.spellings.get(text):
            return known
        return self._by_alias.get(text.strip().upper()) or self.read(text)

    def read(self, text: str) -> Code | None:
        """The code that `text` names by its own parts, aliases of single codes left aside."""
        spelling = Spelling.read(text)
        code = self.by_short.get(self.normalise(text) or "")
        if spelling is None or code is None:
            return None
        return code if spelling.slug in (None, code.slug) else None

    def ancestors(self, code: Code) -> Iterator[Code]:
        """The code itself, its parent, that one's parent …"""
        following: Code | None = code
        while following is not None:
            yield following
            following = self.by_short.get(following.parent or "")

    def matches(self, pattern: str, text: str) -> bool:
        """Whether the code `text` is what `pattern` asks for.

        A pattern is an area (`VALID`, `ONEX_VALID`, `ONEX_VALID_*`, or an alias of it) or a code, which also
        asks for the codes below it. Unknown codes of a known area match the area: a newer producer may send
        codes that this edition does not have yet.
        """
        wanted = _area_in(pattern, self.prefix)
        if wanted is not None:
            return self._is_in_area(wanted, text)
        target, code = self.find(pattern), self.find(text)
        if target is None or code is None:
            return False
        return any(ancestor.short == target.short for ancestor in self.ancestors(code))

    def _is_in_area(self, token: str, text: str) -> bool:
        code = self.find(text)
        spelling = Spelling.read(text)
        if code is not None:
            token_of_text: str | None = code.area
        elif spelling is not None and spelling.prefix == self.prefix:
            token_of_text = self._area_tokens.get(spelling.area, spelling.area)
        else:
            return False
        return self._area_tokens.get(token, token) == token_of_text


def stem_of(word: str) -> str:
    return word[:4]


def _area(prefix: str, area: Mapping[str, Any]) -> Area:
    token = area["token"]
    return Area(
        token=token,
        name=area.get("name", token),
        meaning=area.get("meaning", ""),
        first=area.get("first", 0),
        last=area.get("last", 999),
        aliases=tuple(area.get("aliases", ())),
        codes=tuple(_code(prefix, token, code) for code in area["codes"]),
        reserved=tuple(area.get("reserved", ())),
    )


def _code(prefix: str, token: str, code: Mapping[str, Any]) -> Code:
    aliases = tuple(code.get("aliases", ()))
    return Code(
        **{**code, "short": f"{prefix}_{token}_{code['number']:03}", "area": token, "aliases": aliases}
    )


def _area_in(pattern: str, prefix: str) -> str | None:
    """The area token that a pattern names; None when it names a code."""
    bare = pattern.strip().upper().removesuffix("_*").removeprefix(f"{prefix}_")
    return bare if re.fullmatch("[A-Z]+", bare) else None
