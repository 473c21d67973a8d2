"""Who judges without a server: whatever is installed under the entry point group `onex.verdict`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any, Protocol, cast

from onex_sdk._cli.exits import Impossible

GROUP = "onex.verdict"
_NAME = "json-schema"
INSTALL = "pip install 'onex-sdk[check]'"


class Verdicts(Protocol):
    """Questions and answers are JSON values; a schema that is none is answered with the status `invalid`."""

    def inspect(
        self, schema: Any, *, dialect: str | None = None, store: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Whether it is a schema, with notes."""

    def bundle(
        self, schema: Any, *, dialect: str | None = None, store: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The schema with all that it refers to inside."""

    def judge(
        self,
        old: Any,
        new: Any,
        *,
        mode: str,
        world: str,
        old_store: Mapping[str, Any],
        new_store: Mapping[str, Any],
        formats: bool,
    ) -> dict[str, Any]:
        """A verdict with its evidence."""

    def advise(
        self, old: Any, new: Any, *, old_store: Mapping[str, Any], new_store: Mapping[str, Any]
    ) -> dict[str, Any]:
        """The least SemVer step."""


def verdicts() -> Verdicts:
    """Raises Impossible, with what to type, when nothing is installed or it cannot be loaded."""
    found = entry_points(group=GROUP, name=_NAME)
    if not found:
        raise Impossible(
            f"Verdicts without a server need the library onex-compat, which is not installed: {INSTALL}. "
            "Or let the registry judge: --against server."
        )
    [chosen, *_] = found
    try:
        return cast("Verdicts", chosen.load())
    except Exception as problem:
        raise Impossible(
            f"The library that judges ({chosen.value}) cannot be loaded: {problem!r}."
        ) from problem
