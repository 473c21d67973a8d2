"""TypeScript types from a JSON Schema that holds all it refers to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

_PLAIN = {"string": "string", "number": "number", "integer": "number", "boolean": "boolean", "null": "null"}
_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*")
_OBJECT_WORDS = ("properties", "additionalProperties", "patternProperties", "required")
_ARRAY_WORDS = ("items", "prefixItems")


def type_name(text: str) -> str:
    """`order.created` → `OrderCreated`."""
    words = [word for word in re.split(r"[^A-Za-z0-9]+", text) if word]
    name = "".join(word[0].upper() + (word[1:].lower() if word.isupper() else word[1:]) for word in words)
    return f"T{name}" if not name or name[0].isdigit() else name


def typescript(schema: Any, name: str) -> str:
    """Exported types: the schema itself under the name, and each definition that it refers to."""
    writer = _Writer(schema, {"": name})
    parts = [_declaration(name, schema, writer)]
    while writer.waiting:
        pointer = writer.waiting.pop(0)
        parts.append(_declaration(writer.names[pointer], _at(schema, pointer), writer))
    return "\n".join(parts)


def _declaration(name: str, schema: Any, writer: _Writer) -> str:
    return f"{_doc(schema, '')}export type {name} = {writer.written(schema, '')};\n"


@dataclass
class _Writer:
    root: Any
    #: Pointer → the name of its type.
    names: dict[str, str]
    waiting: list[str] = field(default_factory=list)

    def written(self, schema: Any, indent: str) -> str:
        if isinstance(schema, bool):
            return "unknown" if schema else "never"
        if "const" in schema:
            return _literal(schema["const"])
        if "enum" in schema:
            return _union(map(_literal, schema["enum"]))
        parts = [self._referred(schema["$ref"])] if "$ref" in schema else []
        parts += [
            _union(self.written(branch, indent) for branch in schema[word])
            for word in ("anyOf", "oneOf")
            if word in schema
        ]
        parts += [self.written(branch, indent) for branch in schema.get("allOf", ())]
        own = self._own(schema, indent)
        if own != "unknown" or not parts:
            parts.insert(0, own)
        return " & ".join(_grouped(part) for part in parts) if len(parts) > 1 else parts[0]

    def _own(self, schema: Mapping[str, Any], indent: str) -> str:
        """What the schema's own `type` and its keywords say."""
        kinds = schema.get("type", self._guessed(schema))
        kinds = [kinds] if isinstance(kinds, str) else kinds
        return _union(self._of_kind(kind, schema, indent) for kind in kinds) if kinds else "unknown"

    def _guessed(self, schema: Mapping[str, Any]) -> list[str]:
        """Without `type` any value is allowed; types that say so help nobody where properties are listed."""
        if any(word in schema for word in _OBJECT_WORDS):
            return ["object"]
        return ["array"] if any(word in schema for word in _ARRAY_WORDS) else []

    def _of_kind(self, kind: str, schema: Mapping[str, Any], indent: str) -> str:
        if kind == "object":
            return self._object(schema, indent)
        if kind == "array":
            return self._array(schema, indent)
        return _PLAIN[kind]

    def _array(self, schema: Mapping[str, Any], indent: str) -> str:
        items = schema.get("items", True)
        first, rest = (items, schema.get("additionalItems", True)) if isinstance(items, list) else (
            schema.get("prefixItems", ()), items,
        )  # fmt: skip
        if not first:
            return f"Array<{self.written(rest, indent)}>"
        members = [f"{self.written(item, indent)}?" if _optional(n, schema) else self.written(item, indent)
                   for n, item in enumerate(first)]  # fmt: skip
        tail = [] if rest is False else [f"...Array<{self.written(rest, indent)}>"]
        return f"[{', '.join([*members, *tail])}]"

    def _object(self, schema: Mapping[str, Any], indent: str) -> str:
        inner, required = indent + "  ", set(schema.get("required", ()))
        lines = []
        properties = schema.get("properties", {})
        for key, value in properties.items():
            mark = "" if key in required else "?"
            lines.append(f"{_doc(value, inner)}{inner}{_key(key)}{mark}: {self.written(value, inner)};\n")
        lines += [f"{inner}{_key(key)}: unknown;\n" for key in sorted(required - set(properties))]
        more = self._more(schema, inner)
        if more:
            lines.append(f"{inner}[key: string]: {more};\n")
        return "{\n" + "".join(lines) + indent + "}" if lines else "Record<string, never>"

    def _more(self, schema: Mapping[str, Any], indent: str) -> str:
        """The type of undeclared members. Beside declared ones it has to hold for these as well, so it is `unknown`."""
        patterns = list(schema.get("patternProperties", {}).values())
        more = schema.get("additionalProperties", not patterns)
        allowed = [*patterns, *([] if more is False else [more])]
        if not allowed:
            return ""
        if schema.get("properties") or schema.get("required"):
            return "unknown"
        return _union(self.written(value, indent) for value in allowed)

    def _referred(self, reference: str) -> str:
        pointer = unquote(reference.removeprefix("#"))
        if pointer not in self.names:
            wanted = type_name(pointer.rpartition("/")[2])
            name, number = wanted, 2
            while name in self.names.values():
                name, number = f"{wanted}{number}", number + 1
            self.names[pointer] = name
            self.waiting.append(pointer)
        return self.names[pointer]


def _at(schema: Any, pointer: str) -> Any:
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        schema = schema[int(key)] if isinstance(schema, list) else schema[key]
    return schema


def _optional(index: int, schema: Mapping[str, Any]) -> bool:
    return index >= int(schema.get("minItems", 0))


def _union(types: Iterable[str]) -> str:
    found = list(dict.fromkeys(types))
    if "unknown" in found:
        return "unknown"
    return " | ".join(found) or "never"


def _grouped(text: str) -> str:
    """In brackets where a union would come apart in an intersection."""
    return f"({text})" if " | " in text and not text.startswith(("{", "(")) else text


def _literal(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if not isinstance(value, (dict, list)) else "unknown"


def _key(key: str) -> str:
    return key if _IDENTIFIER.fullmatch(key) else json.dumps(key, ensure_ascii=False)


def _doc(schema: Any, indent: str) -> str:
    text = schema.get("description", schema.get("title", "")) if isinstance(schema, dict) else ""
    words = " ".join(str(text).replace("*/", "* /").split())
    deprecated = " @deprecated" if isinstance(schema, dict) and schema.get("deprecated") is True else ""
    return f"{indent}/** {(words + deprecated).strip()} */\n" if words or deprecated else ""
