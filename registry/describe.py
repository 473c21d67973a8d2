"""The documentation of a version: its fields with their history, and an example event. Made from what is stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.postgres.aggregates import ArrayAgg

from access.actor import Actor
from compat import SchemaError
from compat.example import Example, example
from registry.comparison import Document
from registry.fields import Field, FieldList, fields_of
from registry.judge import Older
from registry.lookup import find_any_version, find_version
from registry.models import ContentField, Version
from registry.references import hidden_from
from registry.taxonomy import readable_taxonomies
from registry.taxonomy_bindings import Bound, bindings_of, bound_validator, editions_of, trees_of
from registry.taxonomy_examples import with_codes


@dataclass(frozen=True, slots=True)
class Described:
    """A version explained.

    `since` is by path: the first version of the unbroken line that has the field; fields of other registered schemas have
    none. `hidden` names those of them that the actor may not read: their fields are not listed, and no example is made.
    """

    version: Version
    fields: FieldList
    since: dict[str, str]
    example: Example | None
    tags: tuple[str, ...]
    hidden: tuple[str, ...] = ()
    #: Taxonomies that fields are bound to and the actor may read.
    taxonomies: frozenset[str] = frozenset()

    @property
    def hidden_words(self) -> str:
        return f"Fields of {', '.join(self.hidden)} are not listed, and no example is made."

    def as_dict(self) -> dict[str, Any]:
        version, fields = self.version, self.fields
        return {
            "subject": version.subject.name,
            "version": version.number,
            "semver": version.semver,
            "id": version.identity.number,
            "state": version.state,
            "dialect": version.content.dialect,
            "title": fields.title,
            "description": fields.description or version.subject.description,
            "owner": version.subject.owner,
            "tags": list(self.tags),
            "types": list(fields.types),
            "constraints": list(fields.constraints),
            "fields": [self._field(field) for field in fields.fields],
            "cut": fields.cut,
            "hidden": list(self.hidden),
            "example": self.example and {"event": self.example.value, "formats_hold": self.example.formats},
        }

    def _field(self, field: Field) -> dict[str, Any]:
        told: dict[str, Any] = {
            "path": field.path,
            "types": list(field.types),
            "required": field.required,
            "when": list(field.when),
            "constraints": list(field.constraints),
            "since": self.since.get(field.path),
            "deprecated": field.deprecated,
            "title": field.title,
            "description": field.description,
            "examples": list(field.examples),
            "tags": list(field.tags),
            "same_as": field.same_as,
            "taxonomy": field.taxonomy or None,
        }
        return told | ({"default": field.default[0]} if field.default else {})


def describe_version(*, actor: Actor, subject: str, version: str, deleted: bool = False) -> Described:
    """Raises Forbidden, SubjectNotFound, VersionNotFound, InvalidVersion."""
    actor.require("read", subject)
    found = (find_any_version if deleted else find_version)(subject, version)
    document, hidden = Older.of(found).document, hidden_from(actor, found.content)
    shown = {name: schema for name, schema in document.store.items() if name not in hidden.names}
    fields = fields_of(Document(document.value, shown))
    tags = tuple(found.tags.order_by("tag").values_list("tag", flat=True))
    instance = None if hidden.names else example_of(document, bindings_of(found.content))
    return Described(found, fields, _since(found), instance, tags, hidden.told, _taxonomies(actor, found))


def _taxonomies(actor: Actor, version: Version) -> frozenset[str]:
    names = {bound.binding.taxonomy for bound in bindings_of(version.content)}
    known = readable_taxonomies(actor=actor).filter(name__in=names) if names else ()
    return frozenset(taxonomy.name for taxonomy in known)


def example_of(document: Document, bindings: Sequence[Bound] = ()) -> Example | None:
    """An event that two validators accept and whose codes are codes of the taxonomies it is bound to, or none."""
    try:
        if not bindings:
            return example(document.value, dialect=settings.DEFAULT_DIALECT, store=document.store)
        editions = editions_of(bindings)
        listed = with_codes(document, trees_of(editions))
        found = example(listed.value, dialect=settings.DEFAULT_DIALECT, store=listed.store)
        judge = bound_validator(
            document.value,
            dialect=settings.DEFAULT_DIALECT,
            store=document.store,
            formats=False,
            editions=editions,
        )
    except SchemaError:
        return None
    return found if found and judge.is_valid(found.value) else None


def _since(version: Version) -> dict[str, str]:
    """Of the schema's own fields. Three statements, whatever the number of versions and fields."""
    older = Version.objects.live().filter(subject=version.subject_id, number__lt=version.number)
    labels = dict(older.order_by("number").values_list("number", "semver"))
    paths = list(ContentField.objects.filter(content=version.content_id).values_list("path", flat=True))
    rows = ContentField.objects.filter(path__in=paths, content__versions__in=older)
    having = rows.values_list("path").annotate(numbers=ArrayAgg("content__versions__number", distinct=True))
    known = {path: set(numbers) for path, numbers in having}
    return {path: _first_of_line(labels, known.get(path, set())) or version.semver for path in paths}


def _first_of_line(labels: dict[int, str], having: set[int]) -> str:
    first = ""
    for number in sorted(labels, reverse=True):
        if number not in having:
            break
        first = labels[number]
    return first
