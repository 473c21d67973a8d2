"""What a schema refers to: other versions of this registry by name, never anything on the network."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from access.actor import Actor
from access.errors import ProductError
from registry.errors import InvalidReference
from registry.lookup import find_version
from registry.models import Content, Version

# Values under these keywords are data, in which "$ref" is a word like any other.
_DATA = frozenset({"const", "enum", "default", "examples"})
_MAX_DOCUMENTS = 200


@dataclass(frozen=True, slots=True)
class ReferenceTo:
    """`name` is what `$ref` says; `version` a number, or -1 for the latest at the time of upload."""

    name: str
    subject: str
    version: int


@dataclass(frozen=True, slots=True)
class Resolved:
    """The references of one schema with the versions they mean, and every document reachable through them."""

    targets: tuple[tuple[str, Version], ...] = ()
    store: Mapping[str, Any] = field(default_factory=dict)

    def as_stored(self) -> list[dict[str, object]]:
        return [
            {"name": name, "subject": target.subject.name, "version": target.number}
            for name, target in self.targets
        ]


def resolve_references(actor: Actor, references: Sequence[ReferenceTo]) -> Resolved:
    """Raises InvalidReference when a name occurs twice or its version does not exist, Forbidden when it is not readable."""
    names = [reference.name for reference in references]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InvalidReference(f"The reference name '{twice}' is given twice.", name=twice)
    targets = tuple((reference.name, _target(actor, reference)) for reference in references)
    return Resolved(targets, _store([(name, target.content_id) for name, target in targets]))


def store_of(content_id: int) -> Mapping[str, Any]:
    """The documents that the schema with this id may refer to, by name, those they refer to included."""
    return _store(_references_of(content_id))


def _target(actor: Actor, reference: ReferenceTo) -> Version:
    actor.require("read", reference.subject)
    try:
        return find_version(reference.subject, str(reference.version))
    except ProductError as missing:
        raise InvalidReference(
            f"The reference '{reference.name}' names version {reference.version} of subject "
            f"'{reference.subject}': {missing.message}",
            name=reference.name,
            subject=reference.subject,
            version=reference.version,
        ) from missing


def _references_of(content_id: int) -> list[tuple[str, int]]:
    """A content's references are the same under every version that has it, so any one of these will do."""
    user = Version.objects.filter(content_id=content_id, uses__isnull=False).first()
    return (
        []
        if user is None
        else [(use.name, use.target.content_id) for use in user.uses.select_related("target")]
    )


def hidden_from(actor: Actor, content_id: int) -> tuple[str, ...]:
    """Names of the documents that the schema refers to, directly or further down, and that the actor may not read."""
    contents = _reachable(_references_of(content_id))
    using = Version.objects.filter(content_id__in=contents.values())
    readable = set(using.readable_by(actor).values_list("content_id", flat=True)) if contents else set()
    return tuple(sorted(name for name, found in contents.items() if found not in readable))


def _store(wanted: list[tuple[str, int]]) -> dict[str, Any]:
    return {
        name: json.loads(Content.objects.values_list("text", flat=True).get(pk=content_id))
        for name, content_id in _reachable(wanted).items()
    }


def _reachable(wanted: list[tuple[str, int]]) -> dict[str, int]:
    """Name → content of everything that is referred to, directly or further down."""
    came_from: dict[str, int] = {}
    queue = list(wanted)
    while queue:
        name, content_id = queue.pop()
        if came_from.get(name) == content_id:
            continue
        if name in came_from:
            raise InvalidReference(f"The name '{name}' means two different schemas further down.", name=name)
        if len(came_from) >= _MAX_DOCUMENTS:
            raise InvalidReference(
                f"More than {_MAX_DOCUMENTS} schemas are referred to, directly or further down."
            )
        came_from[name] = content_id
        queue += _references_of(content_id)
    return came_from


def apart(schema: Any, store: Mapping[str, Any], others: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The same schema and store with those names changed that mean something else in `others`.

    A comparison has one store for both sides, but old and new may refer to different versions by one name.
    """
    clashing = {name for name, document in store.items() if name in others and others[name] != document}
    if not clashing:
        return schema, dict(store)
    renamed = {name: f"older:{name}" if name in clashing else name for name in store}
    moved = {renamed[name]: _with_new_names(document, renamed) for name, document in store.items()}
    return _with_new_names(schema, renamed), moved


def _with_new_names(value: Any, renamed: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_with_new_names(item, renamed) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: _member(key, item, renamed) for key, item in value.items()}


def _member(key: str, item: Any, renamed: Mapping[str, str]) -> Any:
    if key == "$ref" and isinstance(item, str):
        document, mark, fragment = item.partition("#")
        return renamed.get(document, document) + mark + fragment
    return item if key in _DATA else _with_new_names(item, renamed)
