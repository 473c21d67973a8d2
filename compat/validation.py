"""The one way in which the product compiles a schema for validation: linear regexes, no network, annotations inert."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import jsonschema_rs

from compat import patterns
from compat.dialects import D2019, D2020, Schema, Store
from compat.documents import Documents
from compat.errors import SchemaError
from compat.inspection import opened
from compat.values import pointer

_BACKTRACK_MESSAGE = (
    "the pattern needed more than {limit} backtracking steps on this value, so it counts as not matching"
)


class _Inert:
    """A keyword that only annotates."""

    def __init__(self, parent_schema: dict[str, Any], value: Any, schema_path: list[str | int]) -> None: ...
    def validate(self, instance: Any) -> None: ...


# Drafts 6 and 7 let a validator assert content*, and jsonschema-rs does; `dependencies` left the language with 2019-09.
_INERT: dict[str, type[jsonschema_rs.KeywordValidator]] = {
    "contentEncoding": _Inert,
    "contentMediaType": _Inert,
}
_INERT_FROM_2019: dict[str, type[jsonschema_rs.KeywordValidator]] = {**_INERT, "dependencies": _Inert}


@dataclass(frozen=True)
class Violation:
    """One place of an instance that one keyword of the schema refuses."""

    #: JSON Pointer into the instance.
    pointer: str
    keyword: str
    message: str
    #: JSON Pointer into the schema, of the refusing keyword.
    schema_pointer: str

    def as_dict(self) -> dict[str, str]:
        return {
            "pointer": self.pointer,
            "keyword": self.keyword,
            "message": self.message,
            "schema_pointer": self.schema_pointer,
        }


@dataclass(frozen=True)
class Validator:
    """A compiled schema. Safe to share between threads and to keep for as long as the schema lives."""

    schema: Schema
    dialect: str
    _rust: jsonschema_rs.Validator = field(repr=False, compare=False)

    def is_valid(self, instance: Any) -> bool:
        return self._rust.is_valid(instance)

    def errors(self, instance: Any) -> list[Violation]:
        """Every violation, in the order the validator finds them; empty when the instance is valid."""
        return [_violation(error) for error in self._rust.iter_errors(instance)]

    def causes(self, instance: Any) -> tuple[list[Violation], list[Violation]]:
        """The violations; and those together with what, inside `anyOf` and `oneOf`, the likeliest branch refuses."""
        errors = list(self._rust.iter_errors(instance))
        inner = [_violation(cause) for error in errors for cause in _causes(error)]
        return [_violation(error) for error in errors], inner

    def errors_of(self, keyword: str, instance: Any) -> list[Violation]:
        """The violations of one keyword, those in the branches of a refused `anyOf` or `oneOf` included."""
        found = (inner for error in self._rust.iter_errors(instance) for inner in _with_branches(error))
        return [_violation(error) for error in found if error.kind.name == keyword]


# In quotes: the class exists for the type checker only.
Keywords = Mapping[str, "type[jsonschema_rs.KeywordValidator]"]


def compile_validator(
    schema: Schema,
    *,
    dialect: str | None = None,
    store: Store | None = None,
    formats: bool = False,
    keywords: Keywords | None = None,
) -> Validator:
    """A validator for a schema; without `$schema` and `dialect` it is read as draft-07.

    `store` maps the URIs (or names) that `$ref` may use to schemas; nothing else is ever fetched.
    `formats` asserts `format`, which is an annotation otherwise. `keywords` assert something of the caller's own
    wherever a validator meets them: made with the schema around it, the value and its path, `validate(instance)`
    raises ValueError. Raises SchemaError.
    """
    documents = opened(schema, dialect=dialect, store=store)
    if keywords:
        # Not kept with the documents: what such a keyword asserts is the caller's, and may be another tomorrow.
        return _compiled(documents, formats=formats, keywords=keywords)
    return rust_validator(documents, formats=formats)


def rust_validator(documents: Documents, *, formats: bool = False) -> Validator:
    """The validator `jsonschema-rs` over documents that were read already. Raises SchemaError."""
    return documents.form(("jsonschema-rs", formats), lambda: _compiled(documents, formats=formats))


def _compiled(documents: Documents, *, formats: bool, keywords: Keywords | None = None) -> Validator:
    dialect = documents.dialect
    try:
        compiled = dialect.rust(
            documents.for_engine(documents.root, dialect),
            validate_formats=formats,
            registry=documents.rust_registry,
            pattern_options=patterns.engine(backtracking=documents.backtracking),
            keywords={**(_INERT_FROM_2019 if dialect in {D2019, D2020} else _INERT), **(keywords or {})},
            offline=True,
        )
    except jsonschema_rs.ValidationError as error:
        raise SchemaError(pointer(error.instance_path), error.message) from error
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise SchemaError("", str(error).splitlines()[0]) from error
    return Validator(documents.root, dialect.name, compiled)


def _violation(error: jsonschema_rs.ValidationError) -> Violation:
    limit = isinstance(error.kind, jsonschema_rs.ValidationErrorKind.BacktrackLimitExceeded)
    message = _BACKTRACK_MESSAGE.format(limit=patterns.BACKTRACK_LIMIT) if limit else error.message
    return Violation(
        pointer=pointer(error.instance_path),
        keyword=_keyword(error),
        message=message,
        schema_pointer=pointer(error.schema_path),
    )


def _causes(error: jsonschema_rs.ValidationError) -> Iterator[jsonschema_rs.ValidationError]:
    yield error
    branches = getattr(error.kind, "context", None) or []
    if branches:
        likeliest = min(branches, key=lambda inner: (sum(_tells_apart(each) for each in inner), len(inner)))
        for inner in likeliest:
            yield from _causes(inner)


def _with_branches(error: jsonschema_rs.ValidationError) -> Iterator[jsonschema_rs.ValidationError]:
    yield error
    for branch in getattr(error.kind, "context", None) or []:
        for inner in branch:
            yield from _with_branches(inner)


def _tells_apart(error: jsonschema_rs.ValidationError) -> bool:
    """Whether the branch is for other instances altogether: another type, another tag."""
    return error.kind.name in {"const", "enum"} or (error.kind.name == "type" and not error.instance_path)


def _keyword(error: jsonschema_rs.ValidationError) -> str:
    """The keyword that refused: `false` schemas are named after the keyword that holds them."""
    names = [part for part in error.schema_path if isinstance(part, str)]
    if error.kind.name != "falseSchema":
        return "pattern" if "Backtrack" in type(error.kind).__name__ else error.kind.name
    return next((part for part in reversed(names) if part in _HOLDERS), "false")


_HOLDERS = {
    "properties",
    "patternProperties",
    "additionalProperties",
    "items",
    "additionalItems",
    "prefixItems",
}
