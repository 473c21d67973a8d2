"""A schema with everything it refers to in one document, for readers that know one file at a time.

References become `#/$defs/NAME` (`definitions` before 2019-09), identifiers inside go, words for people stay. Where the
documents are written in different drafts there is no one draft to keep: the bundle is the 2020-12 normal form then.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from referencing.exceptions import Unresolvable

from compat import dialects
from compat.dialects import D2019, D2020, Dialect, Schema, Store
from compat.documents import Documents
from compat.errors import Exhausted, SchemaError
from compat.inspection import opened
from compat.rewrite import KEYWORDS, nowhere, occurrences, rewritten
from compat.values import pointer

_ONE = frozenset(
    [
        "additionalProperties",
        "contains",
        "propertyNames",
        "not",
        "if",
        "then",
        "else",
        "additionalItems",
        "unevaluatedItems",
        "unevaluatedProperties",
        "items",
    ]
)
_LIST = frozenset({"allOf", "anyOf", "oneOf", "prefixItems", "items"})
_MAP = frozenset({"properties", "patternProperties", "dependentSchemas", "dependencies"})
_DYNAMIC = {"$dynamicRef": "$dynamicAnchor", "$recursiveRef": "$recursiveAnchor"}
#: Names of places; a bundle has one place, and refers to it by pointers.
_NAMES = frozenset({"$id", "id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$schema", "$vocabulary"})
_STORES = frozenset({"$defs", "definitions"})
#: What may stand beside a `$ref` in drafts that look at nothing else there.
_WORDS = frozenset({"title", "description", "default", "examples", "$comment", "deprecated"})


def bundle(schema: Schema, *, dialect: str | None = None, store: Store | None = None) -> Schema:
    """One self-contained schema that accepts what this one does with its store.

    Raises SchemaError as `inspect_schema` does, and for a dynamic reference with several possible targets.
    """
    documents = opened(schema, dialect=dialect, store=store)
    if isinstance(schema, bool):
        return schema
    try:
        return _bundled(documents)
    except _MixedDrafts:
        return _normal(documents)
    except Exhausted as several:
        raise SchemaError("", f"it cannot be bundled: {several.reason}", "reference") from several
    except RecursionError:
        raise SchemaError("", "references lead from one to the next too many times", "depth") from None


class _MixedDrafts(Exception):
    pass


def _normal(documents: Documents) -> Schema:
    found = rewritten(documents, assert_formats=True).document()
    return found if isinstance(found, bool) else {"$schema": D2020.uri, **found}


def _bundled(documents: Documents) -> Schema:
    work = _Work(documents)
    place = _Place(documents.registry.resolver(documents.base_uri), documents.dialect, ())
    assert isinstance(documents.root, dict)
    work.names[id(documents.root)] = ""
    root = work.schema(documents.root, place)
    assert isinstance(root, dict)
    definitions = work.finish()
    # A schema without `$schema` is read by the reader's default, which need not be ours.
    head = {"$schema": documents.root.get("$schema", documents.dialect.uri)}
    return {**head, **root, **({work.place: definitions} if definitions else {})}


@dataclass(frozen=True)
class _Place:
    """Where in which document the walk is."""

    resolver: Any
    dialect: Dialect
    path: tuple[str | int, ...]

    def below(self, *parts: str | int) -> _Place:
        return _Place(self.resolver, self.dialect, self.path + parts)


@dataclass
class _Work:
    documents: Documents
    #: By identity of the target; "" is the root itself.
    names: dict[int, str] = field(default_factory=dict)
    _waiting: list[tuple[str, Schema, _Place]] = field(default_factory=list)

    @property
    def dialect(self) -> Dialect:
        return self.documents.dialect

    @property
    def place(self) -> str:
        return "$defs" if self.dialect in {D2019, D2020} else "definitions"

    def schema(self, schema: Schema, place: _Place) -> Schema:
        if isinstance(schema, bool):
            return schema
        if "$id" in schema or "id" in schema:
            subresource = place.dialect.specification.create_resource(schema)
            place = _Place(place.resolver.in_subresource(subresource), place.dialect, place.path)
        alone = "$ref" in schema and self.place == "definitions"
        out: dict[str, Any] = {}
        for keyword, value in schema.items():
            if keyword in _NAMES or keyword in _STORES or (alone and keyword not in _WORDS | {"$ref"}):
                continue
            if keyword == "$ref" or (keyword in _DYNAMIC and keyword in KEYWORDS[self.dialect.name]):
                self._refer(out, keyword, value, place)
            elif self._asserts(schema, keyword):
                self._copy(out, keyword, value, place.below(keyword))
            elif not _refers(value):
                out[keyword] = value
        return out

    def _asserts(self, schema: dict[str, Any], keyword: str) -> bool:
        if keyword == "additionalItems":
            return self.dialect is not D2020 and isinstance(schema.get("items"), list)
        return keyword in KEYWORDS[self.dialect.name]

    def _copy(self, out: dict[str, Any], keyword: str, value: Any, place: _Place) -> None:
        copied = value
        if keyword in _MAP:
            copied = {
                name: item if isinstance(item, list) else self.schema(item, place.below(name))
                for name, item in value.items()
            }
        elif keyword in _LIST and isinstance(value, list):
            copied = [self.schema(item, place.below(index)) for index, item in enumerate(value)]
        elif keyword in _ONE:
            copied = self.schema(value, place)
        if keyword == "allOf":
            copied = [*out.get("allOf", []), *copied]
        out[keyword] = copied

    def _refer(self, out: dict[str, Any], keyword: str, uri: str, place: _Place) -> None:
        if keyword in _DYNAMIC:
            self._refuse_several(keyword, place)
        name = self._target(uri, place.below(keyword))
        if isinstance(name, bool):
            out.setdefault("allOf", []).append(name)
        elif "$ref" in out:
            out.setdefault("allOf", []).append({"$ref": name})
        else:
            out["$ref"] = name

    def _refuse_several(self, keyword: str, place: _Place) -> None:
        """Raises Exhausted: what it leads to depends on where one comes from."""
        if sum(occurrences(document, _DYNAMIC[keyword]) for document in self.documents.all) > 1:
            raise Exhausted(f"{keyword} at {pointer(place.path)} has several possible targets")

    def _target(self, uri: str, place: _Place) -> str | bool:
        try:
            found = place.resolver.lookup(uri)
        except Unresolvable as error:
            raise SchemaError(pointer(place.path), nowhere(uri), "reference") from error
        target = found.contents
        if isinstance(target, bool):
            return target
        if id(target) not in self.names:
            stored = self.documents.named.get(found.resolver._base_uri)
            dialect = dialects.read(target, stored[1] if stored else place.dialect)[0]
            if dialect is not self.dialect:
                raise _MixedDrafts
            self.names[id(target)] = name = _free(_word(uri), set(self.names.values()))
            self._waiting.append((name, target, _Place(found.resolver, dialect, place.path)))
        name = self.names[id(target)]
        return f"#/{self.place}/{name}" if name else "#"

    def finish(self) -> dict[str, Schema]:
        """The targets found so far, and those found on the way, without recursion from one to the next."""
        found: dict[str, Schema] = {}
        while self._waiting:
            name, target, place = self._waiting.pop(0)
            found[name] = self.schema(target, place)
        return found


def _word(uri: str) -> str:
    """A name a reader recognises: the last part of the pointer or address."""
    parts = [part for part in re.split(r"[/#:]", unquote(uri)) if part]
    return re.sub(r"[^\w.-]", "_", parts[-1], flags=re.ASCII)[:80] if parts else "schema"


def _free(wanted: str, taken: set[str]) -> str:
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}_{number}", number + 1
    return name


def _refers(value: Any) -> bool:
    """Whether something that is not judged by holds a reference all the same, which would lead nowhere."""
    return any(occurrences(value, key) for key in ("$ref", "$id", *_DYNAMIC))
