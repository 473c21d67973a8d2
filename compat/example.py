"""An instance that shows what a schema means: drafted from what the schema says, and given out only when it validates."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

from referencing.exceptions import Unresolvable

from compat.budget import Budget
from compat.dialects import Schema, Store
from compat.documents import Documents
from compat.errors import Exhausted, SchemaError
from compat.guess import guesses
from compat.inspection import opened
from compat.rewrite import Rewritten, rewritten
from compat.second_opinion import python_validator
from compat.solver.nodes import World
from compat.solver.search import Search
from compat.validation import rust_validator
from compat.values import type_of

#: Values one draft consists of at most, and levels of it.
_MOST_VALUES = 2_000
_MOST_LEVELS = 16
#: Members that are taken out of a draft because they are refused.
_MOST_REPAIRS = 25
_STEPS = 15_000
_CANNOT_JUDGE = (ValueError, TypeError, ArithmeticError, RecursionError)

#: One schema with the resolver that its references are read by.
Place: TypeAlias = tuple[Schema, Any]


@dataclass(frozen=True)
class Example:
    """An instance that jsonschema-rs and jsonschema both accept; `formats`: with `format` asserted, too."""

    value: Any
    formats: bool


def example(schema: Schema, *, dialect: str | None = None, store: Store | None = None) -> Example | None:
    """An instance that two independent validators accept, as telling as can be made; None when none was found.

    What the author wrote comes first (`examples`, `default`, `const`, `enum`), optional members are filled in, and one
    that holds its formats is preferred. The same schema always has the same example. Raises SchemaError.
    """
    documents = opened(schema, dialect=dialect, store=store)
    second: Example | None = None
    for value in _candidates(documents):
        if not _accepted(documents, value):
            continue
        if _accepted(documents, value, formats=True):
            return Example(value, formats=True)
        second = second or Example(value, formats=False)
    return second


def _accepted(documents: Documents, value: Any, *, formats: bool = False) -> bool:
    """A validator that cannot judge an instance does not accept it."""
    validators = (rust_validator(documents, formats=formats), python_validator(documents, formats=formats))
    try:
        return all(validator.is_valid(value) for validator in validators)
    except _CANNOT_JUDGE:
        return False


def _candidates(documents: Documents) -> Iterator[Any]:
    """From the most telling to the plainest."""
    root = documents.root
    if isinstance(root, dict) and isinstance(root.get("examples"), list):
        yield from root["examples"][:5]
    drafted = _drafted(documents)
    if drafted is not _OMIT:
        yield drafted
        yield from _mended(documents, drafted)
    yield from _searched(documents)


def _drafted(documents: Documents) -> Any:
    try:
        return _Draft(documents).at([(documents.root, documents.registry.resolver(documents.base_uri))])
    except (Unresolvable, RecursionError):
        return _OMIT


def _mended(documents: Documents, drafted: Any) -> Iterator[Any]:
    """The draft without the members that are refused: first with formats asserted, then without."""
    for formats in (True, False):
        value = deepcopy(drafted)
        for _ in range(_MOST_REPAIRS):
            _, errors = rust_validator(documents, formats=formats).causes(value)
            if not any(_taken_out(value, error.pointer) for error in errors):
                break
        yield value


def _taken_out(value: Any, pointer: str) -> bool:
    """Whether there was something at this place below the root, which now is gone."""
    *parents, last = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]] or [""]
    for part in parents:
        value = value[int(part)] if isinstance(value, list) else value[part]
    if isinstance(value, dict):
        return pointer != "" and value.pop(last, _OMIT) is not _OMIT
    if isinstance(value, list) and last.isdigit() and int(last) < len(value):
        del value[int(last)]
        return True
    return False


def _searched(documents: Documents) -> Iterator[Any]:
    """What the solver builds: with every declared member if that can be, else the smallest; then what is mentioned."""
    try:
        normal = rewritten(documents, prefix="e")
        names = _declared_names(normal)
        if names:
            yield from _solved(normal, {"type": "object", "required": names})
        yield from _solved(normal, True)
        yield from guesses(normal)
    except (Exhausted, RecursionError):
        return


def _declared_names(normal: Rewritten) -> list[str]:
    root = normal.root
    if isinstance(root, dict) and root.keys() == {"$ref"}:
        root = normal.definitions[root["$ref"].rsplit("/", 1)[-1]]
    return list(root.get("properties", ())) if isinstance(root, dict) else []


def _solved(normal: Rewritten, also: Schema) -> Iterator[Any]:
    world = World(normal.definitions, normal.backtracking)
    try:
        found = Search(Budget(_STEPS)).find([(world.node(normal.root), True), (world.node(also), True)])
    except (Exhausted, RecursionError):
        return
    if found is not None:
        yield found.value


class _Omit:
    """No value: null is one."""


_OMIT = _Omit()
_FORMATS = {
    "date-time": "2026-01-31T09:30:00Z",
    "date": "2026-01-31",
    "time": "09:30:00Z",
    "duration": "PT5M",
    "email": "someone@example.com",
    "idn-email": "someone@example.com",
    "hostname": "host.example.com",
    "idn-hostname": "host.example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/path",
    "uri-reference": "/path",
    "iri": "https://example.com/path",
    "iri-reference": "/path",
    "uri-template": "/orders/{id}",
    "uuid": "123e4567-e89b-42d3-a456-426614174000",
    "json-pointer": "/path/to/value",
    "relative-json-pointer": "1/name",
    "regex": "^[a-z]+$",
}
_LEAF = frozenset(
    [
        "type",
        "pattern",
        "minLength",
        "maxLength",
        "format",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "not",
    ]
)


class _Draft:
    """One walk over a schema as it was written, annotations included."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._left = _MOST_VALUES
        self._open: list[int] = []

    def at(self, places: list[Place]) -> Any:
        """A value for one location that all these schemas speak about; _OMIT where there is none or no end."""
        self._left -= 1
        if self._left < 0 or len(self._open) > _MOST_LEVELS:
            return _OMIT
        entered = len(self._open)
        try:
            parts = [part for place in places for part in self._parts(*place)]
            return self._value(parts)
        except _NoEndError:
            return _OMIT
        finally:
            del self._open[entered:]

    def _parts(self, schema: Schema, resolver: Any) -> Iterator[tuple[dict[str, Any], Any]]:
        """The schema objects that hold together here: through `$ref`, `allOf`, and the first branch that has an end."""
        if schema is False:
            raise _NoEndError
        if not isinstance(schema, dict):
            return
        if "$id" in schema or "id" in schema:
            resource = self._documents.dialect.specification.create_resource(schema)
            resolver = resolver.in_subresource(resource)
        yield schema, resolver
        if isinstance(schema.get("$ref"), str):
            yield from self._referred(schema["$ref"], resolver)
        for branch in schema.get("allOf", ()):
            yield from self._parts(branch, resolver)
        for keyword in ("oneOf", "anyOf"):
            if schema.get(keyword):
                yield from self._one_of(schema[keyword], resolver)

    def _referred(self, reference: str, resolver: Any) -> Iterator[tuple[dict[str, Any], Any]]:
        found = resolver.lookup(reference)
        if id(found.contents) in self._open:
            raise _NoEndError
        self._open.append(id(found.contents))
        yield from self._parts(found.contents, found.resolver)

    def _one_of(self, branches: list[Schema], resolver: Any) -> list[tuple[dict[str, Any], Any]]:
        telling = sorted(branches, key=lambda branch: branch in ({"type": "null"}, {"enum": [None]}))
        for branch in telling:
            entered = len(self._open)
            try:
                return list(self._parts(branch, resolver))
            except _NoEndError:
                del self._open[entered:]
        raise _NoEndError

    def _value(self, parts: list[tuple[dict[str, Any], Any]]) -> Any:
        schemas = [schema for schema, _ in parts]
        said = next((v for schema in schemas for v in _said(schema) if _of_type(v, schemas)), _OMIT)
        if said is not _OMIT:
            return deepcopy(said)
        kind = _kind(schemas)
        if kind == "object":
            return self._object(parts)
        if kind == "array":
            return self._array(parts)
        return _leaf(kind, schemas, self._documents)

    def _object(self, parts: list[tuple[dict[str, Any], Any]]) -> Any:
        children: dict[str, list[Place]] = {}
        for schema, resolver in parts:
            for name, child in schema.get("properties", {}).items():
                children.setdefault(name, []).append((child, resolver))
        required = [name for schema, _ in parts for name in _names(schema.get("required"))]
        rest = [
            (schema["additionalProperties"], resolver)
            for schema, resolver in parts
            if isinstance(schema.get("additionalProperties"), dict)
        ]
        for name in [*required, *(["key"] if rest and not children else [])]:
            children.setdefault(name, rest)
        found = {name: self.at(places) for name, places in children.items()}
        if any(found[name] is _OMIT for name in required):
            return _OMIT
        return {name: value for name, value in found.items() if value is not _OMIT}

    def _array(self, parts: list[tuple[dict[str, Any], Any]]) -> Any:
        first = [places for schema, resolver in parts for places in _positions(schema, resolver)]
        items = [
            (schema["items"], resolver) for schema, resolver in parts if isinstance(schema.get("items"), dict)
        ]
        fewest = max((s["minItems"] for s, _ in parts if type_of(s.get("minItems")) == "number"), default=0)
        found = [self.at([place]) for place in first]
        if items and not first:
            found = [self.at(items) for _ in range(int(max(1, min(fewest, 10))))]
        return [value for value in found if value is not _OMIT]


class _NoEndError(Exception):
    """A reference leads back to where it came from, or nothing is allowed here."""


def _said(schema: dict[str, Any]) -> Iterator[Any]:
    """What the author gives as a value of this place."""
    if isinstance(schema.get("examples"), list):
        yield from schema["examples"][:1]
    if "example" in schema:
        yield schema["example"]
    if "const" in schema:
        yield schema["const"]
    if schema.get("default") is not None:
        yield schema["default"]
    if isinstance(schema.get("enum"), list):
        yield from islice((value for value in schema["enum"] if value is not None), 1)


def _of_type(value: Any, schemas: list[dict[str, Any]]) -> bool:
    """Whether a value that the author gives is at least of the type that is asked for."""
    kind = type_of(value)
    return all(
        kind in kinds or (kind == "number" and "integer" in kinds)
        for kinds in (_names(schema["type"]) for schema in schemas if "type" in schema)
    )


def _kind(schemas: list[dict[str, Any]]) -> str:
    """The JSON type of the value: the first that is not null and that all of them allow."""
    allowed = [_names(schema["type"]) for schema in schemas if "type" in schema]
    common = [
        kind
        for kind in (allowed[0] if allowed else ())
        if all(kind in kinds or (kind == "integer" and "number" in kinds) for kinds in allowed)
    ]
    telling = [kind for kind in common if kind != "null"] or common
    if telling:
        return telling[0]
    if any("properties" in schema or "required" in schema for schema in schemas):
        return "object"
    if any("items" in schema or "prefixItems" in schema for schema in schemas):
        return "array"
    return "number" if any("minimum" in schema or "maximum" in schema for schema in schemas) else "string"


def _names(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


def _positions(schema: dict[str, Any], resolver: Any) -> Iterator[Place]:
    listed = schema.get("prefixItems", schema.get("items"))
    if isinstance(listed, list):
        yield from ((item, resolver) for item in listed)


def _leaf(kind: str, schemas: list[dict[str, Any]], documents: Documents) -> Any:
    """A scalar: a plain one if that fits, else one that the solver builds for the constraints of this place."""
    narrowed = [{key: value for key, value in schema.items() if key in _LEAF} for schema in schemas]
    bounds = [schema.get(key) for schema in schemas for key in ("minimum", "maximum")]
    formats = [_FORMATS[s["format"]] for s in schemas if s.get("format") in _FORMATS]
    by_kind: dict[str, list[Any]] = {
        "string": [*formats, "string"],
        "integer": [1, *(bound for bound in bounds if type_of(bound) == "number")],
        "number": [1.5, 1, *(bound for bound in bounds if type_of(bound) == "number")],
        "boolean": [True],
    }
    plain = by_kind.get(kind, [None])
    try:
        leaf = opened(
            {"allOf": [{"type": kind}, *narrowed]}, dialect=documents.dialect, store=documents.store
        )
        fitting = next(
            (value for value in plain if rust_validator(leaf, formats=True).is_valid(value)), _OMIT
        )
        if fitting is _OMIT:
            fitting = next(_solved(rewritten(leaf, prefix="l"), True), plain[0])
    except (SchemaError, Exhausted):
        return plain[0]
    return fitting
