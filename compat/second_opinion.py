"""The validator `jsonschema` as the second of the two that a witness has to convince.

Its own keywords, but for those that look at patterns: Python's `re` backtracks and reads another language than ECMA-262.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import jsonschema
from jsonschema import validators
from jsonschema.exceptions import ValidationError
from referencing.jsonschema import lookup_recursive_ref
from rfc3986_validator import validate_rfc3986  # type: ignore[import-untyped]  # it ships no types

from compat import patterns
from compat.dialects import D4, D6, D2019, D2020, Dialect
from compat.documents import Documents

_ASCII = "".join(map(chr, range(128)))


def python_validator(documents: Documents, *, formats: bool = False) -> jsonschema.protocols.Validator:
    """The validator over documents that were read already; `formats` asserts `format`."""
    return documents.form(("jsonschema", formats), lambda: _compiled(documents, formats=formats))


def _compiled(documents: Documents, *, formats: bool) -> jsonschema.protocols.Validator:
    registry = documents.registry
    compiled: jsonschema.protocols.Validator = _class(documents.dialect)(
        documents.root,
        registry=registry,
        _resolver=registry.resolver(documents.base_uri),
        format_checker=_checker(documents.dialect) if formats else None,
    )
    return compiled


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


_ON_OUR_ENGINE = {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional_properties,
}
_UNEVALUATED = {"unevaluatedProperties": _unevaluated_properties}
_CLASSES: dict[str, Any] = {}


def _class(dialect: Dialect) -> Any:
    if dialect.name not in _CLASSES:
        keywords = {**_ON_OUR_ENGINE, **(_UNEVALUATED if dialect in {D2019, D2020} else {})}
        _CLASSES[dialect.name] = validators.extend(dialect.python, validators=keywords)  # type: ignore[no-untyped-call]
    return _CLASSES[dialect.name]
