"""Reading a schema: is it one, in which dialect, and what should its author know about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jsonschema_rs

from compat import dialects, patterns
from compat.dialects import D4, Dialect, Schema, Store
from compat.documents import Documents
from compat.errors import Exhausted, SchemaError
from compat.recent import Recent
from compat.values import depth_of, pointer

#: JSON nesting levels; the deepest real schema of the corpora has 41.
MAX_DEPTH = 200


@dataclass(frozen=True)
class Note:
    """Something the author of a schema should know; not an error."""

    code: str
    pointer: str
    message: str

    def as_dict(self) -> dict[str, str]:
        return {"code": self.code, "pointer": self.pointer, "message": self.message}


@dataclass(frozen=True)
class Inspection:
    """What reading a schema found out."""

    dialect: str
    notes: tuple[Note, ...]

    def as_dict(self) -> dict[str, Any]:
        return {"dialect": self.dialect, "notes": [note.as_dict() for note in self.notes]}


def inspect_schema(schema: Schema, *, dialect: str | None = None, store: Store | None = None) -> Inspection:
    """The dialect of a schema and notes about it.

    Raises SchemaError when it is invalid against its meta-schema, refers to something that is not in it or in the
    store, names an unknown draft, or is nested deeper than MAX_DEPTH.
    """
    from compat.rewrite import rewritten

    documents = opened(schema, dialect=dialect, store=store)
    # A dynamic reference with several targets has no normal form; it is a schema all the same, about which little is proven.
    with suppress(Exhausted):
        rewritten(documents, prefix="n")
    return Inspection(documents.dialect.name, tuple(_notes(documents, dialect)))


def opened(schema: Schema, *, dialect: str | Dialect | None = None, store: Store | None = None) -> Documents:
    """The schema with its dialect decided, valid against its meta-schema. Raises SchemaError."""
    name = dialect.name if isinstance(dialect, Dialect) else dialect
    return _recent.read((schema, name, dict(store or {})), lambda parts: _opened(*parts))


_recent = Recent()


def _opened(schema: Schema, dialect: str | None, store: Store) -> Documents:
    if not isinstance(schema, (dict, bool)):
        raise SchemaError("", f"a schema is an object or a boolean, not {type(schema).__name__}")
    for document in (schema, *store.values()):
        if depth_of(document, MAX_DEPTH) > MAX_DEPTH:
            raise SchemaError("", f"the schema is nested more than {MAX_DEPTH} levels deep", "depth")
    documents = Documents(schema, dialects.read(schema, dialect)[0], store)
    problem = _meta_problem(documents)
    return documents if problem is None else _older_reading(documents, problem)


def _older_reading(documents: Documents, problem: SchemaError) -> Documents:
    """Draft-04 for a schema without `$schema` that only its boolean exclusive bounds keep from being a newer one."""
    says_dialect = isinstance(documents.root, dict) and "$schema" in documents.root
    exclusive = problem.pointer.rsplit("/", 1)[-1] in {"exclusiveMinimum", "exclusiveMaximum"}
    older = Documents(documents.root, D4, documents.store)
    if says_dialect or not exclusive or _meta_problem(older) is not None:
        raise problem
    return older


def _meta_problem(documents: Documents) -> SchemaError | None:
    """The first thing that keeps a schema from being one of its dialect."""
    if isinstance(documents.root, bool):
        return None
    error = next(_meta_validator(documents.dialect).iter_errors(documents.root), None)
    if error is not None:
        return SchemaError(pointer(error.instance_path), error.message)
    return next(_unreadable_patterns(documents), None)


@lru_cache(maxsize=len(dialects.ALL))
def _meta_validator(dialect: Dialect) -> jsonschema_rs.Validator:
    # Patterns are looked at by `_unreadable_patterns`, which reads more of ECMA-262 than the built-in format.
    return dialect.rust(
        dialect.python.META_SCHEMA,
        pattern_options=patterns.LINEAR,
        formats={"regex": _anything},
        offline=True,
    )


def _anything(_text: str) -> bool:
    return True


def _unreadable_patterns(documents: Documents) -> Iterator[SchemaError]:
    unreadable = {text for text in documents.patterns if not patterns.is_readable(text)}
    for path, text in patterns.found_in(documents.root) if unreadable else ():
        if text in unreadable:
            yield SchemaError(pointer(path), f"{text!r} is not a regular expression (ECMA-262)", "pattern")


def _notes(documents: Documents, asked: str | None) -> Iterator[Note]:
    schema = documents.root
    custom = dialects.read(schema, asked)[1]
    if custom is not None:
        yield Note("custom-dialect", "/$schema", custom)
    elif isinstance(schema, dict) and "$schema" not in schema:
        yield Note("no-dialect", "", f"there is no $schema; the schema is read as {documents.dialect.name}")
    for path, text in patterns.found_in(schema) if documents.backtracking else ():
        if patterns.needs_backtracking(text):
            yield Note("backtracking-pattern", pointer(path), _BACKTRACKING_NOTE)


_BACKTRACKING_NOTE = "lookaround and backreferences run on a backtracking engine with a limit, and verdicts about them are often undecided"
