"""Statements that every request or upload makes: the database reads and plans each once for a connection, not every time.

Django's queries are composed in Python and planned anew whenever they are made, which costs more than most of them take.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.backends.utils import CursorDebugWrapper, CursorWrapper
from django.db.models import Model


def cursor() -> CursorWrapper:
    """As `connection.cursor()`, for statements whose text is a constant; their values go to the database beside it.

    With DATABASE_PREPARED_STATEMENTS off they are planned every time.
    """
    here = connections[DEFAULT_DB_ALIAS]
    here.ensure_connection()
    wrapper = _Logged if here.queries_logged else CursorWrapper
    return wrapper(ServerBindingCursor(here.connection), here)  # type: ignore[call-arg]  # those of psycopg


class _Logged(CursorDebugWrapper):
    """psycopg does not tell what it executed when that was prepared: the text as it was given is logged."""

    def execute(self, sql: Any, params: Any = None) -> Any:
        with self.debug_sql(sql, params):
            return CursorWrapper.execute(self, sql, params)


def columns_of(model: type[Model], table: str) -> str:
    """All columns of a model in a SELECT, in the order in which `loaded` takes them."""
    return ", ".join(f'{table}."{field.column}"' for field in model._meta.concrete_fields)


def loaded(model: type[Model], values: tuple[Any, ...]) -> Any:
    """The instance that Django would make of a row with `columns_of` the model; of models without JSON only."""
    return model.from_db(DEFAULT_DB_ALIAS, [field.attname for field in model._meta.concrete_fields], values)


def insert(row: Model) -> None:
    """Stores a new row and gives it what the database fills in, as `Model.save` does, without its signals.

    Raises IntegrityError.
    """
    _answered(row, _insertion(type(row)).statement)


def insert_unless_taken(row: Model) -> bool:
    """The same, but False, with nothing stored, when another row has its place already."""
    return _answered(row, _insertion(type(row)).yielding)


def _answered(row: Model, statement: str) -> bool:
    known, here = _insertion(type(row)), connections[DEFAULT_DB_ALIAS]
    values = [field.get_db_prep_save(getattr(row, field.attname), here) for field in known.given]
    with cursor() as asked:
        asked.execute(statement, values)
        found = asked.fetchone()
    if found is None:
        return False
    for field, value in zip(known.filled_in, found, strict=True):
        setattr(row, field.attname, value)
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
    return True


@dataclass(frozen=True, slots=True)
class _Insertion:
    """How rows of one model are stored: `given` are the values that it takes, `filled_in` those that it answers."""

    given: tuple[Any, ...]
    filled_in: tuple[Any, ...]
    statement: str
    yielding: str


@cache
def _insertion(model: type[Model]) -> _Insertion:
    every = model._meta.concrete_fields
    filled_in = tuple(field for field in every if field.primary_key or field.has_db_default())
    given = tuple(field for field in every if field not in filled_in)
    columns, answered = (", ".join(f'"{field.column}"' for field in some) for some in (given, filled_in))
    values = f"({columns}) VALUES ({', '.join('%s' for _ in given)})"
    statements = (
        f'INSERT INTO "{model._meta.db_table}" {values} {conflict} RETURNING {answered}'
        for conflict in ("", "ON CONFLICT DO NOTHING")
    )
    return _Insertion(given, filled_in, *statements)
