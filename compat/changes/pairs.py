"""The same instance location seen by both schemas, and the change that a rule may find there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

from referencing.exceptions import Unresolvable

from compat.dialects import D2019, D2020, Dialect, Schema
from compat.values import pointer, same, written
from compat.verdict import Change, Direction, World

NARROWS: tuple[Direction, ...] = ("backward",)
WIDENS: tuple[Direction, ...] = ("forward",)
EITHER: tuple[Direction, ...] = ("backward", "forward")
HARMLESS: tuple[Direction, ...] = ()
#: In the place of a keyword's value: the keyword is not there.
ABSENT = object()
_FOLLOWED = 50


ANNOTATIONS = {
    "title": "TITLE_CHANGED", "description": "DESCRIPTION_CHANGED", "default": "DEFAULT_CHANGED", "$id": "ID_CHANGED",
    "id": "ID_CHANGED", "$comment": "COMMENT_CHANGED", "examples": "EXAMPLES_CHANGED", "deprecated": "DEPRECATED_CHANGED",
    "readOnly": "READ_ONLY_CHANGED", "writeOnly": "WRITE_ONLY_CHANGED", "format": "FORMAT_CHANGED",
    "contentEncoding": "CONTENT_CHANGED", "contentMediaType": "CONTENT_CHANGED", "contentSchema": "CONTENT_CHANGED",
}  # fmt: skip


class Spot(NamedTuple):
    """A subschema where it stands in its document."""

    schema: Schema
    path: tuple[str | int, ...]
    dialect: Dialect
    resolver: Any

    def get(self, keyword: str) -> Any:
        return self.schema.get(keyword, ABSENT) if isinstance(self.schema, dict) else ABSENT

    @property
    def reference(self) -> tuple[str | None, str | None]:
        """Where it refers to and from where, if it does nothing else."""
        schema = self.schema
        if isinstance(schema, dict) and len(schema) == 1 and isinstance(schema.get("$ref"), str):
            return schema["$ref"], self.resolver._base_uri
        return None, None

    def pointer_of(self, keyword: str, value: Any, *more: str | int) -> str:
        """Where a value of a keyword stands, or the nearest place there is when this schema lacks it."""
        if value is not ABSENT and self.get(keyword) is not ABSENT:
            return pointer((*self.path, keyword, *more))
        return pointer(self.path if self.get(keyword) is ABSENT else (*self.path, keyword))

    def below(self, schema: Schema, *parts: str | int) -> Spot:
        return Spot(schema, (*self.path, *parts), self.dialect, self.resolver)


class Pair(NamedTuple):
    """The same instance location seen by both schemas."""

    old: Spot
    new: Spot
    #: Names and indices that lead to the location in an instance.
    place: tuple[str, ...]
    world: World

    @property
    def name(self) -> str:
        """How a sentence calls the location."""
        return f"`{'.'.join(self.place)}`" if self.place else "the value"

    def child(self, old: Spot, new: Spot, *place: str) -> Pair:
        return Pair(old, new, (*self.place, *place), self.world)

    def change(
        self,
        kind: str,
        keyword: str,
        breaks: tuple[Direction, ...],
        sentence: str,
        *more: str | int,
        values: Any = None,
    ) -> Change:
        old, new = values or (self.old.get(keyword), self.new.get(keyword))
        return Change(
            kind=kind,
            old_pointer=self.old.pointer_of(keyword, old, *more),
            new_pointer=self.new.pointer_of(keyword, new, *more),
            old_value=None if old is ABSENT else old,
            new_value=None if new is ABSENT else new,
            breaks=breaks,
            sentence=sentence,
        )


Found: TypeAlias = Iterator[Change | Pair]
Rule: TypeAlias = Callable[[Pair], Found]


def same_or_absent(old: Any, new: Any) -> bool:
    if old is ABSENT or new is ABSENT:
        return old is new
    return same(old, new)


def unchanged(old: Any, new: Any) -> bool:
    """Whether both schemas are written alike and refer to nothing: what is referred to may have changed."""
    if old is new:
        return True
    if old != new or (isinstance(old, dict) and "$ref" in old):
        return False
    text = written(old)
    return b"Ref" not in text and b"$ref" not in text and text == written(new)


def required_of(spot: Spot) -> list[str]:
    names = spot.get("required")
    return list(names) if isinstance(names, list) else []


def members_of(spot: Spot, keyword: str) -> dict[str, Any]:
    members = spot.get(keyword)
    return members if isinstance(members, dict) else {}


def property_of(spot: Spot, name: str) -> dict[str, Any] | None:
    members = spot.get("properties")
    found = members.get(name) if isinstance(members, dict) else None
    return found if isinstance(found, dict) else None


def member_name(pair: Pair, name: str) -> str:
    return f"`{'.'.join((*pair.place, name))}`"


def followed(spot: Spot) -> Spot:
    """The place a plain reference leads to."""
    for _ in range(_FOLLOWED):
        schema = spot.schema
        if not isinstance(schema, dict) or not isinstance(schema.get("$ref"), str):
            return spot
        alone = spot.dialect not in {D2019, D2020} or schema.keys() <= {"$ref", *ANNOTATIONS}
        if not alone:
            return spot
        try:
            found = spot.resolver.lookup(schema["$ref"])
        except Unresolvable:
            return spot
        path = _local_path(schema["$ref"])
        spot = Spot(found.contents, spot.path if path is None else path, spot.dialect, found.resolver)
    return spot


def _local_path(reference: str) -> tuple[str, ...] | None:
    if not reference.startswith("#"):
        return None
    parts = reference[1:].split("/")[1:]
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in parts)
