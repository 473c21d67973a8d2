"""Fields that a schema marks with `"x-sensitive": true`, as they are on the wire: what the schema says, or encrypted.

Producers validate by the schema itself, encrypt the marked fields and send. So what judges events here is derived from it:
every marked place also takes an encrypted value, a compact JWE with a shared key (`dir`, A256GCM). Versions are compared by
the schemas as they were written.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from registry.opaque_codes import DATA

KEYWORD = "x-sensitive"
#: Header, no wrapped key, 12 bytes of initialisation vector, ciphertext, 16 bytes of tag.
ENCRYPTED = r"^eyJ[A-Za-z0-9_-]+\.\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{22}$"
IN_THE_CLEAR = "This field is marked as sensitive, and is not encrypted."
_ENCRYPTED = re.compile(ENCRYPTED)
_WIRE = {"type": "string", "pattern": ENCRYPTED}
# Members that hold schemas by names which are nobody's keywords.
_NAMED = frozenset(
    {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"}
)
# Of a marked schema these stay where they are, so that what names it or looks into it still finds it.
_OUTSIDE = frozenset({"$schema", "$id", "id", "$anchor", "$dynamicAnchor", "$defs", "definitions", KEYWORD})
_WITHOUT_CONDITIONS = ("draft-03", "draft-04", "draft-06", "self-desc")


class Documents(NamedTuple):
    schema: Any
    store: Mapping[str, Any]


def marks(schema: Any) -> bool:
    """Whether something in the schema is marked."""
    if isinstance(schema, list):
        return any(marks(item) for item in schema)
    if not isinstance(schema, dict):
        return False
    return schema.get(KEYWORD) is True or any(
        marks(list(item.values()) if key in _NAMED and isinstance(item, dict) else item)
        for key, item in schema.items()
        if key not in DATA
    )


def on_the_wire(schema: Any, store: Mapping[str, Any], *, dialect: str) -> Documents:
    """The schema and what it may refer to, as events are judged by them; the very same where nothing is marked."""
    documents = {"": _with_marked_members(schema), **store}
    if not any(marks(document) for document in documents.values()):
        return Documents(schema, store)
    said = schema.get("$schema") if isinstance(schema, dict) else None
    inner = ("anyOf", "1") if any(old in str(said or dialect) for old in _WITHOUT_CONDITIONS) else ("else",)
    wired = {name: _wired(document, documents, inner) for name, document in documents.items()}
    return Documents(wired.pop(""), wired)


def _with_marked_members(schema: Any) -> Any:
    """A whole event cannot be one encrypted value: a mark on all of it is one on each member that it declares."""
    if not isinstance(schema, dict) or schema.get(KEYWORD) is not True:
        return schema
    changed = {key: item for key, item in schema.items() if key != KEYWORD}
    for key in ("properties", "patternProperties"):
        if isinstance(members := changed.get(key), dict):
            changed[key] = {name: _marked(member) for name, member in members.items()}
    if "additionalProperties" in changed:
        changed["additionalProperties"] = _marked(changed["additionalProperties"])
    return changed


def _marked(schema: Any) -> Any:
    if schema is True:
        return {KEYWORD: True}
    return {**schema, KEYWORD: True} if isinstance(schema, dict) else schema


def _wired(schema: Any, documents: Mapping[str, Any], inner: tuple[str, ...]) -> Any:
    if isinstance(schema, list):
        return [_wired(item, documents, inner) for item in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {key: _member(key, item, documents, inner) for key, item in schema.items()}
    if schema.get(KEYWORD) is not True:
        return changed
    outside = {key: item for key, item in changed.items() if key in _OUTSIDE}
    plain = {key: item for key, item in changed.items() if key not in _OUTSIDE}
    if inner == ("else",):
        return {**outside, "if": _WIRE, "else": plain}
    return {**outside, "anyOf": [_WIRE, plain]}


def _member(key: str, item: Any, documents: Mapping[str, Any], inner: tuple[str, ...]) -> Any:
    if key in DATA:
        return item
    if key == "$ref" and isinstance(item, str):
        return _moved(item, documents, inner)
    if key in _NAMED and isinstance(item, dict):
        return {name: _wired(schema, documents, inner) for name, schema in item.items()}
    return _wired(item, documents, inner)


def _moved(reference: str, documents: Mapping[str, Any], inner: tuple[str, ...]) -> str:
    """A reference into a marked schema has to find what it named one step further down."""
    name, mark, fragment = reference.partition("#")
    if not fragment.startswith("/") or name not in documents:
        return reference
    node: Any = documents[name]
    steps: list[str] = []
    for step in fragment[1:].split("/"):
        if isinstance(node, dict) and node.get(KEYWORD) is True and step not in _OUTSIDE:
            steps += inner
        steps.append(step)
        node = _child(node, step)
    return f"{name}{mark}/{'/'.join(steps)}"


def _child(node: Any, step: str) -> Any:
    if isinstance(node, list):
        return node[int(step)] if step.isdecimal() and int(step) < len(node) else None
    return node.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(node, dict) else None


class InTheClear:
    """The keyword, for those who want to be told: refuses what is marked and not encrypted."""

    def __init__(self, schema: dict[str, Any], value: Any, path: list[str | int]) -> None:
        self._marked = value is True

    def validate(self, instance: Any) -> None:
        if self._marked and not (isinstance(instance, str) and _ENCRYPTED.fullmatch(instance)):
            raise ValueError(IN_THE_CLEAR)
