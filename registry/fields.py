"""The fields of a schema as people read them: a flat list in the order in which they are declared.

Pure: a document in, rows out. References are followed, `allOf` is merged, alternatives are named, and what a definition
declares is listed once: a further use of it, recursion included, links to the first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.conf import settings
from referencing.exceptions import Unresolvable

from compat import SchemaError
from compat.inspection import opened
from compat.values import type_of
from registry.comparison import Document
from registry.constraints import constraints_of

#: Rows that are made of one schema at most; the largest real event types have some hundreds.
MOST_FIELDS = 2_000
_MOST_LEVELS = 40
#: How deep alternatives, conjuncts and references may follow each other at one place.
_MOST_PARTS = 400


@dataclass(frozen=True, slots=True)
class Field:
    """One place of an instance. `path` is `order.lines[].price`; `labels.*` is any name, `{^x-}` a pattern of names."""

    path: str
    name: str
    types: tuple[str, ...]
    required: bool
    #: In which alternatives it is there: empty for always.
    when: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    title: str = ""
    description: str = ""
    deprecated: bool = False
    #: [] when there is none, [value] when there is: null is a value.
    default: tuple[Any, ...] = ()
    examples: tuple[Any, ...] = ()
    tags: tuple[str, ...] = ()
    #: The path whose fields it has, too.
    same_as: str | None = None
    #: The taxonomy range whose codes it takes.
    taxonomy: str = ""


@dataclass(frozen=True, slots=True)
class FieldList:
    """`cut`: there are more than MOST_FIELDS, or they are nested deeper than is followed."""

    fields: tuple[Field, ...]
    title: str = ""
    description: str = ""
    types: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    cut: bool = False


def fields_of(document: Document) -> FieldList:
    """Never raises: of a document that can no longer be read, no fields."""
    try:
        documents = opened(document.value, dialect=settings.DEFAULT_DIALECT, store=document.store)
        walk = _Walk(documents.dialect.specification)
        root = _Place(documents.root, documents.registry.resolver(documents.base_uri))
        return walk.whole(root)
    except (SchemaError, RecursionError):
        return FieldList((), cut=True)


# Tuples: every field makes some of both.
class _Place(NamedTuple):
    """One schema with the resolver that its references are read by."""

    schema: Any
    resolver: Any


@dataclass
class _Parts:
    """What holds together at one location: plain objects, alternatives, and definitions that were entered."""

    plain: list[_Place] = field(default_factory=list)
    alternatives: list[tuple[str, _Place]] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    never: bool = False

    @property
    def schemas(self) -> list[dict[str, Any]]:
        return [place.schema for place in self.plain]


class _At(NamedTuple):
    """Where the walk is, and what is known about being there."""

    path: str
    name: str
    required: bool
    when: tuple[str, ...]
    depth: int


class _Walk:
    def __init__(self, specification: Any) -> None:
        self._specification = specification
        self._rows: list[Field] = []
        #: Definitions whose members are listed, with the path where.
        self._listed: dict[int, str] = {}
        self._known_types: dict[int, tuple[str, ...]] = {}
        self._cut = False

    def whole(self, root: _Place) -> FieldList:
        self._listed[id(root.schema)] = ""
        parts = self._parts([root])
        self._members(parts, _At("", "", required=True, when=(), depth=0))
        schemas = parts.schemas
        return FieldList(
            tuple(self._rows),
            title=_first_text(schemas, "title"),
            description=_first_text(schemas, "description"),
            types=self._types(parts),
            constraints=constraints_of(schemas),
            tags=_tags(schemas),
            cut=self._cut,
        )

    def _parts(self, places: Sequence[_Place]) -> _Parts:
        found = _Parts()
        waiting = list(reversed(places))
        while waiting and len(found.plain) < _MOST_PARTS:
            place = waiting.pop()
            schema = place.schema
            if schema is False:
                found.never = True
            if not isinstance(schema, dict):
                continue
            resolver = self._resolver(place)
            found.plain.append(_Place(schema, resolver))
            following = [_Place(branch, resolver) for branch in _list(schema.get("allOf"))]
            if target := _target(schema, resolver):
                if id(target.schema) in found.targets:
                    continue
                found.targets.append(id(target.schema))
                following.insert(0, target)
            waiting.extend(reversed(following))
            found.alternatives += self._alternatives(schema, resolver)
        return found

    def _resolver(self, place: _Place) -> Any:
        if "$id" in place.schema or "id" in place.schema:
            return place.resolver.in_subresource(self._specification.create_resource(place.schema))
        return place.resolver

    def _alternatives(self, schema: dict[str, Any], resolver: Any) -> Iterator[tuple[str, _Place]]:
        for keyword in ("oneOf", "anyOf"):
            branches = _list(schema.get(keyword))
            for number, branch in enumerate(branches, 1):
                place = _Place(branch, resolver)
                yield ("" if len(branches) == 1 else self._label(place, number)), place
        for keyword, label in (("then", "if it fits"), ("else", "otherwise")):
            if "if" in schema and keyword in schema:
                yield (
                    _condition(schema["if"]) if keyword == "then" else label,
                    _Place(schema[keyword], resolver),
                )
        dependent = schema.get("dependentSchemas", schema.get("dependencies"))
        for name, branch in dependent.items() if isinstance(dependent, dict) else ():
            if isinstance(branch, dict):
                yield f"with {name}", _Place(branch, resolver)

    def _label(self, place: _Place, number: int) -> str:
        """What tells an alternative from the others: its title, the constant it is known by, its definition's name."""
        schema = place.schema if isinstance(place.schema, dict) else {}
        target = _target(schema, place.resolver)
        for one in (schema, target.schema if target and isinstance(target.schema, dict) else {}):
            if isinstance(one.get("title"), str) and one["title"]:
                return str(one["title"])[:60]
            if said := _constant(one):
                return said
        reference = schema.get("$ref")
        named = reference.rsplit("/", 1)[-1].strip("#") if isinstance(reference, str) else ""
        return named[:60] or f"alternative {number}"

    def _types(self, parts: _Parts) -> tuple[str, ...]:
        said = [types for schema in parts.schemas if (types := _own_types(schema))]
        every = dict.fromkeys(one for types in said for one in types)
        common = [one for one in every if all(_allows(types, one) for types in said)]
        if not common:
            common = [one for _, place in parts.alternatives for one in self._types_of(place) if one != "any"]
        return tuple(dict.fromkeys(common)) or (("nothing",) if parts.never else ("any",))

    def _types_of(self, place: _Place) -> tuple[str, ...]:
        """Of one alternative; each schema is looked at once, however many ways lead to it."""
        key = id(place.schema)
        if key not in self._known_types:
            self._known_types[key] = ()
            self._known_types[key] = self._types(self._parts([place]))
        return self._known_types[key]

    def _members(self, parts: _Parts, at: _At) -> None:
        """Rows for everything inside this location, then inside its alternatives."""
        if at.depth > _MOST_LEVELS:
            self._cut = True
            return
        required = {name for schema in parts.schemas for name in _list(schema.get("required"))}
        for (step, name), places in _children(parts.plain).items():
            below = _At(_joined(at.path, step), name, name in required, at.when, at.depth + 1)
            self._field(below, places)
        for label, place in parts.alternatives:
            inner = self._parts([place])
            if self._known(inner) is None:
                self._note(inner, at.path)
                when = (*at.when, label) if label else at.when
                self._members(inner, at._replace(when=when, depth=at.depth + 1))

    def _field(self, at: _At, places: list[_Place]) -> None:
        if len(self._rows) >= MOST_FIELDS:
            self._cut = True
            return
        parts = self._parts(places)
        known = self._known(parts)
        has_members = bool(_children(parts.plain)) or bool(parts.alternatives)
        self._rows.append(self._row(at, parts, known if has_members else None))
        if known is None:
            self._note(parts, at.path)
            self._members(parts, at)

    def _known(self, parts: _Parts) -> str | None:
        return next((self._listed[target] for target in parts.targets if target in self._listed), None)

    def _note(self, parts: _Parts, path: str) -> None:
        for target in parts.targets:
            self._listed.setdefault(target, path)

    def _row(self, at: _At, parts: _Parts, known: str | None) -> Field:
        schemas = parts.schemas
        return Field(
            path=at.path,
            name=at.name,
            types=self._types(parts),
            required=at.required,
            when=at.when,
            constraints=constraints_of(schemas),
            title=_first_text(schemas, "title"),
            description=_first_text(schemas, "description"),
            deprecated=any(schema.get("deprecated") is True for schema in schemas),
            default=next(((s["default"],) for s in schemas if "default" in s), ()),
            examples=tuple(value for s in schemas for value in _list(s.get("examples")))[:3],
            tags=_tags(schemas),
            same_as=known,
            taxonomy=_first_text(schemas, "x-taxonomy"),
        )


def _children(places: Sequence[_Place]) -> dict[tuple[str, str], list[_Place]]:
    """(step of the path, name) → the schemas that speak about it, in the order of declaration."""
    found: dict[tuple[str, str], list[_Place]] = {}
    for place in places:
        for key, schema in _steps(place.schema):
            found.setdefault(key, []).append(_Place(schema, place.resolver))
    return found


def _steps(schema: dict[str, Any]) -> Iterator[tuple[tuple[str, str], Any]]:
    for name, child in _dict(schema.get("properties")).items():
        yield (name, name), child
    for pattern, child in _dict(schema.get("patternProperties")).items():
        yield ("{" + pattern + "}", ""), child
    if isinstance(schema.get("additionalProperties"), dict) and schema["additionalProperties"]:
        yield ("*", ""), schema["additionalProperties"]
    items = schema.get("items")
    for number, child in enumerate(_list(schema.get("prefixItems", items))):
        yield (f"[{number}]", ""), child
    if isinstance(items, dict) and items:
        yield ("[]", ""), items


def _joined(path: str, step: str) -> str:
    return path + step if not path or step.startswith("[") else f"{path}.{step}"


def _target(schema: dict[str, Any], resolver: Any) -> _Place | None:
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return None
    try:
        found = resolver.lookup(reference)
    except Unresolvable:
        return None
    return _Place(found.contents, found.resolver)


def _own_types(schema: dict[str, Any]) -> list[str]:
    written = schema.get("type")
    if isinstance(written, str):
        return [written]
    if isinstance(written, list) and written:
        return [str(one) for one in written]
    if "const" in schema:
        return [_type_name(schema["const"])]
    if values := _list(schema.get("enum")):
        return list(dict.fromkeys(_type_name(value) for value in values))
    if "properties" in schema or "patternProperties" in schema:
        return ["object"]
    return ["array"] if "items" in schema or "prefixItems" in schema else []


def _type_name(value: Any) -> str:
    return "integer" if isinstance(value, int) and not isinstance(value, bool) else type_of(value)


def _allows(types: list[str], one: str) -> bool:
    return one in types or (one == "integer" and "number" in types)


def _constant(schema: dict[str, Any]) -> str:
    for name, written in _dict(schema.get("properties")).items():
        child = _dict(written)
        values = [child["const"]] if "const" in child else _list(child.get("enum"))
        if len(values) == 1 and isinstance(values[0], str):
            return f"{name} = {values[0]}"[:60]
    return ""


def _condition(schema: Any) -> str:
    said = _constant(schema) if isinstance(schema, dict) else ""
    return f"if {said}" if said else "if it fits"


def _tags(schemas: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """`tags`, `x-tags` and Confluent's `confluent:tags`, as lists of words."""
    said = [
        tag
        for schema in schemas
        for key in ("x-tags", "confluent:tags", "tags")
        for tag in _list(schema.get(key))
        if isinstance(tag, str)
    ]
    return tuple(dict.fromkeys(said))


def _first_text(schemas: Sequence[dict[str, Any]], key: str) -> str:
    return next((s[key].strip() for s in schemas if isinstance(s.get(key), str) and s[key].strip()), "")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
