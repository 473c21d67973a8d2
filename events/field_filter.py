"""Conditions on any field of an event, as one types them: `metadata.amount >= 3 and metadata.note exists`.

A field that is missing, or of another type than the value, fits no condition.
"""

import json
import re
from math import isfinite
from typing import Any

from django.db.models import BooleanField, Q
from django.db.models.expressions import RawSQL

from events.errors import InvalidQuery

_LONGEST = 500
_MOST = 8
_CONDITION = re.compile(
    r'\s*(?P<path>[\w@$-]+(?:\.[\w@$-]+)*)\s*(?:(?P<op>>=|<=|!=|=|>|<|~)\s*(?P<value>"(?:[^"\\]|\\.)*"|[^"\s]+)|\s(?P<exists>exists))'
    r"\s*",
    re.IGNORECASE,
)
_AND = re.compile(r"and\s", re.IGNORECASE)

# The field as jsonb. Events that jsonb cannot hold have no document, and are found by their columns only.
_FIELD = '("events_event"."document" #> %s)'
_TEXT = '("events_event"."document" #>> %s)'
_SQL = {
    "=": f"{_FIELD} = %s::jsonb",
    "!=": f"{_FIELD} <> %s::jsonb",
    "~": f"strpos({_TEXT}, %s) > 0",
    "exists": f"{_FIELD} IS NOT NULL",
}


def fields_fit(text: str) -> Q:
    """Raises InvalidQuery, saying where, for what cannot be read."""
    if not text.strip():
        return Q()
    if len(text) > _LONGEST:
        raise _unreadable(f"conditions have at most {_LONGEST} characters")
    condition, place, count = Q(), 0, 0
    joined: re.Match[str] | None = None
    while place < len(text) or joined:
        found = _CONDITION.match(text, place)
        if found is None:
            raise _unreadable(f"there is no condition at '{text[place : place + 30].strip()}'")
        condition &= _condition(found)
        place, count, joined = found.end(), count + 1, None
        if place < len(text):
            joined = _AND.match(text, place)
            if joined is None or count == _MOST:
                raise _unreadable(
                    f"up to {_MOST} conditions are joined by 'and'; texts with spaces stand in quotes"
                )
            place = joined.end()
    return condition


def _condition(found: re.Match[str]) -> Q:
    path = found["path"].split(".")
    if found["exists"]:
        return _holds(_SQL["exists"], path)
    op, value = found["op"], _value(found["value"])
    if op == "~":
        return _holds(_SQL[op], path, value if isinstance(value, str) else found["value"])
    if op in _SQL:
        return _holds(_SQL[op], path, json.dumps(value))
    if isinstance(value, str):
        # Texts are compared letter by letter, so that times written alike are in their order.
        sql = f"jsonb_typeof({_FIELD}) = 'string' AND {_TEXT} COLLATE \"C\" {op} %s"
        return _holds(sql, path, path, value)
    if isinstance(value, bool) or value is None:
        raise _unreadable(f"'{op}' compares numbers or texts, not {found['value']}")
    return _holds(
        f"jsonb_typeof({_FIELD}) = 'number' AND {_FIELD} {op} %s::jsonb", path, path, json.dumps(value)
    )


def _value(text: str) -> Any:
    """JSON where it is JSON, else the text itself."""
    try:
        value = json.loads(text, parse_constant=str)
    except ValueError:
        value = text
    if isinstance(value, float) and not isfinite(value):
        raise _unreadable(f"{text} is too large a number")
    if not isinstance(value, str | int | float | None):
        value = text
    if isinstance(value, str) and any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in value):
        raise _unreadable("a text holds what no event can be searched for")
    return value


def _holds(sql: str, *params: object) -> Q:
    # The text is of this module, whatever was typed is a parameter.
    return Q(RawSQL(f"({sql})", params, output_field=BooleanField()))  # noqa: S611


def _unreadable(why: str) -> InvalidQuery:
    return InvalidQuery(
        f"'where' is like metadata.amount >= 3 and metadata.note exists: {why}.", parameter="where"
    )
