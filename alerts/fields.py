"""What a rule may read of an event: its typed columns by name, anything else as a path into the document.

`metadata.error.code` walks objects by key (and arrays by index, as PostgreSQL's `#>` does); a path that begins
with a slash is a JSON Pointer, for keys that hold dots. A field that is absent and one that is null are the
same thing: missing.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal

Kind = Literal["text", "number", "boolean"]


@dataclass(frozen=True, slots=True)
class Column:
    """A typed column of the event log. `sql` is null exactly when the field is missing."""

    kind: Kind
    sql: str


# Text columns compare by code point (collation C), as Python does.
COLUMNS: dict[str, Column] = {
    "event_id": Column("text", "event_id"),
    "event_type": Column("text", "event_type"),
    # These two are "" and not null when the producer sent none.
    "schema_version": Column("text", "NULLIF(schema_version COLLATE \"C\", '')"),
    "node_id": Column("text", "NULLIF(node_id, '')"),
    "correlation_id": Column("text", "correlation_id"),
    "parent_correlation_id": Column("text", "parent_correlation_id"),
    "trace_id": Column("text", "trace_id"),
    "span_id": Column("text", "span_id"),
    "error_code": Column("text", "error_code"),
    "error_pattern": Column("text", "error_pattern"),
    # Through text: a cast from float8 to numeric would keep 15 digits only.
    "sample_rate": Column("number", "(sample_rate::text)::numeric"),
    "producer": Column("text", 'producer COLLATE "C"'),
    "valid": Column("boolean", "(violations IS NULL)"),
    # Judged by a version that was deprecated when the event came.
    "deprecated_version": Column("boolean", "COALESCE(lints @> '\"deprecated_version\"', false)"),
}

_INDEX = re.compile(r"[ \t\n\v\f\r]*[+-]?[0-9]+")


def is_column(field: str) -> bool:
    return field in COLUMNS


@lru_cache(maxsize=4096)
def path_of(field: str) -> tuple[str, ...]:
    """The keys that lead to a document field."""
    if field.startswith("/"):
        return tuple(part.replace("~1", "/").replace("~0", "~") for part in field[1:].split("/"))
    return tuple(field.split("."))


class StoredEvent(dict[str, Any]):
    """Field name → value, None when missing. Document fields are looked up on first use and then kept."""

    __slots__ = ("_document", "_text")

    def __init__(self, columns: Iterable[tuple[str, Any]], document: str | None) -> None:
        super().__init__(columns)
        self._text = document
        self._document: Any = None

    def __missing__(self, field: str) -> Any:
        if self._text is not None:
            self._document, self._text = read_json(self._text), None
        value = self[field] = value_at(self._document, path_of(field))
        return value


def from_row(row: Sequence[Any]) -> StoredEvent:
    """An event from the columns that `SELECTION` reads."""
    values = dict(zip(COLUMNS, row, strict=False))
    values["sample_rate"] = None if values["sample_rate"] is None else Decimal(values["sample_rate"])
    return StoredEvent(values.items(), row[len(COLUMNS)])


def selection(*, documents: bool) -> str:
    """The select list that `from_row` expects; without documents, their fields all read as missing."""
    return ", ".join(
        [*(column.sql for column in COLUMNS.values()), "document::text" if documents else "NULL"]
    )


def read_json(text: str) -> Any:
    """JSON with numbers exactly as written, since PostgreSQL compares them so."""
    return json.loads(text, parse_float=Decimal, parse_int=_integer)


def _integer(digits: str) -> int | Decimal:
    # int() refuses thousands of digits; Decimal does not.
    return int(digits) if len(digits) < 1000 else Decimal(digits)


def value_at(document: Any, path: tuple[str, ...]) -> Any:
    """The value a path leads to, None when it leads nowhere: PostgreSQL's `#>`."""
    for part in path:
        if isinstance(document, Mapping):
            document = document.get(part)
        elif isinstance(document, list):
            document = _element(document, part)
        else:
            return None
    return document


def _element(array: list[Any], part: str) -> Any:
    if not _INDEX.fullmatch(part):
        return None
    index = int(part)
    return array[index] if -len(array) <= index < len(array) else None
