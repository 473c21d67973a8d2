"""Any dialect, with any references, as one self-contained document of 2020-12 that asserts the same.

The result uses `$ref` only as `#/$defs/NAME`, has no identifiers, no annotations, and none of the spellings that older
drafts had. What cannot be said that way (a `$dynamicRef` with several targets) raises Exhausted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from referencing.exceptions import Unresolvable

from compat import dialects, formats, patterns
from compat.dialects import D2019, D2020, Dialect, Schema
from compat.documents import Documents
from compat.errors import Exhausted, SchemaError
from compat.measure import Measure
from compat.values import exact, path_to, pointer

#: Schemas that one value may have to be tried against; no validator would come to an end much beyond it.
MAX_WEIGHT = 50_000


@dataclass(frozen=True)
class Rewritten:
    """A schema in the normal form, and the definitions its references name."""

    root: Schema
    definitions: dict[str, Schema]
    #: Whether one of its patterns needs an engine that backtracks.
    backtracking: bool = False
    #: Whether `format` is asserted; otherwise there is none in it.
    formats: bool = False
    #: The part of a conjunction that says almost all of it; the root where that is none.
    outline: Schema | None = None

    def document(self) -> Schema:
        """One stand-alone 2020-12 schema."""
        if isinstance(self.root, bool) or not self.definitions:
            return self.root
        return {**self.root, "$defs": self.definitions}

    @cached_property
    def measure(self) -> Measure:
        """How much it is, with all references followed."""
        measure = Measure(self.definitions)
        measure.cases = measure.of(self.root).cases
        return measure


def rewritten(documents: Documents, *, prefix: str = "d", assert_formats: bool = False) -> Rewritten:
    """The normal form; definition names begin with `prefix`. Raises SchemaError for references that lead nowhere."""
    key = ("rewritten", prefix, assert_formats)
    return documents.form(key, lambda: _rewritten(_Work(documents, prefix, assert_formats)))


def _rewritten(work: _Work) -> Rewritten:
    documents = work.documents
    try:
        place = _Place(documents.registry.resolver(documents.base_uri), documents.dialect)
        root = work.schema(documents.root, place)
        result = Rewritten(root, work.definitions, documents.backtracking, work.formats)
        work.finish()
        _refuse_endless(result)
    except RecursionError:
        raise SchemaError("", "references lead from one to the next too many times", "depth") from None
    except ValueError as error:
        raise SchemaError("", f"an identifier or a reference is no URI: {error}", "reference") from error
    return result


def _refuse_endless(schema: Rewritten) -> None:
    """Raises SchemaError for a schema that no validator could come to an end with."""
    if schema.measure.endless:
        raise SchemaError("", "a $ref leads back to itself without going deeper into the value", "endless")
    if schema.measure.heaviest > MAX_WEIGHT:
        message = f"references and branches multiply to more than {MAX_WEIGHT} schemas for one value"
        raise SchemaError("", message, "size")


@dataclass(frozen=True)
class _Place:
    """What a schema's references and keywords mean where it stands."""

    resolver: Any
    dialect: Dialect


@dataclass
class _Work:
    documents: Documents
    prefix: str
    formats: bool
    definitions: dict[str, Schema] = field(default_factory=dict)
    _names: dict[int, str] = field(default_factory=dict)
    _references: dict[tuple[str, str], Schema] = field(default_factory=dict)
    _waiting: list[tuple[str, Schema, _Place]] = field(default_factory=list)

    def schema(self, schema: Schema, place: _Place) -> Schema:
        if isinstance(schema, bool):
            return schema
        if len(schema) == 1 and "type" in schema:
            return _shared(schema)
        if "$id" in schema or "id" in schema:
            subresource = place.dialect.specification.create_resource(schema)
            place = _Place(place.resolver.in_subresource(subresource), place.dialect)
        if "$ref" in schema and place.dialect not in _REF_HAS_SIBLINGS:
            return self.reference(_Keyword(self, schema, "$ref", place))
        known = KEYWORDS[place.dialect.name]
        out: dict[str, Any] = {}
        for keyword in _in_order(tuple([keyword for keyword in schema if keyword in known])):
            translate = known[keyword]
            if translate is _same:
                out[keyword] = schema[keyword]
            else:
                translate(_Keyword(self, schema, keyword, place), out)
        return _shared(out)

    def reference(self, keyword: _Keyword) -> Schema:
        """What stands for a reference, which leads to the same place from everywhere under one base."""
        written = (keyword.place.resolver._base_uri, keyword.value)
        if written not in self._references:
            self._references[written] = self._referred(keyword)
        return self._references[written]

    def _referred(self, keyword: _Keyword) -> Schema:
        uri, place = keyword.value, keyword.place
        try:
            found = place.resolver.lookup(uri)
        except Unresolvable as error:
            raise SchemaError(keyword.pointer, nowhere(uri), "reference") from error
        if isinstance(found.contents, bool):
            return found.contents
        if not isinstance(found.contents, dict):
            raise SchemaError(keyword.pointer, f"$ref {uri!r} does not lead to a schema", "reference")
        return {"$ref": f"#/$defs/{self._name(found.contents, found.resolver, place)}"}

    def _name(self, target: dict[str, Any], resolver: Any, place: _Place) -> str:
        if id(target) not in self._names:
            name = self._names[id(target)] = f"{self.prefix}{len(self._names)}"
            dialect = dialects.read(target, self._dialect_at(resolver, place))[0]
            self._waiting.append((name, target, _Place(resolver, dialect)))
        return self._names[id(target)]

    def _dialect_at(self, resolver: Any, place: _Place) -> Dialect:
        stored = self.documents.named.get(resolver._base_uri)
        return stored[1] if stored else place.dialect

    def finish(self) -> None:
        """Rewrite the targets found so far, and those found on the way, without recursion from one to the next."""
        while self._waiting:
            name, target, place = self._waiting.pop()
            self.definitions[name] = self.schema(target, place)


#: Most schemas say no more than this; being one object each, they are looked at once by whoever goes by identity.
_OF_TYPE: dict[str, Schema] = {
    name: {"type": name} for name in ("null", "boolean", "integer", "number", "string", "array", "object")
}


def _shared(schema: dict[str, Any]) -> Schema:
    name = schema["type"] if len(schema) == 1 and "type" in schema else None
    return _OF_TYPE.get(name, schema) if isinstance(name, str) else schema


@dataclass(slots=True)
class _Keyword:
    """One keyword of one schema object, with what a translation may need of its surroundings."""

    work: _Work
    schema: dict[str, Any]
    name: str
    place: _Place

    @property
    def value(self) -> Any:
        return self.schema[self.name]

    @property
    def pointer(self) -> str:
        """Where the keyword stands; looked up, as only errors ask for it."""
        documents = self.work.documents.all
        paths = (path for document in documents if (path := path_to(self.schema, document)) is not None)
        return pointer([*next(paths, ()), self.name])

    def sub(self, schema: Schema) -> Schema:
        return self.work.schema(schema, self.place)


_Translation = Callable[[_Keyword, dict[str, Any]], None]


def _same(keyword: _Keyword, out: dict[str, Any]) -> None:
    out[keyword.name] = keyword.value


def _one(keyword: _Keyword, out: dict[str, Any]) -> None:
    out[keyword.name] = keyword.sub(keyword.value)


def _list(keyword: _Keyword, out: dict[str, Any]) -> None:
    out[keyword.name] = [keyword.sub(item) for item in keyword.value]


def _members(keyword: _Keyword, out: dict[str, Any]) -> None:
    out[keyword.name] = {name: keyword.sub(item) for name, item in keyword.value.items()}


def _pattern(keyword: _Keyword, out: dict[str, Any]) -> None:
    out["pattern"] = patterns.spelled(keyword.value)


def _pattern_members(keyword: _Keyword, out: dict[str, Any]) -> None:
    members = ((patterns.spelled(name), keyword.sub(child)) for name, child in keyword.value.items())
    out["patternProperties"] = patterns.merged(members)


def _format(keyword: _Keyword, out: dict[str, Any]) -> None:
    if keyword.work.formats and formats.is_asserted(keyword.value, keyword.place.dialect):
        out["format"] = keyword.value


def _reference(keyword: _Keyword, out: dict[str, Any]) -> None:
    _also(out, keyword.work.reference(keyword))


def _dynamic(keyword: _Keyword, out: dict[str, Any]) -> None:
    """A dynamic reference with one possible target is a plain one."""
    anchor = "$dynamicAnchor" if keyword.name == "$dynamicRef" else "$recursiveAnchor"
    if sum(occurrences(document, anchor) for document in keyword.work.documents.all) > 1:
        raise Exhausted(f"{keyword.pointer} has several possible targets")
    _also(out, keyword.work.reference(keyword))


def _also(out: dict[str, Any], schema: Schema) -> None:
    if isinstance(schema, dict) and "$ref" in schema and "$ref" not in out:
        out["$ref"] = schema["$ref"]
    else:
        out.setdefault("allOf", []).append(schema)


def _all_of(keyword: _Keyword, out: dict[str, Any]) -> None:
    out.setdefault("allOf", []).extend(keyword.sub(item) for item in keyword.value)


def _tuple_items(keyword: _Keyword, out: dict[str, Any]) -> None:
    """`items` before 2020-12: one schema, or a list with `additionalItems` for what follows."""
    if not isinstance(keyword.value, list):
        out["items"] = keyword.sub(keyword.value)
        return
    out["prefixItems"] = [keyword.sub(item) for item in keyword.value]
    if "additionalItems" in keyword.schema:
        out["items"] = keyword.sub(keyword.schema["additionalItems"])


def _dependencies(keyword: _Keyword, out: dict[str, Any]) -> None:
    for name, dependency in keyword.value.items():
        if isinstance(dependency, list):
            out.setdefault("dependentRequired", {})[name] = dependency
        else:
            out.setdefault("dependentSchemas", {})[name] = keyword.sub(dependency)


def _bound(keyword: _Keyword, out: dict[str, Any]) -> None:
    """Draft-04 bounds are made exclusive by a boolean beside them."""
    exclusive = "exclusiveMinimum" if keyword.name == "minimum" else "exclusiveMaximum"
    out[exclusive if keyword.schema.get(exclusive) is True else keyword.name] = keyword.value


def _count(keyword: _Keyword, out: dict[str, Any]) -> None:
    """Counts may be written as 2.0."""
    out[keyword.name] = int(exact(keyword.value))


def occurrences(document: Any, key: str) -> int:
    """How many objects anywhere in the document have this key."""
    count, stack = 0, [document]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            count += key in node
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
    return count


def nowhere(uri: str) -> str:
    if "://" in uri and not uri.startswith("json-schema:"):
        return f"$ref {uri!r} is remote; references are never fetched, register that schema and name it as a reference"
    return f"$ref {uri!r} leads to nothing in this schema or its references"


_REF_HAS_SIBLINGS = {D2019, D2020}

_DRAFT_4: dict[str, _Translation] = {
    "type": _same,
    "enum": _same,
    "multipleOf": _same,
    "minimum": _bound,
    "maximum": _bound,
    "minLength": _count,
    "maxLength": _count,
    "pattern": _pattern,
    "format": _format,
    "items": _tuple_items,
    "minItems": _count,
    "maxItems": _count,
    "uniqueItems": _same,
    "properties": _members,
    "patternProperties": _pattern_members,
    "additionalProperties": _one,
    "required": _same,
    "minProperties": _count,
    "maxProperties": _count,
    "dependencies": _dependencies,
    "allOf": _all_of,
    "anyOf": _list,
    "oneOf": _list,
    "not": _one,
}
_BOUNDS: dict[str, _Translation] = dict.fromkeys(
    ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _same
)
_DRAFT_6 = {**_DRAFT_4, **_BOUNDS, "const": _same, "contains": _one, "propertyNames": _one}
_DRAFT_7 = {**_DRAFT_6, "if": _one, "then": _one, "else": _one}
_DRAFT_2019 = {
    **{name: translate for name, translate in _DRAFT_7.items() if name != "dependencies"},
    "$ref": _reference,
    "$recursiveRef": _dynamic,
    "minContains": _count,
    "maxContains": _count,
    "dependentRequired": _same,
    "dependentSchemas": _members,
    "unevaluatedItems": _one,
    "unevaluatedProperties": _one,
}
_DRAFT_2020 = {
    **{name: translate for name, translate in _DRAFT_2019.items() if name != "$recursiveRef"},
    "$dynamicRef": _dynamic,
    "prefixItems": _list,
    "items": _one,
}
#: In which the keywords of the normal form stand, whatever the order an author wrote them in.
_ORDER = {
    keyword: place for place, keyword in enumerate({**_DRAFT_4, **_DRAFT_7, **_DRAFT_2019, **_DRAFT_2020})
}


@lru_cache(maxsize=2048)
def _in_order(keywords: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(keywords, key=_ORDER.__getitem__))


KEYWORDS: dict[str, dict[str, _Translation]] = {
    "draft-04": _DRAFT_4,
    "draft-06": _DRAFT_6,
    "draft-07": _DRAFT_7,
    "2019-09": _DRAFT_2019,
    "2020-12": _DRAFT_2020,
}
