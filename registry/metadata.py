"""What a schema carries beside its text: metadata and data rules. Checked, merged, and compared.

Both are kept and handed out, and are part of what an id means; carrying rules out is the clients' part.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from compat import MAX_DEPTH
from compat.values import depth_of
from registry.canonical import storable
from registry.errors import InvalidRuleSet, InvalidSchema

#: The property that holds the number of the version, once somebody has asked for a number.
VERSION_PROPERTY = "confluent:version"
# Properties that name one version, and are no part of what makes a schema the same.
_LABELS = frozenset({VERSION_PROPERTY, "semver"})

_NAME = re.compile(r"[A-Za-z][\w-]{0,254}", re.ASCII)
_KINDS = frozenset({"TRANSFORM", "CONDITION"})
_MODES = {
    "migrationRules": frozenset({"UPGRADE", "DOWNGRADE", "UPDOWN"}),
    "domainRules": frozenset({"READ", "WRITE", "WRITEREAD"}),
    "encodingRules": frozenset({"READ", "WRITE", "WRITEREAD"}),
}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Extras:
    """Metadata and rules of one version; None and empty mean the same to whoever compares."""

    metadata: Json | None = None
    rule_set: Json | None = None

    def plain(self) -> tuple[Json, Json]:
        """As they are compared: without empty members, and without the properties that name a version."""
        metadata = dict(self.metadata or {})
        metadata["properties"] = {k: v for k, v in properties_of(metadata).items() if k not in _LABELS}
        return _without_empty(metadata), _without_empty(self.rule_set or {})

    def identity(self, content_digest: bytes) -> bytes:
        """What makes an id: the content's digest with these."""
        stored = [_without_empty(self.metadata or {}), _without_empty(self.rule_set or {})]
        if not any(stored):
            return content_digest
        return hashlib.sha256(content_digest + json.dumps(stored, sort_keys=True).encode()).digest()

    def over(self, before: "Extras") -> "Extras":
        """What is given here, and of the earlier ones what is not given at all."""
        return Extras(
            before.metadata if self.metadata is None else self.metadata,
            before.rule_set if self.rule_set is None else self.rule_set,
        )

    def merged(self, default: "Extras", override: "Extras") -> "Extras":
        """With what the rules of a subject lay beneath and above."""
        return Extras(
            merge_metadata(merge_metadata(default.metadata, self.metadata), override.metadata),
            merge_rule_sets(merge_rule_sets(default.rule_set, self.rule_set), override.rule_set),
        )

    def with_number(self, number: int) -> "Extras":
        metadata = self.metadata or {}
        properties = {**properties_of(metadata), VERSION_PROPERTY: str(number)}
        return Extras({**metadata, "properties": properties}, self.rule_set)

    def without_semver(self) -> "Extras":
        """As a later version inherits them: the label belongs to one version."""
        properties = properties_of(self.metadata)
        if "semver" not in properties:
            return self
        left = {name: value for name, value in properties.items() if name != "semver"}
        return Extras(_without_empty({**(self.metadata or {}), "properties": left}), self.rule_set)

    @property
    def follows_number(self) -> bool:
        """Once a version carries its number, those after it do."""
        return VERSION_PROPERTY in properties_of(self.metadata)


def properties_of(metadata: Json | None) -> Json:
    found = (metadata or {}).get("properties")
    return found if isinstance(found, dict) else {}


def _without_empty(value: Json) -> Json:
    return {key: member for key, member in value.items() if member not in (None, {}, [])}


def merge_metadata(older: Json | None, newer: Json | None) -> Json | None:
    """Tags and sensitive names of both; of the properties the newer value."""
    if not older or not newer:
        return newer if older is None else older if newer is None else {**older, **newer}
    tags: Json = dict(older.get("tags") or {})
    for path, names in (newer.get("tags") or {}).items():
        tags[path] = sorted({*tags.get(path, []), *names})
    merged = {
        **older,
        **newer,
        "tags": tags,
        "properties": {**properties_of(older), **properties_of(newer)},
        "sensitive": sorted({*(older.get("sensitive") or []), *(newer.get("sensitive") or [])}),
    }
    return _without_empty(merged)


def merge_rule_sets(older: Json | None, newer: Json | None) -> Json | None:
    """The rules of both; of two with one name, the newer."""
    if not older or not newer:
        return newer if older is None else older if newer is None else {**older, **newer}
    merged = {**older, **newer}
    for kind in _MODES:
        merged[kind] = list((_named(older, kind) | _named(newer, kind)).values())
    return _without_empty(merged)


def without_rules(rule_set: Json | None, names: list[str]) -> Json | None:
    if not rule_set:
        return rule_set
    left = {
        kind: [rule for name, rule in _named(rule_set, kind).items() if name not in names] for kind in _MODES
    }
    return _without_empty({**rule_set, **left})


def _named(rule_set: Json, kind: str) -> dict[str, Any]:
    """By name, in their order."""
    rules = rule_set.get(kind)
    return {str(rule.get("name")): rule for rule in rules or [] if isinstance(rule, dict)}


def rule_types_of(rule_set: Json | None) -> set[str]:
    return {str(rule.get("type")) for kind in _MODES for rule in _named(rule_set or {}, kind).values()}


def check_metadata(name: str, value: Any) -> None:
    """Raises InvalidSchema, with the place."""
    _check_storable(name, value)
    for pointer, problem in _problems_of_metadata(value or {}):
        raise InvalidSchema(f"'{name}{pointer}' {problem}.", pointer=f"/{name}{pointer}")


def _problems_of_metadata(value: Json) -> Iterator[tuple[str, str]]:
    if not _is_map(value.get("properties"), str):
        yield "/properties", "has to map names to texts"
    if not (_is_map(value.get("tags"), list) and all(map(_is_texts, (value.get("tags") or {}).values()))):
        yield "/tags", "has to map paths to lists of texts"
    if not _is_texts(value.get("sensitive") or []):
        yield "/sensitive", "has to be a list of texts"


def check_rule_set(name: str, value: Any) -> None:
    """Raises InvalidSchema, InvalidRuleSet, with the place."""
    _check_storable(name, value)
    seen: set[str] = set()
    for kind, modes in _MODES.items():
        rules = (value or {}).get(kind, [])
        if rules is None:
            continue
        if not isinstance(rules, list):
            raise InvalidRuleSet("has to be a list of rules", pointer=f"/{name}/{kind}")
        for index, rule in enumerate(rules):
            problem = _problem_of_rule(rule, modes, seen)
            if problem:
                raise InvalidRuleSet(problem, pointer=f"/{name}/{kind}/{index}")
            seen.add(rule["name"])


def _problem_of_rule(rule: Any, modes: frozenset[str], seen: set[str]) -> str | None:
    if not isinstance(rule, dict):
        return "has to be an object"
    name = rule.get("name")
    checks = {
        "needs a name that begins with a letter and goes on with letters, digits, '-' and '_'": (
            isinstance(name, str) and _NAME.fullmatch(name)
        ),
        f"is the second rule named '{name}'": str(name) not in seen,
        f"has a kind that is not one of {', '.join(sorted(_KINDS))}": _is_one(rule.get("kind"), _KINDS),
        f"has a mode that is not one of {', '.join(sorted(modes))}": _is_one(rule.get("mode"), modes),
        "has params that do not map names to texts": _is_map(rule.get("params"), str),
        "has tags that are no list of texts": _is_texts(rule.get("tags") or []),
    }
    return next((problem for problem, holds in checks.items() if not holds), None)


def _is_one(value: Any, names: frozenset[str]) -> bool:
    return value is None or (isinstance(value, str) and value in names)


def _is_map(value: Any, of: type) -> bool:
    return value is None or (isinstance(value, Mapping) and all(isinstance(v, of) for v in value.values()))


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _check_storable(name: str, value: Any) -> None:
    if value is not None and not isinstance(value, dict):
        raise InvalidSchema(f"'{name}' has to be a JSON object.", pointer=f"/{name}")
    if depth_of(value, MAX_DEPTH) > MAX_DEPTH:
        raise InvalidSchema(f"'{name}' is nested more than {MAX_DEPTH} levels deep.", pointer=f"/{name}")
    if storable(value) != value:
        raise InvalidSchema(
            f"'{name}' holds the character U+0000 or half of a surrogate pair.", pointer=f"/{name}"
        )
