"""A request to publish, read: everything about the new schema that does not depend on the subject's state."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from semver import Version as SemVer

from access.actor import Actor
from compat import MAX_DEPTH, Note, SchemaError, inspect_schema
from compat.values import depth_of
from registry.canonical import SchemaText, read_schema_text, storable
from registry.comparison import Document
from registry.errors import InvalidSchema
from registry.models import Version
from registry.references import ReferenceTo, Resolved, resolve_references
from registry.taxonomy_bindings import Bound, read_bindings, unreached_notes
from registry.versioning import read_declared


@dataclass(frozen=True, slots=True)
class Upload:
    """A request that could be read."""

    subject: str
    text: SchemaText
    document: Document
    resolved: Resolved
    digest: bytes
    dialect: str
    notes: tuple[Note, ...]
    declared: SemVer | None
    metadata: dict[str, Any] | None
    rule_set: dict[str, Any] | None
    note: str
    bindings: tuple[Bound, ...]

    def says_the_same(self, version: Version) -> bool:
        """Whether a version with this content has this metadata; what the request leaves out is taken as it is."""
        return all(
            given is None or given == (stored or {})
            for given, stored in ((self.metadata, version.metadata), (self.rule_set, version.rule_set))
        )


def read_upload(
    *,
    actor: Actor,
    subject: str,
    schema: str,
    references: Sequence[ReferenceTo] = (),
    metadata: dict[str, Any] | None = None,
    rule_set: dict[str, Any] | None = None,
    semver: str | None = None,
    note: str = "",
) -> Upload:
    """Raises InvalidSchema, InvalidReference, SchemaTooLarge, InvalidSemver, Forbidden (for a referenced subject)."""
    text = read_schema_text(schema)
    resolved = resolve_references(actor, references, subject=subject)
    document = Document(text.value, resolved.store)
    dialect, notes = _inspected(document)
    bindings = read_bindings(actor=actor, document=document, dialect=dialect)
    for name, given in (("metadata", metadata), ("ruleSet", rule_set)):
        _check_storable(name, given)
    return Upload(
        subject=subject,
        text=text,
        document=document,
        resolved=resolved,
        digest=text.digest(resolved.as_stored()),
        dialect=dialect,
        notes=(*notes, *unreached_notes(document, bindings)),
        declared=read_declared(semver, metadata),
        metadata=metadata,
        rule_set=rule_set,
        note=note,
        bindings=bindings,
    )


def _inspected(document: Document) -> tuple[str, tuple[Note, ...]]:
    try:
        found = inspect_schema(document.value, dialect=settings.DEFAULT_DIALECT, store=document.store)
    except SchemaError as wrong:
        raise InvalidSchema(
            f"Invalid schema: {wrong.message}" + (f" (at {wrong.pointer})" if wrong.pointer else ""),
            pointer=wrong.pointer,
            reason=wrong.reason,
        ) from wrong
    return found.dialect, found.notes


def _check_storable(name: str, value: Any) -> None:
    if value is not None and not isinstance(value, dict):
        raise InvalidSchema(f"'{name}' has to be a JSON object.", pointer=f"/{name}")
    if depth_of(value, MAX_DEPTH) > MAX_DEPTH:
        raise InvalidSchema(f"'{name}' is nested more than {MAX_DEPTH} levels deep.", pointer=f"/{name}")
    if storable(value) != value:
        raise InvalidSchema(
            f"'{name}' holds the character U+0000 or half of a surrogate pair.", pointer=f"/{name}"
        )
