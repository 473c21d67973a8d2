"""Schemas from classes that are decorated with `@event`."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from types import ModuleType

from onex_sdk._cli.collection import Collection, SchemaFile
from onex_sdk._cli.exits import Impossible, WrongUsage
from onex_sdk._models import EventType, event_type_of


def event_types(module: str) -> list[EventType]:
    """Of the classes that the module defines or imports. Raises Impossible where it cannot be imported."""
    # As `python -m` finds it: a command that is installed elsewhere does not look into the current folder by itself.
    if os.getcwd() not in sys.path:  # noqa: PTH109 - what is compared are texts
        sys.path.insert(0, os.getcwd())  # noqa: PTH109
    try:
        loaded = importlib.import_module(module)
    except Exception as problem:
        raise Impossible(f"The module {module} cannot be imported: {problem!r}.") from problem
    found = list(_decorated(loaded))
    if not found:
        raise WrongUsage(f"No class of {module} is decorated with @event.")
    return found


def collection_of(module: str) -> Collection:
    """Their schemas; each class takes the place of a file. Raises Impossible, WrongUsage."""
    files: dict[str, SchemaFile] = {}
    for kind in event_types(module):
        place = f"{kind.model.__module__}:{kind.model.__qualname__}"
        if kind.name in files:
            raise WrongUsage(f"{files[kind.name].path} and {place} are both of the event type {kind.name}.")
        files[kind.name] = SchemaFile(place, kind.name, _text(kind))
    return Collection(module, tuple(files.values()))


def _text(kind: EventType) -> str:
    try:
        return kind.schema_text()
    except Exception as problem:
        raise Impossible(
            f"pydantic makes no JSON Schema of {kind.model.__qualname__}: {problem}"
        ) from problem


def _decorated(module: ModuleType) -> Iterator[EventType]:
    """Each class once, whatever names it has."""
    seen: set[type] = set()
    for value in vars(module).values():
        if isinstance(value, type) and value not in seen and (kind := event_type_of(value)):
            seen.add(value)
            yield kind
