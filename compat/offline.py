"""What the `onex` command finds under the entry point group `onex.verdict`: questions and answers as JSON values.

Whoever asks knows none of this package's classes, so that either side can be released without the other. A schema that is
none is an answer here, `{"status": "invalid", "which": "new", "pointer": …, "message": …}`, and not an error.
"""

from __future__ import annotations

from typing import Any

from compat.apart import apart
from compat.bundle import bundle as self_contained
from compat.dialects import Schema, Store
from compat.errors import SchemaError
from compat.inspection import inspect_schema
from compat.judge import bump, check
from compat.verdict import Mode, World


def inspect(schema: Schema, *, dialect: str | None = None, store: Store | None = None) -> dict[str, Any]:
    """`{"status": "valid", "dialect", "notes"}`, or why it is no schema."""
    try:
        return {"status": "valid", **inspect_schema(schema, dialect=dialect, store=store).as_dict()}
    except SchemaError as problem:
        return {"status": "invalid", "pointer": problem.pointer, "message": problem.message}


def bundle(schema: Schema, *, dialect: str | None = None, store: Store | None = None) -> dict[str, Any]:
    """`{"status": "valid", "schema"}` with all that it refers to inside, or why there is no such schema."""
    try:
        return {"status": "valid", "schema": self_contained(schema, dialect=dialect, store=store)}
    except SchemaError as problem:
        return {"status": "invalid", "pointer": problem.pointer, "message": problem.message}


def judge(
    old: Schema,
    new: Schema,
    *,
    mode: Mode = "backward",
    world: World = "open",
    dialect: str | None = None,
    old_store: Store | None = None,
    new_store: Store | None = None,
    formats: bool = False,
    budget: int | None = None,
) -> dict[str, Any]:
    """A verdict as a dictionary. Each side may refer to schemas as they were at its time."""
    asked = _with_one_store(old, new, dialect, old_store, new_store)
    if isinstance(asked, dict):
        return asked
    older, newer, store = asked
    verdict = check(
        older, newer, mode=mode, world=world, dialect=dialect, store=store, formats=formats, budget=budget
    )
    return verdict.as_dict()


def advise(
    old: Schema,
    new: Schema,
    *,
    dialect: str | None = None,
    old_store: Store | None = None,
    new_store: Store | None = None,
) -> dict[str, Any]:
    """The least SemVer step as a dictionary, or which of the two is no schema."""
    asked = _with_one_store(old, new, dialect, old_store, new_store)
    if isinstance(asked, dict):
        return asked
    older, newer, store = asked
    return bump(older, newer, dialect=dialect, store=store).as_dict()


def _with_one_store(
    old: Schema, new: Schema, dialect: str | None, old_store: Store | None, new_store: Store | None
) -> tuple[Schema, Schema, Store] | dict[str, Any]:
    """Both sides with one store for both, or the answer that one of them is no schema."""
    older, newer = dict(old_store or {}), dict(new_store or {})
    for which, schema, store in (("old", old, older), ("new", new, newer)):
        found = inspect(schema, dialect=dialect, store=store)
        if found["status"] == "invalid":
            return {**found, "which": which}
    moved, older = apart(old, older, newer)
    return moved, new, {**newer, **older}
