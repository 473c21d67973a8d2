"""A few words for a schema or a value, short enough for a sentence."""

from __future__ import annotations

from typing import Any

from compat.dialects import Schema
from compat.values import text_of


def described(schema: Schema) -> str:
    """A few words for a schema."""
    if isinstance(schema, bool):
        return "anything" if schema else "absent"
    for keyword in ("const", "enum"):
        if keyword in schema:
            return short(schema[keyword])
    return types_text(schema["type"]) if "type" in schema else "what its schema says"


def short(value: Any) -> str:
    text = text_of(value)
    return text if len(text) <= 60 else text[:57] + "…"


def types_text(types: Any) -> str:
    return types if isinstance(types, str) else " or ".join(types)
