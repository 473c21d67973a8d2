"""The condition tree as PostgreSQL: true for exactly the rows whose fields the closures of `condition.py` match.

SQL's own three values are the tree's: NULL is unknown. Constants travel as parameters, never in the text.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from alerts.condition import All, AnyOf, Condition, Not, Test, kind_of
from alerts.fields import COLUMNS, path_of, read_json


@dataclass(frozen=True, slots=True)
class Sql:
    text: str
    params: tuple[Any, ...] = ()

    def then(self, text: str, *params: Any) -> "Sql":
        return Sql(self.text + text, self.params + params)


def where(condition: Condition) -> Sql:
    """A boolean expression over `events_event`; the caller keeps rows where it IS TRUE."""
    match condition:
        case Test(field, op, value):
            return _on_column(field, op, value) if field in COLUMNS else _on_document(field, op, value)
        case All(parts):
            return _joined(" AND ", parts, empty="TRUE")
        case AnyOf(parts):
            return _joined(" OR ", parts, empty="FALSE")
        case Not(part):
            inner = where(part)
            return Sql(f"(NOT {inner.text})", inner.params)


def _joined(word: str, parts: tuple[Condition, ...], *, empty: str) -> Sql:
    compiled = [where(part) for part in parts]
    if not compiled:
        return Sql(empty)
    text = word.join(part.text for part in compiled)
    return Sql(f"({text})", tuple(param for part in compiled for param in part.params))


def value_sql(field: str) -> Sql:
    """A field's value as text, NULL when it is missing: for prefilters only."""
    if field in COLUMNS:
        return Sql(f"({COLUMNS[field].sql})::text")
    return Sql("(document #>> %s::text[])", (list(path_of(field)),))


def exact_sql(field: str) -> Sql:
    """A field's value as `as_read` makes the one that closures see of it."""
    if field in COLUMNS:
        return Sql(COLUMNS[field].sql)
    return Sql("(document #> %s::text[])::text", (list(path_of(field)),))


def as_read(field: str, value: Any) -> Any:
    """What `exact_sql` selected, as it stands in a StoredEvent."""
    return value if value is None or field in COLUMNS else read_json(value)


# Operator → how it compares a left side with one parameter, cast as the kind needs.
_COMPARISONS: dict[str, Callable[[str, str], str]] = {
    "eq": lambda left, cast: f"{left} = %s::{cast}",
    "ne": lambda left, cast: f"{left} <> %s::{cast}",
    "in": lambda left, cast: f"{left} = ANY(%s::{cast}[])",
    "not_in": lambda left, cast: f"{left} <> ALL(%s::{cast}[])",
    "prefix": lambda left, cast: f"starts_with({left}, %s::{cast})",
    "suffix": lambda left, cast: f"right({left}, length(%s::{cast})) = %s::{cast}",
    "contains": lambda left, cast: f"strpos({left}, %s::{cast}) > 0",
    "gt": lambda left, cast: f"{left} > %s::{cast}",
    "gte": lambda left, cast: f"{left} >= %s::{cast}",
    "lt": lambda left, cast: f"{left} < %s::{cast}",
    "lte": lambda left, cast: f"{left} <= %s::{cast}",
}
_CASTS = {"text": "text", "number": "numeric", "boolean": "boolean"}
_JSON_TYPES = {"text": "string", "number": "number", "boolean": "boolean"}


def _comparison(op: str, left: Sql, kind: str, value: Any) -> Sql:
    text = _COMPARISONS[op](left.text, _CASTS[kind])
    param = list(value) if isinstance(value, tuple) else value
    # right(x, 0) would be the whole text's empty end, which is what an empty suffix means.
    repeats = 2 if op == "suffix" else 1
    return Sql(f"({text})", left.params + (param,) * repeats)


def _on_column(field: str, op: str, value: Any) -> Sql:
    column = Sql(COLUMNS[field].sql)
    if op == "exists":
        return Sql(f"({column.text} IS {'NOT ' if value else ''}NULL)")
    return _comparison(op, column, COLUMNS[field].kind, value)


def _on_document(field: str, op: str, value: Any) -> Sql:
    path = list(path_of(field))
    found = Sql("(document #> %s::text[])", (path,))
    kind_sql = Sql(f"jsonb_typeof{found.text}", found.params)
    if op == "exists":
        word = "IS DISTINCT FROM" if value else "IS NOT DISTINCT FROM"
        return Sql(f"(coalesce({kind_sql.text}, 'null') {word} 'null')", kind_sql.params)
    kind = kind_of(value[0] if isinstance(value, tuple) else value)
    branches: list[tuple[str, Sql]] = []
    if op != "contains" or kind == "text":
        branches.append((_JSON_TYPES[kind], _comparison(op, _scalar(path, kind), kind, value)))
    if op == "contains":
        branches.append(("array", found.then(f" @> jsonb_build_array(%s::{_CASTS[kind]})", value)))
    return _case(kind_sql, branches)


def _scalar(path: list[str], kind: str) -> Sql:
    text = "(document #>> %s::text[])"
    # COLLATE C: by code point, whatever the database's own collation is.
    return Sql(f'{text} COLLATE "C"' if kind == "text" else f"{text}::{_CASTS[kind]}", (path,))


def _case(kind: Sql, branches: list[tuple[str, Sql]]) -> Sql:
    """Casts happen only where the type fits; every other row is unknown."""
    case = Sql(f"(CASE {kind.text}", kind.params)
    for json_type, answer in branches:
        case = case.then(f" WHEN '{json_type}' THEN {answer.text}", *answer.params)
    return case.then(" END)")
