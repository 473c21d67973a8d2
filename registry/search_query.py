"""What people type into the search box, read: words and `key:value` terms, all of which have to hold.

order placed            words that begin so, in names, titles, descriptions, owners, tags and fields
"order placed"          whole words
field:user_id:string    a field of this name and type; user_* for names that begin so, address.zip for a place
-tag:PII                not this one
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from registry.errors import InvalidSearch
from registry.index import words_in

Key = Literal["word", "exact", "field", "required", "type", "subject", "title", "owner", "tag", "state"]
KEYS: dict[str, str] = {
    "field": "a field of this name; `field:user_id:string` with its type, `field:user_*` for a beginning",
    "required": "a field of this name that has to be there; a type may follow as with `field`",
    "type": "any field of this type",
    "subject": "the subject's name; `subject:shop.*` for a beginning",
    "title": "a word of the schema's title",
    "owner": "the subject's owner",
    "tag": "a tag of the version or of its schema",
    "state": "active or deprecated",
}
# Terms that may also be asked as parameters of their own.
FILTERS = ("field", "type", "owner", "tag")
TYPES = frozenset({"string", "integer", "number", "boolean", "object", "array", "null", "any"})
_STATES = frozenset({"active", "deprecated"})
_LONGEST = 500
_MOST_TERMS = 20
# A value may hold quoted parts; a quotation mark that is never closed takes the rest.
_TOKEN = re.compile(r'(?P<not>-)?(?:(?P<key>[A-Za-z]+):)?(?P<value>(?:"[^"]*"?|[^\s"])+)')


@dataclass(frozen=True, slots=True)
class Term:
    """One condition. `type` belongs to `field` and `required`; `prefix`: the value is the beginning of what is meant."""

    key: Key
    value: str
    type: str = ""
    prefix: bool = False
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    text: str
    terms: tuple[Term, ...]

    @property
    def words(self) -> tuple[Term, ...]:
        """What is looked for everywhere, and is to be there."""
        return tuple(term for term in self.terms if term.key in {"word", "exact"} and not term.negated)


def composed(text: str, filters: Mapping[str, str]) -> str:
    """The question that a form with fields of its own asks: its text, and a term for each of FILTERS that is filled in."""
    given = {name: filters.get(name, "").strip().replace('"', "") for name in FILTERS}
    if given["field"] and given["type"]:
        given["field"] += f":{given.pop('type')}"
    terms = (
        f'{name}:"{value}"' if " " in value else f"{name}:{value}" for name, value in given.items() if value
    )
    return " ".join([text.strip(), *terms]).strip()


def read_query(text: str) -> Query:
    """Raises InvalidSearch, which says at which character and what may stand there."""
    if len(text) > _LONGEST:
        raise InvalidSearch(f"A search has at most {_LONGEST} characters.", limit=_LONGEST)
    terms = tuple(term for found in _TOKEN.finditer(text) for term in _terms(found))
    if len(terms) > _MOST_TERMS:
        raise InvalidSearch(f"A search has at most {_MOST_TERMS} terms.", limit=_MOST_TERMS)
    return Query(text.strip(), terms)


def _terms(found: re.Match[str]) -> list[Term]:
    key, negated = found["key"], found["not"] is not None
    value = found["value"].replace('"', "")
    if key is None or key.lower() not in KEYS:
        return _words(found, negated=negated)
    if not value.strip():
        return []
    return [_TERMS[key.lower()](value, negated, found.start())]


def _words(found: re.Match[str], *, negated: bool) -> list[Term]:
    """Text that is no term: `a:b` with an unknown key is refused, since it would find nothing and not say why."""
    if found["key"] is not None and not found["value"].startswith(("/", ":")):
        known = ", ".join(KEYS)
        raise InvalidSearch(
            f"'{found['key']}:' is no key of the search, at character {found.start() + 1}. Keys are {known}; "
            "for the text itself write it in quotation marks.",
            position=found.start(),
            keys=list(KEYS),
        )
    quoted = '"' in found["value"]
    text = found[0].removeprefix("-") if negated else found[0]
    return [
        Term("exact" if quoted else "word", word, prefix=not quoted, negated=negated)
        for word in words_in(text)
    ]


def _field(key: Key, value: str, negated: bool, position: int) -> Term:  # noqa: FBT001
    name, colon, kind = value.rpartition(":")
    if not colon:
        name, kind = value, ""
    if kind and kind.lower() not in TYPES:
        raise _not_among(kind, TYPES, "type of a field", position)
    return Term(key, name.removesuffix("*").lower(), kind.lower(), name.endswith("*"), negated)


def _type(value: str, negated: bool, position: int) -> Term:  # noqa: FBT001
    if value.lower() not in TYPES:
        raise _not_among(value, TYPES, "type of a field", position)
    return Term("type", value.lower(), negated=negated)


def _state(value: str, negated: bool, position: int) -> Term:  # noqa: FBT001
    if value.lower() not in _STATES:
        raise _not_among(value, _STATES, "state that is listed", position)
    return Term("state", value.lower(), negated=negated)


def _plain(key: Key, value: str, negated: bool) -> Term:  # noqa: FBT001
    return Term(key, value.removesuffix("*"), prefix=value.endswith("*"), negated=negated)


def _not_among(value: str, known: frozenset[str], what: str, position: int) -> InvalidSearch:
    listed = ", ".join(sorted(known))
    return InvalidSearch(
        f"'{value}' is no {what}, at character {position + 1}. There are {listed}.",
        position=position,
        values=sorted(known),
    )


_TERMS: dict[str, Callable[[str, bool, int], Term]] = {
    "field": lambda value, negated, position: _field("field", value, negated, position),
    "required": lambda value, negated, position: _field("required", value, negated, position),
    "type": _type,
    "state": _state,
    "subject": lambda value, negated, _: _plain("subject", value, negated),
    "title": lambda value, negated, _: _plain("title", value, negated),
    "owner": lambda value, negated, _: _plain("owner", value, negated),
    "tag": lambda value, negated, _: _plain("tag", value, negated),
}
