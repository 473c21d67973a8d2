"""Redaction before an event leaves: values under names that say they are secret are replaced by a word.

The alternative to encryption where nobody is to read a value ever again. A name is looked at word by word (`api_key`,
`apiKey` and `API-KEY` have the word `key`; `monkey` and `author` have no such word), and exceptions win.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from onex_sdk._sealed import is_sealed

#: The word that a name has, and what takes the value's place.
REPLACEMENTS = {
    "password": "[PASSWORD_REDACTED]",
    "passwd": "[PASSWORD_REDACTED]",
    "token": "[MASKED]",
    "secret": "[SECRET]",
    "key": "[KEY_REDACTED]",
    "credential": "[REDACTED]",
    "credentials": "[REDACTED]",
    "auth": "[REDACTED]",
    "authorization": "[REDACTED]",
    "cert": "[REDACTED]",
    "certificate": "[REDACTED]",
    "signature": "[REDACTED]",
    "hash": "[REDACTED]",
    "salt": "[REDACTED]",
}
#: Names that have such a word and are no secret.
EXCEPTIONS = frozenset(
    {
        "data_hash",
        "content_hash",
        "file_hash",
        "git_hash",
        "idempotency_key",
        "partition_key",
        "primary_key",
        "foreign_key",
        "sort_key",
        "dedup_key",
        "cache_key",
        "token_count",
        "token_type",
    }
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


class Redactor:
    """Redacts the metadata of events, through objects and lists of any depth. Safe to share between threads."""

    def __init__(
        self, *, names: Iterable[str] = (), exceptions: Iterable[str] = (), only: bool = False
    ) -> None:
        """`names` (words, or whole names) are redacted beside those of REPLACEMENTS, or `only` they; names in
        `exceptions`, and those of EXCEPTIONS, are left alone unless they are in `names`."""
        more = {_spelt(name): "[REDACTED]" for name in names}
        self._replacements = more if only else {**REPLACEMENTS, **more}
        self._exceptions = ({_spelt(name) for name in exceptions} | EXCEPTIONS) - more.keys()
        self._known: dict[str, str | None] = {}

    def redact(self, event: dict[str, Any]) -> dict[str, Any]:
        """The event, with a copy of its metadata where something is redacted. null stays null, and so does what is encrypted."""
        metadata = event.get("metadata")
        if not isinstance(metadata, dict):
            return event
        return {**event, "metadata": self._object(metadata)}

    def _object(self, value: dict[str, Any]) -> dict[str, Any]:
        return {name: self._member(str(name), item) for name, item in value.items()}

    def _member(self, name: str, item: Any) -> Any:
        replacement = self._replacement(name)
        if replacement is not None and item is not None and not is_sealed(item):
            return replacement
        return self._value(item)

    def _value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return self._object(value)
        return [self._value(item) for item in value] if isinstance(value, (list, tuple)) else value

    def _replacement(self, name: str) -> str | None:
        if name not in self._known:
            if len(self._known) > 10_000:
                self._known.clear()
            self._known[name] = self._looked_up(name)
        return self._known.get(name)

    def _looked_up(self, name: str) -> str | None:
        spelt = _spelt(name)
        if spelt in self._exceptions:
            return None
        if spelt in self._replacements:
            return self._replacements[spelt]
        words = spelt.split("_")
        return next((self._replacements[word] for word in words if word in self._replacements), None)


def _spelt(name: str) -> str:
    """`apiKey`, `API-KEY` and `api_key` are one name."""
    return "_".join(_WORD.findall(name)).lower()
