"""Why a version was found: the places that fit, with what fits in them marked."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from registry.index import words_in
from registry.models import ContentField, Version
from registry.search_query import Query, Term

_MOST_FIELDS = 5
_AROUND = 160


@dataclass(frozen=True, slots=True)
class Match:
    """One place. `pieces` are its text, cut into (text, whether it fits)."""

    where: str
    pieces: tuple[tuple[str, bool], ...]
    types: tuple[str, ...] = ()
    note: tuple[tuple[str, bool], ...] = ()

    @property
    def text(self) -> str:
        return "".join(piece for piece, _ in self.pieces)


def matches_of(
    version: Version, title: str, description: str, fields: Sequence[ContentField], query: Query
) -> tuple[Match, ...]:
    """The places of one version in the order in which people look for them."""
    return (*_texts(version, title, description, query), *_tags(version, query), *_fields(fields, query))


def _texts(version: Version, title: str, description: str, query: Query) -> Iterator[Match]:
    places = {
        "subject": (version.subject.name, ("subject",)),
        "owner": (version.subject.owner, ("owner",)),
        "title": (title, ("title",)),
        "about": (version.subject.description, ()),
        "description": (description, ()),
    }
    for where, (text, keys) in places.items():
        terms = [
            term for term in query.terms if not term.negated and (term.key in keys or term in query.words)
        ]
        pieces = marked(text, terms)
        if any(fits for _, fits in pieces):
            yield Match(where, _around(pieces))


def _tags(version: Version, query: Query) -> Iterator[Match]:
    terms = [term for term in query.terms if not term.negated and (term.key == "tag" or term in query.words)]
    for tag in version.tags.all():
        if any(
            tag.key.startswith(t.value.lower()) if t.prefix else tag.key == t.value.lower() for t in terms
        ):
            yield Match("tag", ((tag.tag, True),))


def _fields(fields: Sequence[ContentField], query: Query) -> list[Match]:
    """Those that were asked for by name first."""
    named: list[Match] = []
    others: list[Match] = []
    for field in fields:
        asked_for = any(_names(field, term) for term in query.terms if not term.negated)
        pieces = ((field.name, True),) if asked_for else marked(field.name, query.words)
        note = _around(marked(field.description, query.words))
        noted = any(fits for _, fits in note)
        if noted or any(fits for _, fits in pieces):
            head, _, last = field.path.rpartition(field.name) if field.name else (field.path, "", "")
            place = tuple(piece for piece in ((head, False), *pieces, (last, False)) if piece[0])
            match = Match("field", place, tuple(field.types), note if noted else ())
            (named if asked_for else others).append(match)
    return [*named, *others][:_MOST_FIELDS]


def _names(field: ContentField, term: Term) -> bool:
    if term.key == "type":
        return term.value in field.types
    if term.key not in {"field", "required"} or (term.type and term.type not in field.types):
        return False
    name = term.value.rpartition(".")[2] or term.value
    return field.key.startswith(name) if term.prefix else field.key == name


def marked(text: str, terms: Sequence[Term]) -> tuple[tuple[str, bool], ...]:
    """The text cut where a word of it begins with a term (or is one that has to be whole)."""
    found = sorted(
        {
            span
            for term in terms
            for word in _words(term)
            for span in _spans(text, word, whole=not term.prefix)
        }
    )
    pieces, end = [], 0
    for start, stop in found:
        if start >= end:
            pieces += [(text[end:start], False), (text[start:stop], True)]
            end = stop
    return tuple(piece for piece in (*pieces, (text[end:], False)) if piece[0])


def _words(term: Term) -> list[str]:
    return [term.value] if term.key in {"word", "exact"} else list(words_in(term.value))


def _spans(text: str, word: str, *, whole: bool) -> Iterator[tuple[int, int]]:
    begins = r"(?<![^\W_])" if word[:1].isalnum() else ""
    ends = r"(?![^\W_])" if whole else ""
    for found in re.finditer(
        f"(?:{begins}|(?-i:(?<=[a-z0-9])(?=[A-Z]))){re.escape(word)}{ends}", text, re.IGNORECASE
    ):
        yield found.span()


def _around(pieces: tuple[tuple[str, bool], ...]) -> tuple[tuple[str, bool], ...]:
    """A long text shortened to what is around the first place that fits."""
    first = next((number for number, (_, fits) in enumerate(pieces) if fits), 0)
    before = pieces[first - 1][0] if first else ""
    kept = [(f"…{before[-60:]}" if len(before) > 60 else before, False)] if before else []
    left = _AROUND
    for text, fits in pieces[first:]:
        kept.append((text if len(text) <= left else text[:left] + "…", fits))
        left -= len(text)
        if left <= 0:
            break
    return tuple(kept)
