"""What search knows of a version: written in the transaction that publishes it, from its text alone."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
from django.db.models import F, Func, Value
from django.db.models.expressions import CombinedExpression

from access import prepared
from registry.comparison import Document
from registry.fields import Field, FieldList, fields_of
from registry.models import Subject, Version, VersionIndex, VersionTag

#: Longer words are cut, in what is indexed and in what is asked.
LONGEST_WORD = 64
_MOST_WORDS = 20_000
_LONGEST_NAME = 255
_LONGEST_PATH = 1_000
_LONGEST_TEXT = 500
_LONGEST_SUBJECT = 20_000
_MOST_TAGS = 200
_AS_TEXTS = "%(function)s(%(expressions)s::text[])"
# By hand, because a schema has dozens of fields and every upload waits for this.
_CONTENT = """
WITH written AS (
    INSERT INTO registry_contentindex (content_id, title, description, field_count) VALUES (%s, %s, %s, %s)
    ON CONFLICT DO NOTHING RETURNING content_id)
"""
_FIELDS = """
INSERT INTO registry_contentfield (content_id, position, path, name, key, types, required, description)
SELECT content_id, position, path, name, key, types, required, description
FROM written, json_to_recordset(%s) AS field
    (position int, path text, name text, key text, types text[], required boolean, description text)
"""
_WRITE_VERSION = """
INSERT INTO registry_versionindex (version_id, own, words)
SELECT %s, own, own || array_to_tsvector(%s::text[]) FROM (SELECT array_to_tsvector(%s::text[]) AS own) AS words
ON CONFLICT DO NOTHING
"""
_WRITE_CONTENT = _CONTENT + _FIELDS
_WRITE_BOTH = f"{_CONTENT}, told AS ({_FIELDS}) {_WRITE_VERSION}"
_WORD = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Known:
    """What is written about one content."""

    title: str
    description: str
    words: tuple[str, ...]
    fields: tuple[Field, ...]
    tags: tuple[str, ...]


def index_version(version: Version, schema: Any) -> None:
    """Makes a new version findable. To be called in the transaction that stores it, which has its subject locked."""
    known = known_of(schema)
    tags, words = _tags_and_words(known, version)
    with prepared.cursor() as cursor:
        cursor.execute(_WRITE_BOTH, [*_content_values(version.content_id, known), version.pk, *words])
    _write_tags(VersionTag, version, tags)


def index_subject(subject: Subject) -> None:
    """After its owner or description changed: its versions are found by the new ones."""
    words = CombinedExpression(F("own"), "||", vector_of(words_of_subject(subject)))
    VersionIndex.objects.filter(version__subject=subject).update(words=words)


def known_of(schema: Any) -> Known:
    """Everything of a schema that can be searched; pure, and never raises for one that was published.

    Other registered schemas are not followed: whoever may read this one may perhaps not read those.
    """
    found = fields_of(Document(schema))
    tags = tuple(dict.fromkeys((*found.tags, *(tag for field in found.fields for tag in field.tags))))
    return Known(
        title=_storable(found.title, _LONGEST_TEXT),
        description=_storable(found.description, _LONGEST_TEXT),
        words=tuple(dict.fromkeys(_all_words(found)))[:_MOST_WORDS],
        fields=found.fields,
        tags=tags,
    )


def words_in(text: str) -> Iterator[str]:
    """The words of a text or name in lower case, `orderPlaced_at` as order, placed, at."""
    for run in _WORD.findall(text):
        for word in _CAMEL.split(run):
            yield word.lower()[:LONGEST_WORD]


def words_of_subject(subject: Any) -> list[str]:
    texts = (subject.name, subject.owner, subject.description)
    return list(dict.fromkeys(word for text in texts for word in words_in(_storable(text, _LONGEST_SUBJECT))))


def vector_of(words: Iterable[str]) -> Func:
    return Func(Value(list(words)), function="array_to_tsvector", template=_AS_TEXTS)


def write_content(content_id: int, known: Known) -> None:
    """The rows of one content, where they are not there yet."""
    with prepared.cursor() as cursor:
        cursor.execute(_WRITE_CONTENT, _content_values(content_id, known))


def write_version(tag: Any, version: Any, known: Known) -> None:
    """The rows of one version: its words, and its tags, those of its schema and of Confluent's `metadata.tags`."""
    tags, words = _tags_and_words(known, version)
    with prepared.cursor() as cursor:
        cursor.execute(_WRITE_VERSION, [version.pk, *words])
    _write_tags(tag, version, tags)


def _content_values(content_id: int, known: Known) -> list[Any]:
    fields = [_row(number, one) for number, one in enumerate(known.fields)]
    return [content_id, known.title, known.description, len(fields), orjson.dumps(fields).decode()]


def _tags_and_words(known: Known, version: Any) -> tuple[list[str], tuple[list[str], list[str]]]:
    """Its tags; the words of its subject, and its own."""
    tags = list(_all_tags(known, version.metadata))[:_MOST_TAGS]
    own = list(dict.fromkeys((*known.words, *(word for one in tags for word in words_in(one)))))
    return tags, (words_of_subject(version.subject), own)


def _write_tags(tag: Any, version: Any, tags: list[str]) -> None:
    if tags:
        tag.objects.bulk_create(
            [tag(version_id=version.pk, tag=one, key=one.lower()[:_LONGEST_NAME]) for one in tags],
            ignore_conflicts=True,
        )


def _all_tags(known: Known, metadata: dict[str, Any] | None) -> dict[str, None]:
    """`metadata.tags` is {path: [tag]}."""
    by_path = (metadata or {}).get("tags")
    listed = (
        [tags for tags in by_path.values() if isinstance(tags, list)] if isinstance(by_path, dict) else []
    )
    said = (*known.tags, *(str(tag) for tags in listed for tag in tags))
    return dict.fromkeys(tag for one in said if (tag := _storable(one, _LONGEST_NAME)))


def _row(position: int, field: Field) -> dict[str, Any]:
    name = _storable(field.name or field.path.rpartition(".")[2], _LONGEST_NAME)
    return {
        "position": position,
        "path": _storable(field.path, _LONGEST_PATH),
        "name": name,
        "key": name.lower()[:_LONGEST_NAME],
        "types": [_storable(one, 20) for one in field.types],
        "required": field.required,
        "description": _storable(field.description or field.title, _LONGEST_TEXT),
    }


def _all_words(found: FieldList) -> Iterator[str]:
    texts = [found.title, found.description]
    for field in found.fields:
        texts += [field.name, field.title, field.description]
    for text in texts:
        yield from words_in(_storable(text, 10 * _LONGEST_TEXT))


def _storable(text: str, longest: int) -> str:
    """As a text column can hold it: without U+0000 and halves of surrogate pairs."""
    return text[:longest].replace("\0", "\ufffd").encode("utf-8", "replace").decode()
