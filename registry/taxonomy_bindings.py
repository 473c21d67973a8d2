"""Schemas that say "this field is a code of taxonomy X": `"x-taxonomy": "onex-errors@^1"`.

The keyword asserts something about strings, as `pattern` does, and nothing about other values. It works wherever a
validator meets it, because it is one of the validator's keywords: below properties, items and patternProperties, in the
branches of anyOf and its like, behind $ref. Which places those are is asked of the validator, too: it is compiled with
a keyword that notes where it was made. The highest edition that the range holds judges; a code of it is accepted in
any spelling, a deprecated one as well, which is told to whoever listens through `deprecated_codes`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Self

import jsonschema_rs
from django.conf import settings

from access.actor import Actor
from compat import Note, SchemaError, Validator, compile_validator
from compat.values import pointer
from registry import sensitive
from registry.comparison import Document
from registry.errors import InvalidSchema
from registry.judge import Finding, Proposal
from registry.models import Content, TaxonomyVersion, Version
from registry.opaque_codes import DATA, KEYWORD
from registry.ranges import parse_range, parse_semver
from registry.taxonomy_tree import Tree

JUDGE = "registry.taxonomy_bindings.changed_bindings"
_ANY = "*"


@dataclass(frozen=True, slots=True)
class Binding:
    """What the keyword says: a taxonomy and a range of its editions."""

    taxonomy: str
    range: str

    @classmethod
    def read(cls, value: object) -> Self | None:
        """Of `name@range`, or `name` for any edition; None for anything else."""
        if not isinstance(value, str):
            return None
        name, mark, wanted = value.rpartition("@")
        name, wanted = (name, wanted.strip()) if mark else (value, _ANY)
        return cls(name, wanted) if name and wanted and parse_range(wanted) is not None else None

    def holds(self, version: str) -> bool:
        wanted, found = parse_range(self.range), parse_semver(version)
        return wanted is not None and found is not None and wanted.holds(found)

    def edition(self) -> int | None:
        """The key of the highest edition in the range."""
        rows = TaxonomyVersion.objects.filter(taxonomy__name=self.taxonomy).values_list("pk", "semver")
        within = [(parse_semver(semver), pk) for pk, semver in rows if self.holds(semver)]
        return max(within, key=lambda row: row[0])[1] if within else None  # type: ignore[arg-type, return-value]

    def __str__(self) -> str:
        return f"{self.taxonomy}@{self.range}"


@dataclass(frozen=True, slots=True)
class Bound:
    """A place of a schema, or of one it refers to, with what it is bound to."""

    pointer: str
    binding: Binding

    @classmethod
    def of(cls, stored: Mapping[str, str]) -> Self:
        return cls(stored["pointer"], Binding(stored["taxonomy"], stored["range"]))

    def as_dict(self) -> dict[str, str]:
        """As a content keeps it."""
        return {"pointer": self.pointer, "taxonomy": self.binding.taxonomy, "range": self.binding.range}


def bindings_of(content: Content) -> tuple[Bound, ...]:
    return tuple(Bound.of(stored) for stored in content.bindings)


# --- at upload --------------------------------------------------------------------------------


def read_bindings(*, actor: Actor, document: Document, dialect: str) -> tuple[Bound, ...]:
    """The bindings of a schema that is to be published.

    Raises InvalidSchema, with the pointer, when one names no taxonomy or no edition; Forbidden when the actor may not
    read the taxonomy.
    """
    found = []
    for place, value in places_of(document, dialect):
        binding = Binding.read(value)
        if binding is None:
            raise _wrong(
                place, f"{json.dumps(value)[:100]} is no taxonomy. Write name@range, as in onex-errors@^1"
            )
        actor.require("read", binding.taxonomy)
        if binding.edition() is None:
            raise _wrong(place, _missing(binding))
        found.append(Bound(place, binding))
    return tuple(dict.fromkeys(found))


def places_of(document: Document, dialect: str) -> list[tuple[str, Any]]:
    """Every place where a validator of the schema meets the keyword, with its value."""
    if not document.mentions_codes:
        return []
    met: list[tuple[str, Any]] = []

    class Noted:
        def __init__(self, schema: dict[str, Any], value: Any, path: list[str | int]) -> None:
            met.append((pointer(path), value))

        def validate(self, instance: Any) -> None: ...

    compile_validator(document.value, dialect=dialect, store=dict(document.store), keywords={KEYWORD: Noted})
    return sorted(met, key=lambda place: place[0])


def bindings_in(document: Document, dialect: str) -> tuple[Bound, ...]:
    """The bindings of a schema that has passed `read_bindings`."""
    read = ((place, Binding.read(value)) for place, value in places_of(document, dialect))
    return tuple(Bound(place, binding) for place, binding in read if binding is not None)


def unreached_notes(document: Document, bindings: Sequence[Bound]) -> tuple[Note, ...]:
    """A note about every place that says the keyword and that no validator comes to."""
    if not document.mentions_codes:
        return ()
    reached = {bound.pointer for bound in bindings}
    sentence = (
        f"no validator comes to this {KEYWORD}, so nothing is asserted here: it stands beside a $ref (before 2019-09), "
        "or in a definition that nothing refers to"
    )
    written = (place for place in _written(document.value, "") if place not in reached)
    return tuple(Note("unreached-taxonomy", place, sentence) for place in written)


def _written(schema: Any, path: str) -> Iterator[str]:
    if isinstance(schema, list):
        for index, item in enumerate(schema):
            yield from _written(item, f"{path}/{index}")
    elif isinstance(schema, dict):
        for key, item in schema.items():
            place = f"{path}{pointer([key])}"
            if key == KEYWORD and isinstance(item, str):
                yield place
            elif key not in DATA:
                yield from _written(item, place)


def _wrong(place: str, sentence: str) -> InvalidSchema:
    return InvalidSchema(f"Invalid schema: {sentence}. (at {place})", pointer=place, reason="taxonomy")


def _missing(binding: Binding) -> str:
    editions = TaxonomyVersion.objects.filter(taxonomy__name=binding.taxonomy).order_by("number")
    labels = list(editions.values_list("semver", flat=True))
    if not labels:
        return f"there is no taxonomy '{binding.taxonomy}'; publish it first"
    told = ", ".join(labels[-5:])
    return f"the taxonomy '{binding.taxonomy}' has no edition in {binding.range}; it has {told}"


def changed_bindings(proposal: Proposal) -> list[Finding]:
    """One of settings.UPLOAD_JUDGES: fields that the version before has, and that are bound otherwise from now on.

    Verdicts compare JSON Schemas; this assertion comes on top of them.
    """
    if not proposal.older:
        return []
    old, new = (_by_place(document) for document in (proposal.older[0].document, proposal.new))
    findings = []
    for place in sorted(old.keys() | new.keys()):
        before, after = old.get(place), new.get(place)
        if before == after or not _stands_in(proposal.older[0].document.value, place):
            continue
        field = place.removesuffix(f"/{KEYWORD}") or "/"
        what = f"was bound to {before}" if before else "was not bound to a taxonomy"
        now = f"is bound to {after}: codes outside it are violations" if after else "is not bound any more"
        sentence = f"{field} {what} in version {proposal.older[0].number}, and {now}."
        facts = {"pointer": place, "before": before, "after": after}
        findings.append(Finding(JUDGE, "warning" if after else "info", sentence, facts))
    return findings


def _by_place(document: Document) -> dict[str, str]:
    try:
        return {place: str(value) for place, value in places_of(document, settings.DEFAULT_DIALECT)}
    except SchemaError:
        return {}


def _stands_in(schema: Any, place: str) -> bool:
    """Whether the schema has something where the keyword at `place` stands."""
    for part in place.split("/")[1:-1]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(schema, dict) and name in schema:
            schema = schema[name]
        elif isinstance(schema, list) and name.isdecimal() and int(name) < len(schema):
            schema = schema[int(name)]
        else:
            return False
    return True


# --- at validation ----------------------------------------------------------------------------

_deprecated: ContextVar[set[str] | None] = ContextVar("deprecated_codes", default=None)


@contextmanager
def deprecated_codes() -> Iterator[set[str]]:
    """The deprecated codes that validators accept while this is open, in their short form."""
    found: set[str] = set()
    token = _deprecated.set(found)
    try:
        yield found
    finally:
        _deprecated.reset(token)


@dataclass(frozen=True, slots=True)
class Editions:
    """What the bindings of one content mean now: binding → key of the edition, None when there is none."""

    keys: tuple[tuple[str, int | None], ...] = ()

    @property
    def unresolved(self) -> bool:
        return any(key is None for _, key in self.keys)


def editions_of(bindings: Sequence[Bound]) -> Editions:
    """As of now: an edition published later may be the highest one tomorrow."""
    distinct = sorted({bound.binding for bound in bindings}, key=str)
    return Editions(tuple((str(binding), binding.edition()) for binding in distinct))


def bound_validator(
    schema: Any,
    *,
    dialect: str,
    store: Mapping[str, Any],
    formats: bool,
    editions: Editions,
    refuse_clear: bool = False,
) -> Validator:
    """A validator of events on the wire that asserts the codes of these editions, too, and with `refuse_clear` that
    sensitive fields are encrypted. Raises SchemaError."""
    wire = sensitive.on_the_wire(schema, store, dialect=dialect)
    keywords = {KEYWORD: _keyword(editions)} if editions.keys else {}
    if refuse_clear and wire.schema is not schema:
        keywords[sensitive.KEYWORD] = sensitive.InTheClear
    return compile_validator(
        wire.schema, dialect=dialect, store=dict(wire.store), formats=formats, keywords=keywords or None
    )


def trees_of(editions: Editions) -> dict[str, Tree]:
    """Binding → what its edition says; without those that have none."""
    documents = dict(
        TaxonomyVersion.objects.filter(pk__in=[key for _, key in editions.keys if key]).values_list(
            "pk", "document"
        )
    )
    return {binding: Tree.of(documents[key]) for binding, key in editions.keys if key is not None}


def _keyword(editions: Editions) -> "type[jsonschema_rs.KeywordValidator]":
    trees = trees_of(editions)

    class CodeOf:
        """The keyword: refuses a string that is no code of the tree."""

        def __init__(self, schema: dict[str, Any], value: Any, path: list[str | int]) -> None:
            self._tree = trees.get(str(Binding.read(value)))

        def validate(self, instance: Any) -> None:
            if self._tree is None or not isinstance(instance, str):
                return
            code = self._tree.find(instance)
            if code is None:
                raise ValueError(_not_a_code(self._tree, instance))
            if code.deprecated is not None and (seen := _deprecated.get()) is not None:
                seen.add(code.short)

    return CodeOf


def _not_a_code(tree: Tree, text: str) -> str:
    normal = tree.normalise(text)
    same_number = tree.by_short.get(normal or "")
    area = tree.area_of(normal.split("_")[1]) if normal else None
    said = f"{text[:100]!r} is not a code of {tree.taxonomy} {tree.version}"
    if same_number:
        return f"{said}: {same_number.short} is called {same_number.slug}"
    return f"{said}, which has the area {area.token} but not this number" if area else said


# --- who is bound -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dependent:
    """A live version with a field bound to a taxonomy; `follows` when the edition asked about lies in its range."""

    subject: str
    version: int
    semver: str
    pointer: str
    range: str
    follows: bool

    def as_dict(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.__slots__}


def dependents_of(*, actor: Actor, taxonomy: str, version: str) -> tuple[list[Dependent], int]:
    """The live versions bound to a taxonomy that the actor may read, and how many more there are."""
    bound = Content.objects.exclude(bindings=[]).filter(bindings__contains=[{"taxonomy": taxonomy}])
    live = Version.objects.live().filter(content__in=bound)
    readable = (
        live.readable_by(actor).select_related("subject", "content").order_by("subject__name", "number")
    )
    found = [
        Dependent(
            use.subject.name,
            use.number,
            use.semver,
            place.pointer,
            place.binding.range,
            place.binding.holds(version),
        )
        for use in readable
        for place in bindings_of(use.content)
        if place.binding.taxonomy == taxonomy
    ]
    return found, live.count() - readable.count()
