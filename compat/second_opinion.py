"""The validator `jsonschema` as the second of the two that a witness has to convince.

Its own keywords, but for those that look at patterns: Python's `re` backtracks and reads another language than ECMA-262.
And its own walk, which is spared what leads nowhere: reading identifiers where there are none, and holding one part of
the instance twice against what one reference leads to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote

import jsonschema
from jsonschema import validators
from jsonschema.exceptions import ValidationError
from referencing import Resource
from referencing.jsonschema import lookup_recursive_ref
from rfc3986_validator import validate_rfc3986  # type: ignore[import-untyped]  # it ships no types

from compat import dialects, patterns
from compat.dialects import D4, D6, D2019, D2020, Dialect
from compat.documents import Documents

_ASCII = "".join(map(chr, range(128)))


@dataclass(frozen=True)
class SecondOpinion:
    """Documents compiled by `jsonschema`. Safe to share between threads."""

    _compiled: Any
    _resolver: Any

    def is_valid(self, instance: Any) -> bool:
        valid: bool = self._compiled.evolve(_resolver=_Resolver(self._resolver, _Memory())).is_valid(instance)
        return valid


def python_validator(documents: Documents, *, formats: bool = False) -> SecondOpinion:
    """The validator over documents that were read already; `formats` asserts `format`."""
    return documents.form(("jsonschema", formats), lambda: _compiled(documents, formats=formats))


def _compiled(documents: Documents, *, formats: bool) -> SecondOpinion:
    resolver = documents.registry.resolver(documents.base_uri)
    checker = _checker(documents.dialect) if formats else None
    compiled = _class(documents.dialect)(
        documents.root, registry=documents.registry, _resolver=resolver, format_checker=checker
    )
    return SecondOpinion(compiled, resolver)


class _Found(NamedTuple):
    """What a reference leads to, and what resolves the references there."""

    contents: Any
    resolver: _Resolver


@dataclass(frozen=True)
class _Memory:
    """What one validation has found out already."""

    #: Where each reference leads to, by the place it stands at.
    found: dict[tuple[Any, ...], _Found] = field(default_factory=dict)
    #: Parts of the instance that satisfy what a reference leads to, by the reference and their address: the parts are
    #: kept beside, as what is known by its address must not be replaced at that address.
    satisfied: dict[tuple[Any, ...], Any] = field(default_factory=dict)


class _Resolver:
    """One of referencing's, with the memory of one validation."""

    def __init__(self, inner: Any, memory: _Memory) -> None:
        self._inner = inner
        self.memory = memory
        #: Where one is and came from, which is all that decides where a reference leads to.
        self.place = (inner._base_uri, *(uri for uri, _ in inner.dynamic_scope()))

    def lookup(self, ref: str) -> _Found:
        question = (ref, self.place)
        if question not in self.memory.found:
            resolved = self._inner.lookup(ref)
            self.memory.found[question] = _Found(resolved.contents, _Resolver(resolved.resolver, self.memory))
        return self.memory.found[question]

    def in_subresource(self, subresource: Resource[Any]) -> _Resolver:
        return _Resolver(self._inner.in_subresource(subresource), self.memory)

    def dynamic_scope(self) -> Any:
        return self._inner.dynamic_scope()


def _checker(dialect: Dialect) -> jsonschema.FormatChecker:
    """jsonschema's own for this draft, with regular expressions as this product reads them."""
    checker = jsonschema.FormatChecker(formats=())
    checker.checkers = {**dialect.python.FORMAT_CHECKER.checkers, "regex": (_is_regex, ())}
    if dialect not in {D4, D6}:
        checker.checkers |= {"iri": (_is_iri, ()), "iri-reference": (_is_iri_reference, ())}
    return checker


def _is_regex(value: object) -> bool:
    return not isinstance(value, str) or patterns.is_readable(value)


def _is_iri(value: object) -> bool:
    return not isinstance(value, str) or bool(validate_rfc3986(_as_uri(value), rule="URI"))


def _is_iri_reference(value: object) -> bool:
    return not isinstance(value, str) or bool(validate_rfc3986(_as_uri(value), rule="URI_reference"))


def _as_uri(iri: str) -> str:
    """RFC 3987, 3.1. The package that jsonschema would ask compiles a grammar of a second in every process."""
    return quote(iri, safe=_ASCII)


def _type(validator: Any, types: Any, instance: Any, schema: Any) -> Iterable[ValidationError]:
    """jsonschema's own, asked for an error only where there is one."""
    if isinstance(types, str) and validator.is_type(instance, types):
        return ()
    errors: Iterable[ValidationError] = D2020.python.VALIDATORS["type"](validator, types, instance, schema)
    return errors


def _pattern(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not patterns.matches(pattern, instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(
    validator: Any, members: Any, instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    for pattern, subschema in members.items():
        for name, value in instance.items():
            if patterns.matches(pattern, name):
                yield from validator.descend(value, subschema, path=name, schema_path=pattern)


def _additional_properties(
    validator: Any, extra: Any, instance: Any, schema: Any
) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    declared, members = schema.get("properties", {}), schema.get("patternProperties", {})
    for name, value in instance.items():
        if name not in declared and not any(patterns.matches(pattern, name) for pattern in members):
            yield from validator.descend(value, extra, path=name)


def _unevaluated_properties(
    validator: Any, extra: Any, instance: Any, schema: Any
) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    beside = {keyword: value for keyword, value in schema.items() if keyword != "unevaluatedProperties"}
    evaluated = set(_evaluated(validator, instance, beside))
    for name, value in instance.items():
        if name not in evaluated:
            yield from validator.descend(value, extra, path=name)


def _evaluated(validator: Any, instance: dict[str, Any], schema: Any) -> Iterator[str]:
    """Names that a schema which holds has an opinion about, as JSON Schema 2020-12 (core, 11.3) counts them."""
    if isinstance(schema, bool):
        return
    yield from schema.get("properties", ())
    for pattern in schema.get("patternProperties", ()):
        yield from (name for name in instance if patterns.matches(pattern, name))
    if "additionalProperties" in schema or "unevaluatedProperties" in schema:
        yield from instance
    for resolved in _referred(validator, schema):
        inner = validator.evolve(schema=resolved.contents, _resolver=resolved.resolver)
        yield from _evaluated(inner, instance, resolved.contents)
    for branch in _holding(validator, instance, schema):
        yield from _evaluated(validator, instance, branch)


def _referred(validator: Any, schema: dict[str, Any]) -> Iterator[Any]:
    for keyword in ("$ref", "$dynamicRef"):
        if keyword in schema:
            yield validator._resolver.lookup(schema[keyword])
    if "$recursiveRef" in schema:
        yield lookup_recursive_ref(validator._resolver)


def _holding(validator: Any, instance: dict[str, Any], schema: dict[str, Any]) -> Iterator[Any]:
    """The schemas beside this one that speak about the same instance and accept it."""

    def accepts(branch: Any) -> bool:
        return next(validator.descend(instance, branch), None) is None

    yield from schema.get("allOf", ())
    for keyword in ("anyOf", "oneOf"):
        yield from filter(accepts, schema.get(keyword, ()))
    for name, child in schema.get("dependentSchemas", {}).items():
        if name in instance:
            yield child
    if "if" in schema:
        held = accepts(schema["if"])
        if held:
            yield schema["if"]
        yield schema.get("then" if held else "else", True)


def _reference(validator: Any, ref: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    found = validator._resolver.lookup(ref)
    satisfied = found.resolver.memory.satisfied
    question = (id(instance), ref, validator._resolver.place)
    if question in satisfied:
        return
    failed = False
    for error in validator.descend(instance, found.contents, resolver=found.resolver):
        failed = True
        yield error
    if not failed:
        satisfied[question] = instance


def _walks_quickly(made: Any, dialect: Dialect) -> None:
    """Has a class of jsonschema's descend into subschemas without what only other uses of it need, as where errors are."""
    identifier = "id" if dialect is D4 else "$id"

    def descend(  # noqa: PLR0917 -- jsonschema calls it so
        self: Any, instance: Any, schema: Any, path: Any = None, schema_path: Any = None, resolver: Any = None
    ) -> Iterator[ValidationError]:
        if resolver is None and isinstance(schema, dict) and identifier in schema:
            resolver = self._resolver.in_subresource(dialect.specification.create_resource(schema))
        errors: Iterator[ValidationError] = evolve(self, schema=schema, _resolver=resolver).iter_errors(
            instance
        )
        return errors

    def evolve(self: Any, *, schema: Any = None, _resolver: Any = None) -> Any:
        schema = self.schema if schema is None else schema
        return _class_of(schema, type(self))(
            schema, None, self.format_checker, registry=self._registry, _resolver=_resolver or self._resolver
        )

    made.descend, made.evolve = descend, evolve


def _class_of(schema: Any, outside: Any) -> Any:
    """The class for a subschema: jsonschema would leave our engine for its own where one names its draft again."""
    if isinstance(schema, bool) or "$schema" not in schema:
        return outside
    known = dialects.of_uri(schema["$schema"])
    return outside if known is None else _class(known)


_OURS = {
    "$ref": _reference,
    "type": _type,
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
}
_OURS_FROM_2019 = {**_OURS, "unevaluatedProperties": _unevaluated_properties}
_CLASSES: dict[str, Any] = {}


def _class(dialect: Dialect) -> Any:
    if dialect.name not in _CLASSES:
        keywords = _OURS_FROM_2019 if dialect in {D2019, D2020} else _OURS
        made = validators.extend(dialect.python, validators=keywords)  # type: ignore[no-untyped-call]
        _walks_quickly(made, dialect)
        _CLASSES[dialect.name] = made
    return _CLASSES[dialect.name]
