"""Finding schemas by words and by what is in them. Only what the actor may read is found, counted or hinted at."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from math import isqrt
from operator import and_

from django.contrib.postgres.search import SearchQuery
from django.db.models import (
    BooleanField,
    Exists,
    ExpressionWrapper,
    F,
    Max,
    OuterRef,
    Q,
    QuerySet,
    Value,
    Window,
)
from django.db.models.functions import Coalesce, RowNumber

from access.actor import Actor
from registry.highlight import Match, matches_of
from registry.index import words_in
from registry.models import (
    ContentField,
    ContentIndex,
    Version,
    VersionIndex,
    VersionQuerySet,
    VersionTag,
)
from registry.search_query import Query, Term, read_query

#: Results that can be paged through; whoever gets more is told to ask more precisely.
MOST_RESULTS = 1_000
PAGE = 25
_FIELDS_LOOKED_AT = 12


@dataclass(frozen=True, slots=True)
class Hit:
    """One version and why it was found."""

    version: Version
    title: str
    description: str
    matches: tuple[Match, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """One page of the results. `more`: there are more than `count`, which is then MOST_RESULTS."""

    query: Query
    count: int
    more: bool
    offset: int
    hits: tuple[Hit, ...]


def search(
    *, actor: Actor, text: str, every_version: bool = False, offset: int = 0, limit: int = PAGE
) -> Found:
    """The latest live versions (with `every_version`, all live ones) that fit, by name; those named so come first.

    Raises InvalidSearch.
    """
    query = read_query(text)
    if not query.terms:
        return Found(query, 0, False, 0, ())
    keys = _keys(_candidates(actor, query, every_version=every_version), query, MOST_RESULTS + 1)
    found = keys[:MOST_RESULTS]
    page = found[offset : offset + max(0, min(limit, MOST_RESULTS))]
    return Found(query, len(found), len(keys) > MOST_RESULTS, offset, _hits(page, query))


def _candidates(actor: Actor, query: Query, *, every_version: bool) -> VersionQuerySet:
    kept = Version.objects.live() if every_version else Version.objects.newest()
    versions = kept.readable_by(actor)
    if query.words:
        # Together: one look-up in the index of words, which knows how few versions have them all.
        versions = _having(versions, reduce(and_, map(_lexeme, query.words)))
    for term in query.terms:
        if term not in query.words:
            wanted = _CONDITIONS[term.key](term)
            versions = versions.exclude(wanted) if term.negated else versions.filter(wanted)
    return versions


def _having(versions: VersionQuerySet, words: SearchQuery) -> VersionQuerySet:
    """Those with the words. PostgreSQL takes beginnings of words for rare, and would look up and sort every version with a
    common one. Hidden in COALESCE the condition counts as true of half of them, so that it walks in order until it has enough.
    """
    newest = Version.objects.aggregate(key=Max("pk"))["key"] or 0
    # With so many, walking past versions without the words is cheaper than sorting those with them.
    common = isqrt(MOST_RESULTS * newest)
    if not VersionIndex.objects.filter(words=words).order_by()[common : common + 1].exists():
        return versions.filter(index__words=words)
    held = ExpressionWrapper(Q(index__words=words), output_field=BooleanField())
    return versions.filter(Coalesce(held, Value(value=False)))


def _keys(versions: VersionQuerySet, query: Query, most: int) -> list[int]:
    """Keys in order, in two statements: PostgreSQL ends each as soon as it has enough, which it cannot when it sorts both."""
    ordered = versions.order_by("subject__name", "-number").values_list("pk", flat=True)
    if not query.words:
        return list(ordered[:most])
    named = reduce(and_, (Q(subject__name__icontains=term.value) for term in query.words))
    first = list(ordered.filter(named)[:most])
    return first + list(ordered.exclude(named)[: most - len(first)])


def _lexeme(term: Term) -> SearchQuery:
    """One word as PostgreSQL's query language has it; inside the quotes only quotes and backslashes mean something."""
    quoted = term.value.replace("\\", "\\\\").replace("'", "''")
    return SearchQuery(f"'{quoted}'{':*' if term.prefix else ''}", config="simple", search_type="raw")


def _word(term: Term) -> Q:
    return Q(index__words=_lexeme(term))


def _field(term: Term) -> Q:
    return _some(_fields(term))


def _some(fields: QuerySet[ContentField]) -> Q:
    """Asked version by version where that is quicker, also when it is negated, which IN is not."""
    return Q(Exists(fields.filter(content=OuterRef("content"))))


def _fields(term: Term) -> QuerySet[ContentField]:
    """The rows of this name; of a dotted one, those whose path ends so."""
    name = term.value.rpartition(".")[2] if "." in term.value.strip(".") else term.value
    rows = (
        ContentField.objects.filter(key__startswith=name)
        if term.prefix
        else ContentField.objects.filter(key=name)
    )
    if name != term.value:
        ends = Q(path__iexact=term.value) | Q(path__iendswith=f".{term.value}")
        rows = rows.filter(Q(path__icontains=term.value) if term.prefix else ends)
    if term.type:
        rows = rows.filter(types__contains=[term.type])
    return rows.filter(required=True) if term.key == "required" else rows


def _type(term: Term) -> Q:
    return _some(ContentField.objects.filter(types__contains=[term.value]))


def _title(term: Term) -> Q:
    held = reduce(and_, (Q(title__icontains=word) for word in words_in(term.value)), Q())
    return Q(content__in=ContentIndex.objects.filter(held).values("pk"))


def _begins(field: str, term: Term) -> Q:
    value = term.value.lower()
    return Q(**{f"{field}__startswith": value}) if term.prefix else Q(**{field: value})


def _subject(term: Term) -> Q:
    return Q(subject__name__startswith=term.value) if term.prefix else Q(subject__name=term.value)


def _owner(term: Term) -> Q:
    return Q(subject__owner__istartswith=term.value) if term.prefix else Q(subject__owner__iexact=term.value)


_CONDITIONS: dict[str, Callable[[Term], Q]] = {
    "word": _word,
    "exact": _word,
    "field": _field,
    "required": _field,
    "type": _type,
    "title": _title,
    "subject": _subject,
    "owner": _owner,
    "tag": lambda term: Q(pk__in=VersionTag.objects.filter(_begins("key", term)).values("version")),
    "state": lambda term: Q(state=term.value),
}


def _hits(keys: list[int], query: Query) -> tuple[Hit, ...]:
    """Three statements, however many results are on the page."""
    versions = (
        Version.objects.select_related("subject", "identity", "content__index")
        .prefetch_related("tags")
        .defer("verdict", "metadata", "rule_set", "content__text", "content__references")
        .in_bulk(keys)
    )
    fields = _matching_fields({version.content_id for version in versions.values()}, query)
    return tuple(_hit(versions[key], fields, query) for key in keys if key in versions)


def _hit(version: Version, fields: dict[int, list[ContentField]], query: Query) -> Hit:
    index = getattr(version.content, "index", None)
    title, description = (index.title, index.description) if index else ("", "")
    matches = matches_of(version, title, description, fields.get(version.content_id, []), query)
    return Hit(version, title, version.subject.description or description, matches)


def _matching_fields(contents: set[int], query: Query) -> dict[int, list[ContentField]]:
    wanted = Q(pk__in=[])
    for term in query.terms:
        if term.key in {"field", "required"} and not term.negated:
            wanted |= Q(pk__in=_fields(term).filter(content__in=contents).values("pk"))
        elif term.key == "type" and not term.negated:
            wanted |= Q(types__contains=[term.value])
        elif term.key in {"word", "exact"} and not term.negated:
            wanted |= Q(key__contains=term.value) | Q(description__icontains=term.value)
    number = Window(RowNumber(), partition_by=F("content"), order_by=F("position").asc())
    rows = ContentField.objects.filter(wanted, content__in=contents).annotate(row=number)
    found: dict[int, list[ContentField]] = {}
    for field in rows.filter(row__lte=_FIELDS_LOOKED_AT).order_by("content", "position"):
        found.setdefault(field.content_id, []).append(field)
    return found
