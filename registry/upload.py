"""A request to publish, read: everything about the new schema that does not depend on the subject's state."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Required, TypedDict, Unpack

from django.conf import settings
from semver import Version as SemVer

from access.actor import Actor
from compat import Note, SchemaError, inspect_schema
from registry import contexts
from registry.canonical import SchemaText, read_schema_text
from registry.comparison import Document
from registry.errors import InvalidSchema
from registry.metadata import VERSION_PROPERTY, Extras, check_metadata, check_rule_set, properties_of
from registry.models import Version
from registry.references import ReferenceTo, Resolved, resolve_references
from registry.taxonomy_bindings import Bound, read_bindings, unreached_notes
from registry.versioning import read_declared


class Asked(TypedDict, total=False):
    """What a request to publish may say."""

    schema: Required[str]
    references: Sequence[ReferenceTo]
    metadata: dict[str, Any] | None
    rule_set: dict[str, Any] | None
    semver: str | None
    note: str
    # The text is kept with its keys sorted, instead of as it came.
    normalize: bool
    # What an import asks for. A number that is no import's has to be the next one; LATEST compares with the latest only.
    id: int | None
    number: int | None


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
    # As the request has them; `Snapshot.extras` is what a version would get.
    extras: Extras
    note: str
    bindings: tuple[Bound, ...] = ()
    normalize: bool = False
    id: int | None = None
    number: int | None = None

    @property
    def context(self) -> str:
        return contexts.context_of(self.subject)

    def says_the_same(self, version: Version, filled: Extras) -> bool:
        """Whether a version with this content has this metadata, or what the request is filled up to."""
        stored = Extras(version.metadata, version.rule_set)
        asked = properties_of(self.extras.metadata).get(VERSION_PROPERTY)
        if asked is not None and asked != str(version.number):
            return False
        return stored.plain() in (self.extras.plain(), filled.plain())


def read_upload(*, actor: Actor, subject: str, **asked: Unpack[Asked]) -> Upload:
    """Raises InvalidSchema, InvalidRuleSet, InvalidReference, SchemaTooLarge, InvalidSemver, Forbidden (for a
    referenced subject).
    """
    text = read_schema_text(asked["schema"])
    resolved = resolve_references(actor, asked.get("references", ()), subject=subject)
    document = Document(text.value, resolved.store)
    dialect, notes = dialect_and_notes(document)
    bindings = read_bindings(actor=actor, document=document, dialect=dialect)
    metadata, rule_set = asked.get("metadata"), asked.get("rule_set")
    check_metadata("metadata", metadata)
    check_rule_set("ruleSet", rule_set)
    return Upload(
        subject=subject,
        text=text,
        document=document,
        resolved=resolved,
        digest=text.digest(resolved.as_stored()),
        dialect=dialect,
        notes=(*notes, *unreached_notes(document, bindings)),
        declared=read_declared(asked.get("semver"), metadata),
        extras=Extras(metadata, rule_set),
        note=asked.get("note", ""),
        bindings=bindings,
        normalize=asked.get("normalize", False),
        id=asked.get("id"),
        number=asked.get("number"),
    )


def dialect_and_notes(document: Document, *, default: str = "") -> tuple[str, tuple[Note, ...]]:
    """Raises InvalidSchema for what is no schema of its dialect, or of the default one where it names none."""
    dialect = default or settings.DEFAULT_DIALECT
    try:
        found = inspect_schema(document.value, dialect=dialect, store=document.store)
    except SchemaError as wrong:
        raise InvalidSchema(
            f"Invalid schema: {wrong.message}" + (f" (at {wrong.pointer})" if wrong.pointer else ""),
            pointer=wrong.pointer,
            reason=wrong.reason,
        ) from wrong
    return found.dialect, found.notes
