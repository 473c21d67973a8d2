"""Whether a text is a code of a taxonomy, in any of its spellings: what `x-taxonomy` asserts, as the registry reads it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

KEYWORD = "x-taxonomy"
#: Values under these keywords are data, in which the keyword is a word like any other.
_DATA = frozenset({"const", "enum", "default", "examples"})
_SPELLING = re.compile(r"([A-Z]+)_([A-Z]+)_([0-9]{3})(?:_([A-Z][A-Z0-9_]*))?")


def bindings_of(*texts: str) -> tuple[str, ...]:
    """What the keyword says wherever it is written in these schemas."""
    found: dict[str, None] = {}
    for text in texts:
        if f'"{KEYWORD}"' in text:
            found.update(dict.fromkeys(_bindings_in(_parsed(text))))
    return tuple(found)


def _bindings_in(schema: Any) -> Iterator[str]:
    stack = [schema]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack += node
        elif isinstance(node, dict):
            if isinstance(node.get(KEYWORD), str):
                yield node[KEYWORD]
            stack += [item for key, item in node.items() if key not in _DATA]


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None  # whoever compiles it says so


def taxonomy_and_range(binding: str) -> tuple[str, str]:
    """Of `name@range`, or `name` for any edition."""
    name, mark, wanted = binding.rpartition("@")
    return (name, wanted.strip()) if mark else (binding, "*")


class Codes:
    """The codes of one edition. Made from the document that the registry answers; KeyError when it is none."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.taxonomy = str(document["taxonomy"])
        self.version = str(document["version"])
        self._prefix = str(document["prefix"])
        self._area_of: dict[str, str] = {}
        self._slug_of: dict[str, str] = {}
        self._aliases: set[str] = set()
        for area in document["areas"]:
            token = area["token"]
            self._area_of.update(dict.fromkeys((token, *area.get("aliases", ())), token))
            for code in area["codes"]:
                self._slug_of[f"{self._prefix}_{token}_{code['number']:03}"] = code["slug"]
                self._aliases.update(code.get("aliases", ()))

    def holds(self, text: str) -> bool:
        """A slug that belongs to another code makes it none: a wrong meaning is worse than an unknown code."""
        if text.strip().upper() in self._aliases:
            return True
        short, slug = self._read(text)
        own = self._slug_of.get(short)
        return own is not None and slug in (None, own)

    def refusal(self, text: str) -> str:
        """The registry's sentence about a text that is no code."""
        said = f"{text[:100]!r} is not a code of {self.taxonomy} {self.version}"
        short, _ = self._read(text)
        if short in self._slug_of:
            return f"{said}: {short} is called {self._slug_of[short]}"
        area = short.split("_")[1] if short else ""
        return f"{said}, which has the area {area} but not this number" if area in self._area_of else said

    def _read(self, text: str) -> tuple[str, str | None]:
        """The short form with the area's own token, and the slug; an empty text for what has not the form of a code."""
        found = _SPELLING.fullmatch(text.strip().upper())
        if found is None or found[1] != self._prefix:
            return "", None
        return f"{self._prefix}_{self._area_of.get(found[2], found[2])}_{found[3]}", found[4]


def keyword_of(codes: Mapping[str, Codes]) -> type[Any]:
    """The keyword for a validator; a binding whose taxonomy is not among `codes` asserts nothing."""

    class CodeOf:
        def __init__(self, _parent: dict[str, Any], value: Any, _path: list[str | int]) -> None:
            self._codes = codes.get(value) if isinstance(value, str) else None

        def validate(self, instance: Any) -> None:
            if self._codes is not None and isinstance(instance, str) and not self._codes.holds(instance):
                raise ValueError(self._codes.refusal(instance))

    return CodeOf
