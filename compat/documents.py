"""The documents a schema may refer to: itself and what the caller's store holds. Nothing is ever fetched."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import urljoin

import jsonschema_rs
from jsonschema_specifications import REGISTRY as SPECIFICATIONS  # type: ignore[import-untyped]  # it ships no types
from referencing import Registry
from referencing.jsonschema import Schema as ReferencedSchema

from compat import dialects, patterns
from compat.dialects import Dialect, Schema, Store

#: Base of a schema that names none; the one jsonschema-rs uses.
BASE = "json-schema:///"
#: May be referred to without registering them: every validator carries them.
_METASCHEMAS: Registry[ReferencedSchema] = SPECIFICATIONS
Form = TypeVar("Form")


def _base_in(uri: str, schema: Schema, dialect: Dialect) -> str:
    """What relative references are resolved against in a schema that stands there."""
    written = schema.get("id" if dialect is dialects.D4 else "$id") if isinstance(schema, dict) else None
    return urljoin(uri, written) if isinstance(written, str) else uri


def _references_in(schema: Schema) -> Iterator[str]:
    stack: list[Any] = [schema]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            if isinstance(reference := node.get("$ref"), str):
                yield reference
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)


@dataclass(frozen=True, eq=False)
class Documents:
    """One root schema with its dialect, and the store around it."""

    root: Schema
    dialect: Dialect
    store: Store
    _forms: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    def form(self, name: Hashable, make: Callable[[], Form]) -> Form:
        """What was derived from these documents under this name; kept for as long as they are."""
        if name not in self._forms:
            self._forms[name] = make()
        form: Form = self._forms[name]
        return form

    @cached_property
    def base_uri(self) -> str:
        """What relative references of the root are resolved against."""
        return _base_in(BASE, self.root, self.dialect)

    @cached_property
    def named(self) -> dict[str, tuple[Schema, Dialect]]:
        """Every document of the store under each URI a reference may resolve to."""
        found: dict[str, tuple[Schema, Dialect]] = {}
        for name, schema in self.store.items():
            entry = (schema, dialects.read(schema, self.dialect)[0])
            found.update(dict.fromkeys((name, urljoin(BASE, name), urljoin(self.base_uri, name)), entry))
        for name, (schema, dialect) in [(name, found[name]) for name in self.store]:
            for uri, other in self._meant_by(urljoin(BASE, name), schema, dialect):
                found.setdefault(uri, found[other])
        return found

    def _meant_by(self, uri: str, schema: Schema, dialect: Dialect) -> Iterator[tuple[str, str]]:
        """Names of the store in a stored document, each with the URI that it becomes there.

        A document that was good by itself says `types.json`; referred to as `common/order.json` it then means
        `common/types.json` by RFC 3986, which nobody has registered.
        """
        base = _base_in(uri, schema, dialect)
        if urljoin(base, "x") == urljoin(BASE, "x"):
            return
        for reference in set(_references_in(schema)):
            name = reference.partition("#")[0]
            if name in self.store:
                yield urljoin(base, name), name

    @cached_property
    def registry(self) -> Registry[ReferencedSchema]:
        """For the reference resolver and for the validator `jsonschema`."""
        resources = [(self.base_uri, self.dialect.specification.create_resource(self.root))]
        for uri, (schema, dialect) in self.named.items():
            resources.append((uri, dialect.specification.create_resource(schema)))
        registry: Registry[ReferencedSchema] = _METASCHEMAS.with_resources(resources)
        return registry

    @cached_property
    def rust_registry(self) -> jsonschema_rs.Registry | None:
        """For the validator `jsonschema-rs`; None when there is nothing to register."""
        if not self.store:
            return None
        resources = [(uri, self.for_engine(schema, dialect)) for uri, (schema, dialect) in self.named.items()]
        return jsonschema_rs.Registry(resources)

    def for_engine(self, schema: Schema, dialect: Dialect) -> Schema:
        """One of the documents as `jsonschema-rs` reads it: saying its dialect, its patterns spelled for the engine."""
        texts = self.patterns if schema is self.root else _patterns(schema)
        spelling = {text: new for text in texts if (new := patterns.spelled(text)) != text}
        return standard(patterns.respelled(schema, spelling) if spelling else schema, dialect)

    @cached_property
    def patterns(self) -> frozenset[str]:
        """Every regular expression of the root."""
        return _patterns(self.root)

    @cached_property
    def backtracking(self) -> bool:
        """Whether one of the patterns, those of the store included, needs an engine that backtracks."""
        texts = self.patterns.union(*map(_patterns, self.store.values()))
        return any(map(patterns.needs_backtracking, texts))

    @property
    def all(self) -> list[Any]:
        """The root and every stored document."""
        return [self.root, *self.store.values()]


def _patterns(schema: Schema) -> frozenset[str]:
    return frozenset(patterns.texts_in(schema) if isinstance(schema, dict) else ())


def standard(schema: Schema, dialect: Dialect) -> Schema:
    """The schema saying its dialect in a way every validator knows."""
    return {**schema, "$schema": dialect.uri} if isinstance(schema, dict) else schema
