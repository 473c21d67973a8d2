"""What a schema refers to: other versions of this registry by name, never anything on the network."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from access.actor import Actor
from access.errors import Forbidden, ProductError
from compat import SchemaError, bundle
from compat.apart import DATA
from registry import contexts
from registry.errors import InvalidReference, InvalidSchema
from registry.lookup import LATEST, find_version, parse_number
from registry.models import Content, Reference, Version
from registry.ranges import parse_semver

_MAX_DOCUMENTS = 200


@dataclass(frozen=True, slots=True)
class ReferenceTo:
    """`name` is what `$ref` says; `version` a number, -1 or a range, of which the upload pins the highest."""

    name: str
    subject: str
    version: int | str

    @property
    def range(self) -> str:
        """What was asked for, where it was more than one version; "" for a number or exact label."""
        wanted = str(self.version)
        if parse_number(wanted) == LATEST:
            return "*"
        return "" if parse_number(wanted) is not None or parse_semver(wanted) else wanted


@dataclass(frozen=True, slots=True)
class Resolved:
    """The references of one schema with the versions they mean, and every document reachable through them."""

    targets: tuple[tuple[str, Version], ...] = ()
    # The ranges that were asked for, by name.
    ranges: Mapping[str, str] = field(default_factory=dict)
    store: Mapping[str, Any] = field(default_factory=dict)
    # The context of the subject whose schema refers to them.
    context: str = contexts.DEFAULT
    # Why no new schema may refer to them: one is archived or deleted.
    gone: InvalidReference | None = None

    def as_stored(self) -> list[dict[str, object]]:
        return [
            {
                "name": name,
                "subject": contexts.seen_from(self.context, target.subject.name),
                "version": target.number,
            }
            for name, target in self.targets
        ]

    def require_live(self) -> None:
        """Raises InvalidReference for what is to be published, or asks whether it could be."""
        if self.gone is not None:
            raise self.gone


@dataclass(frozen=True, slots=True)
class Hidden:
    """Names of documents that somebody may not read. `told` are those that stand in what they may read; the rest are secret."""

    names: frozenset[str]
    told: tuple[str, ...]


def resolve_references(actor: Actor, references: Sequence[ReferenceTo], *, subject: str) -> Resolved:
    """Of an upload to that subject; names of subjects without a context are those of its own.

    A version that is no longer live is found by its number, for a schema that refers to it since before.
    Raises InvalidReference when a name occurs twice, its version does not exist or leads back to the subject,
    Forbidden when it is not readable.
    """
    context = contexts.context_of(subject)
    if not references:
        return Resolved(context=context)
    names = [reference.name for reference in references]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InvalidReference(f"The reference name '{twice}' is given twice.", name=twice)
    found = [
        _target(actor, reference, contexts.within(context, reference.subject)) for reference in references
    ]
    targets = tuple((name, target) for name, (target, _) in zip(names, found, strict=True))
    _refuse_cycles(actor, subject, [target for _, target in targets])
    ranges = {reference.name: reference.range for reference in references if reference.range}
    store = _store([(name, target.content_id) for name, target in targets])
    return Resolved(targets, ranges, store, context, next((gone for _, gone in found if gone), None))


def _refuse_cycles(actor: Actor, subject: str, targets: Sequence[Version]) -> None:
    """Raises InvalidReference with the way back, when a schema would refer to its own subject, directly or further down.

    Only keys are followed: the rows themselves, hundreds in a large catalogue, are read when there is a way to tell.
    """
    came_from: dict[int, int | None] = {target.pk: None for target in targets}
    level = list(came_from)
    while level:
        uses = Reference.objects.filter(version__in=level).values_list("target_id", "version_id")
        found = {target: user for target, user in uses if target not in came_from}
        came_from |= found
        level = list(found)
    own = Version.objects.filter(pk__in=list(came_from), subject__name=subject)
    back = set(own.values_list("pk", flat=True))
    if back:
        path = [subject, *_way_to(actor, next(key for key in came_from if key in back), came_from)]
        raise InvalidReference(f"A cycle of references: {' → '.join(path)}.", cycle=path)


def _way_to(actor: Actor, key: int, came_from: Mapping[int, int | None]) -> list[str]:
    keys: list[int] = []
    step: int | None = key
    while step is not None:
        keys.append(step)
        step = came_from[step]
    versions = Version.objects.select_related("subject").in_bulk(keys)
    return [_told(actor, versions[key]) for key in reversed(keys)]


def _told(actor: Actor, version: Version) -> str:
    readable = actor.may("read", version.subject.name)
    return f"{version.subject.name} {version.number}" if readable else "a schema that you may not read"


def store_of(content: Content) -> Mapping[str, Any]:
    """The documents that this schema may refer to, by name, those they refer to included."""
    return _store(_references_of([content]))


def bundled(actor: Actor, content: Content) -> str:
    """The schema with everything it refers to as one self-contained text.

    Raises Forbidden when something in it is not the actor's to read, InvalidSchema when there is no such text.
    """
    hidden = hidden_from(actor, content)
    if hidden.names:
        named = ", ".join(f"'{name}'" for name in hidden.told)
        raise Forbidden(
            f"Bundled, the schema would show what you may not read: {named}.", scope="read", id=content.pk
        )
    try:
        document = bundle(json.loads(content.text), dialect=content.dialect, store=store_of(content))
    except SchemaError as cannot:
        raise InvalidSchema(cannot.message, pointer=cannot.pointer, id=content.pk) from cannot
    return json.dumps(document, ensure_ascii=False)


def _target(actor: Actor, reference: ReferenceTo, subject: str) -> tuple[Version, InvalidReference | None]:
    """The version, and why nothing new may refer to it."""
    actor.require("read", subject)
    try:
        return find_version(subject, str(reference.version)), None
    except ProductError as missing:
        past = _no_longer_live(subject, reference)
        archived = past is not None and past.deleted_at is None
        refusal = InvalidReference(
            f"The reference '{reference.name}' names version {reference.version} of subject '{subject}'"
            + (", which is archived. Refer to a live one." if archived else f": {missing.message}"),
            name=reference.name,
            subject=subject,
            version=reference.version,
        )
        if past is None:
            raise refusal from missing
        return past, refusal


def _no_longer_live(subject: str, reference: ReferenceTo) -> Version | None:
    """The archived or deleted version with that very number."""
    if not isinstance(reference.version, int):
        return None
    rows = Version.objects.filter(subject__name=subject, number=reference.version)
    past = rows.exclude(state=Version.State.DRAFT)
    return past.select_related("subject", "content", "identity").first()


def _references_of(contents: Iterable[Content]) -> list[tuple[str, int]]:
    """The names in these schemas with the contents they mean. They are the same under every version of a content."""
    referring = [content.pk for content in contents if content.references]
    if not referring:
        return []
    uses = Reference.objects.filter(version__content__in=referring).order_by("name", "target__content")
    return list(uses.values_list("name", "target__content").distinct())


def hidden_from(actor: Actor, content: Content) -> Hidden:
    """Of the documents that the schema refers to, directly or further down, those that the actor may not read."""
    found = _reachable(_references_of([content]))
    using = Version.objects.filter(content__in=found.values())
    readable = set(using.readable_by(actor).values_list("content_id", flat=True)) if found else set()
    names = frozenset(name for name, each in found.items() if each.pk not in readable)
    seen = [content, *(each for each in found.values() if each.pk in readable)]
    return Hidden(names, tuple(sorted(names & {name for name, _ in _references_of(seen)})))


def _store(wanted: list[tuple[str, int]]) -> dict[str, Any]:
    return {name: json.loads(content.text) for name, content in _reachable(wanted).items()}


def _reachable(wanted: list[tuple[str, int]]) -> dict[str, Content]:
    """Everything that is referred to, directly or further down, by name; one layer at a time, which may be hundreds."""
    reached: dict[str, Content] = {}
    came_from: dict[str, int] = {}
    layer = wanted
    while layer:
        new: dict[str, int] = {}
        for name, key in layer:
            if came_from.setdefault(name, key) != key:
                raise InvalidReference(
                    f"The name '{name}' means two different schemas further down.", name=name
                )
            if name not in reached:
                new[name] = key
        if len(came_from) > _MAX_DOCUMENTS:
            raise InvalidReference(
                f"More than {_MAX_DOCUMENTS} schemas are referred to, directly or further down."
            )
        contents = Content.objects.in_bulk(set(new.values()))
        reached |= {name: contents[key] for name, key in new.items()}
        layer = _references_of(contents.values())
    return reached


def inlined(schema: Any, store: Mapping[str, Any]) -> Any:
    """The schema with every reference to a document of the store replaced by what it names.

    None when that takes more replacements than any schema written by hand has, as one that refers to itself does.
    """
    try:
        return _inlined(schema, store, iter(range(_MOST_REPLACED)))
    except (StopIteration, RecursionError):
        return None


_MOST_REPLACED = 2_000


def _inlined(value: Any, store: Mapping[str, Any], budget: Iterator[int]) -> Any:
    if isinstance(value, list):
        return [_inlined(item, store, budget) for item in value]
    if not isinstance(value, dict):
        return value
    reference = value.get("$ref")
    if isinstance(reference, str):
        document, _, fragment = reference.partition("#")
        if document in store:
            next(budget)
            return _inlined(_at(store[document], fragment), store, budget)
    return {key: item if key in DATA else _inlined(item, store, budget) for key, item in value.items()}


def _at(document: Any, pointer: str) -> Any:
    for part in pointer.split("/")[1:]:
        key = unquote(part).replace("~1", "/").replace("~0", "~")
        if not isinstance(document, dict):
            return None
        document = document.get(key)
    return document
