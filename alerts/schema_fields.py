"""Which fields of an event the registered schemas declare: what rules are checked against.

A subject's schema describes `metadata` of the events of that type; the subject `onex.envelope`, where there is one,
describes what stands around it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import unquote

from access.actor import Actor
from alerts.fields import COLUMNS, path_of
from registry.comparison import Document
from registry.judge import Older
from registry.models import Version

ENVELOPE = "onex.envelope"
# What the envelope holds whatever is registered.
ENVELOPE_FIELDS = frozenset(
    {
        "event_id", "timestamp", "node_id", "event_type", "schema_version", "correlation_id",
        "parent_correlation_id", "trace_id", "span_id", "metadata", "sample_rate", "signature",
    }
)  # fmt: skip
# Where a schema may say more about the same value.
_SAME_PLACE = ("allOf", "anyOf", "oneOf")
_BRANCHES = ("if", "then", "else")
_MAX_STEPS = 2_000
_MAX_NAMES = 500
# Subjects whose fields a form suggests.
_MAX_SUGGESTED = 500
_TYPES = ("string", "number", "boolean", "array", "object")


@dataclass(frozen=True)
class Declared:
    """The fields that one version of a schema declares below its root."""

    document: Document
    label: str = ""
    _cache: dict[tuple[str, ...], frozenset[str] | None] = field(default_factory=dict, compare=False)

    def types(self, path: tuple[str, ...]) -> frozenset[str] | None:
        """The JSON types the field may have (all of them where the schema does not say); None when it is not declared."""
        if path not in self._cache:
            found = list(self._at(path))
            self._cache[path] = frozenset().union(*map(_types, found)) if found else None
        return self._cache[path]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Dotted paths of the declared fields, for suggestions; at most a few hundred."""
        names: list[str] = []
        waiting: list[tuple[str, ...]] = [()]
        while waiting and len(names) < _MAX_NAMES:
            path = waiting.pop(0)
            for key in dict.fromkeys(key for node in self._at(path) for key in _properties(node)):
                names.append(".".join((*path, key)))
                if len(path) < 4:
                    waiting.append((*path, key))
        return tuple(names)

    def _at(self, path: tuple[str, ...]) -> Iterator[Any]:
        steps = [_MAX_STEPS]
        nodes = list(self._same(self.document.value, self.document.value, steps))
        for key in path:
            children = [child for node, root in nodes for child in _children(node, root, key)]
            nodes = [one for child, root in children for one in self._same(child, root, steps)]
        yield from (node for node, _ in nodes)

    def _same(self, node: Any, root: Any, steps: list[int]) -> Iterator[tuple[Any, Any]]:
        """The schema and every other one that it applies to the same value."""
        steps[0] -= 1
        if steps[0] < 0:
            return
        yield node, root
        if not isinstance(node, dict):
            return
        for keyword in _SAME_PLACE:
            for part in _list(node.get(keyword)):
                yield from self._same(part, root, steps)
        for keyword in _BRANCHES:
            if keyword in node:
                yield from self._same(node[keyword], root, steps)
        if isinstance(reference := node.get("$ref"), str):
            for target, base in self._resolved(reference, root):
                yield from self._same(target, base, steps)

    def _resolved(self, reference: str, root: Any) -> Iterator[tuple[Any, Any]]:
        name, _, fragment = reference.partition("#")
        base = self.document.store.get(name) if name else root
        target = base
        for part in unquote(fragment).split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            target = target.get(key) if isinstance(target, Mapping) else None
        if target is not None:
            yield target, base


def _properties(node: Any) -> Mapping[str, Any]:
    found = node.get("properties") if isinstance(node, dict) else None
    return found if isinstance(found, dict) else {}


def _children(node: Any, root: Any, key: str) -> Iterator[tuple[Any, Any]]:
    if not isinstance(node, dict):
        return
    if key in (known := _properties(node)):
        yield known[key], root
    elif isinstance(extra := node.get("additionalProperties"), dict):
        yield extra, root
    elif node.get("patternProperties"):
        yield True, root
    if key.lstrip("-").isdigit() and "items" in node:
        yield from ((part, root) for part in _list(node["items"]) or [node["items"]])


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _types(node: Any) -> frozenset[str]:
    """What one schema allows a value to be; integer counts as number, and null as nothing."""
    if not isinstance(node, dict):
        return frozenset(_TYPES)
    if "const" in node:
        return frozenset({_type_of(node["const"])})
    if isinstance(values := node.get("enum"), list):
        return frozenset(_type_of(value) for value in values)
    said = node.get("type")
    names = [said] if isinstance(said, str) else _list(said)
    if not names:
        return frozenset() if any(word in node for word in (*_SAME_PLACE, "$ref")) else frozenset(_TYPES)
    return frozenset("number" if name == "integer" else str(name) for name in names)


def _type_of(value: Any) -> str:
    match value:
        case bool():
            return "boolean"
        case str():
            return "string"
        case int() | float():
            return "number"
        case None:
            return "null"
    return "array" if isinstance(value, list) else "object"


@dataclass(frozen=True)
class Known:
    """What a rule over some event types is checked against."""

    # The live versions of those types, or the newest of every subject when the rule pins none.
    versions: tuple[Declared, ...]
    envelope: tuple[Declared, ...]

    @classmethod
    def about(cls, types: Iterable[str] | None) -> "Known":
        versions = Version.objects.live().select_related("content", "subject")
        if types is None:
            newest = versions.exclude(subject__name=ENVELOPE).order_by("subject__name", "-number")
            chosen = newest.distinct("subject__name")
        else:
            chosen = versions.filter(subject__name__in=list(types)).order_by("subject__name", "-number")
        around = versions.filter(subject__name=ENVELOPE)
        return cls(tuple(map(_declared, chosen)), tuple(map(_declared, around)))

    def of(self, name: str) -> tuple[tuple[Declared, ...], tuple[str, ...]]:
        """The versions that could declare a field, and its path in them; no versions where nothing is registered."""
        path = path_of(name)
        if path[0] == "metadata":
            return self.versions, path[1:]
        return self.envelope, path

    def names(self) -> list[str]:
        """Every field a rule may read, as far as schemas say."""
        return _with_envelope(name for version in self.versions for name in version.names)


def suggested_fields(actor: Actor) -> list[str]:
    """Names for a form: fields that the newest schemas of subjects declare, as far as the actor may read them."""
    readable = Version.objects.live().readable_by(actor).exclude(subject__name=ENVELOPE)
    newest = readable.order_by("subject__name", "-number").distinct("subject__name")
    ids = dict.fromkeys(newest.values_list("content_id", flat=True)[:_MAX_SUGGESTED])
    return _with_envelope(name for content_id in ids for name in _names_of(content_id))


@lru_cache(maxsize=4 * _MAX_SUGGESTED)
def _names_of(content_id: int) -> tuple[str, ...]:
    """Content never changes, so that each is read once in a process."""
    version = Version.objects.filter(content=content_id).select_related("content", "subject").first()
    return _declared(version).names if version else ()


def _with_envelope(below: Iterable[str]) -> list[str]:
    return sorted({*COLUMNS, *ENVELOPE_FIELDS, *(f"metadata.{name}" for name in below)})


def _declared(version: Version) -> Declared:
    return Declared(Older.of(version).document, f"{version.subject.name} {version.semver}")
