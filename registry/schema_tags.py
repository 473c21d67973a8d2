"""Tags inside a schema text, at the members that say what a field is about: `"confluent:tags": ["PII"]`."""

from collections.abc import Iterator
from typing import Any

import orjson

from registry.canonical import exact_value, read_schema_text
from registry.errors import InvalidSchema
from registry.problems import Malformed

_TAGS = "confluent:tags"
# Parts of an entity's path that step into a keyword of the same name in JSON Schema.
_KEYWORDS = {"array": "items", "not": "not", "allof": "allOf", "anyof": "anyOf", "oneof": "oneOf"}


def with_tags(text: str, *, add: list[Any], remove: list[Any]) -> str:
    """The text with tags changed; the same text when nothing is to be. Raises Malformed, InvalidSchema."""
    if not add and not remove:
        return text
    read_schema_text(text)
    schema = exact_value(text)
    for path, tags in _entries("schemaTagsToAdd", add):
        place = _place(schema, path)
        place[_TAGS] = [*dict.fromkeys([*_tags_of(place), *tags])]
    for path, tags in _entries("schemaTagsToRemove", remove):
        place = _place(schema, path)
        left = [tag for tag in _tags_of(place) if tag not in tags]
        place.pop(_TAGS, None)
        if left:
            place[_TAGS] = left
    return orjson.dumps(schema).decode()


def _entries(name: str, given: list[Any]) -> Iterator[tuple[str, list[str]]]:
    for entry in given:
        entity = entry.get("schemaEntity") if isinstance(entry, dict) else None
        path = entity.get("entityPath") if isinstance(entity, dict) else None
        tags = entry.get("tags") if isinstance(entry, dict) else None
        if (
            not isinstance(path, str)
            or not isinstance(tags, list)
            or not all(isinstance(t, str) for t in tags)
        ):
            raise Malformed(
                f"'{name}' lists objects with schemaEntity.entityPath and a list of tags.", pointer=f"/{name}"
            )
        yield path, tags


def _tags_of(place: dict[str, Any]) -> list[str]:
    found = place.get(_TAGS)
    return found if isinstance(found, list) else []


def _place(schema: Any, path: str) -> dict[str, Any]:
    """Paths go as in `object.address.object.lines.array.object.text`; names of fields may hold no dot."""
    at, parts = schema, path.split(".")
    while parts:
        at = _step(at, parts)
        if not isinstance(at, dict):
            raise InvalidSchema(f"The schema has nothing at the path '{path[:200]}'.", path=path[:200])
    return at  # type: ignore[no-any-return]  # a dict since the last step, and the first if there is none


def _step(at: Any, parts: list[str]) -> Any:
    """One step from here, taking as many parts as it needs."""
    part = parts.pop(0)
    if part == "object":
        return _member(_member(at, "properties"), parts.pop(0)) if parts else at
    if part in {"definitions", "$defs"}:
        return _member(_member(at, part), parts.pop(0) if parts else "")
    found = _member(at, _KEYWORDS.get(part, part))
    if isinstance(found, list):
        index = parts.pop(0) if parts else ""
        return found[int(index)] if index.isdecimal() and len(index) < 9 and int(index) < len(found) else None
    return found


def _member(at: Any, key: str) -> Any:
    return at.get(key) if isinstance(at, dict) else None
