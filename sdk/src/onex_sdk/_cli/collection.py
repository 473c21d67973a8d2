"""Schemas that belong together, as they stand somewhere: in the working tree, in a commit, in a folder, in a bundle."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from onex_sdk._cli.schema_text import BadSchemaText, SchemaText

#: Values under these keywords are data, in which "$ref" is a word like any other.
_DATA = frozenset({"const", "enum", "default", "examples"})


@dataclass(frozen=True)
class SchemaFile:
    """One schema. `path` is relative to the project, with slashes."""

    path: str
    subject: str
    text: str
    #: What the names in `$ref` mean, where that is known: subjects of the same collection.
    named: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def schema(self) -> SchemaText:
        """Raises BadSchemaText."""
        return SchemaText.read(self.text)


@dataclass(frozen=True)
class Collection:
    """`label` is what people call it: `HEAD~1`, `old/`."""

    label: str
    files: tuple[SchemaFile, ...]
    #: Whether a subject that is not in it was not there.
    complete: bool = True

    @cached_property
    def by_subject(self) -> Mapping[str, SchemaFile]:
        return {file.subject: file for file in self.files}

    @cached_property
    def _by_path(self) -> Mapping[str, SchemaFile]:
        return {file.path: file for file in self.files}

    @cached_property
    def _by_id(self) -> Mapping[str, SchemaFile]:
        return {identity: file for file in self.files if (identity := _identity(file))}

    def like(self, file: SchemaFile) -> SchemaFile | None:
        """The schema of the same subject, wherever it stood then."""
        return self.by_subject.get(file.subject)

    def references(self, file: SchemaFile) -> dict[str, SchemaFile]:
        """What each `$ref` of the schema means, by the name that it says; without those that lead nowhere here."""
        named = {name: self._meant(name, file) for name in documents_in(file.schema.value)}
        return {name: found for name, found in named.items() if found is not None and found is not file}

    def store(self, file: SchemaFile) -> dict[str, Any]:
        """Every schema that is reached by references, by the name that `$ref` says. Raises BadSchemaText."""
        found: dict[str, Any] = {}
        waiting = [file]
        while waiting:
            for name, other in self.references(waiting.pop()).items():
                if name not in found:
                    found[name] = other.schema.value
                    waiting.append(other)
        return found

    def _meant(self, name: str, seen_from: SchemaFile) -> SchemaFile | None:
        if name in seen_from.named:
            return self.by_subject.get(seen_from.named[name])
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(seen_from.path), name))
        places = (
            (self._by_path, beside),
            (self._by_path, name),
            (self.by_subject, name),
            (self._by_id, name),
        )
        return next((held[key] for held, key in places if key in held), None)


def documents_in(schema: Any) -> set[str]:
    """Names of other documents that `$ref`s in the schema mention."""
    return {name for reference in _references(schema) if (name := reference.partition("#")[0])}


def referenced_first(collection: Collection, files: Iterable[SchemaFile]) -> list[SchemaFile]:
    """The files in an order in which each comes after those it refers to. Cycles are cut where they are entered."""
    chosen = {file.subject: file for file in files}
    ordered: dict[str, SchemaFile] = {}
    entered: set[str] = set()

    def visit(file: SchemaFile) -> None:
        if file.subject in entered:
            return
        entered.add(file.subject)
        for other in collection.references(file).values():
            if other.subject in chosen:
                visit(other)
        ordered[file.subject] = file

    for file in chosen.values():
        visit(file)
    return list(ordered.values())


def _references(schema: Any) -> Iterator[str]:
    stack = [schema]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack += node
        elif isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                yield node["$ref"]
            stack += [value for key, value in node.items() if key not in _DATA]


def _identity(file: SchemaFile) -> str | None:
    try:
        value = file.schema.value
    except BadSchemaText:
        return None
    identity = value.get("$id", value.get("id")) if isinstance(value, dict) else None
    return identity if isinstance(identity, str) else None
