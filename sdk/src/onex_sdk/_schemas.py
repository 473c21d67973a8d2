"""Schemas as the registry answers them, kept as long as they are true.

What does not change is kept: a schema under its id, a version under its number until the server tells something
newer about that. `latest` and ranges move; they are asked again after `ttl` seconds, with the ETag of what is here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any
from urllib.parse import quote

from onex_sdk._errors import BadAnswer, Unavailable, Unreachable
from onex_sdk._http import Api


@dataclass(frozen=True)
class Reference:
    """`name` is what `$ref` says in the schema; it means that version of that subject."""

    name: str
    subject: str
    version: int


@dataclass(frozen=True)
class Schema:
    """An immutable schema. `text` is what was uploaded, byte for byte."""

    id: int
    text: str
    references: tuple[Reference, ...] = ()


@dataclass(frozen=True)
class SchemaVersion:
    """A schema's place under a subject. `semver` is None when the server gives versions no names.

    `dialect` is the draft the server reads it in (None: as `$schema` says, or draft-07). The rest is how the subject
    took its events when the server was asked: whether `format` is asserted, which version judges an event that names
    none (`latest` or a SemVer), and whether something else than the schema judges (a profile, or aliases that are read
    as declared fields).
    """

    subject: str
    number: int
    semver: str | None
    schema: Schema
    dialect: str | None = None
    asserts_formats: bool = False
    version_when_absent: str = "latest"
    event_profile: str = ""
    renames_aliases: bool = False


@dataclass
class _Moving:
    """What a moving name meant when it was last asked."""

    found: SchemaVersion
    etag: str | None
    asked_at: float


class Schemas:
    """The cache in front of the API. Safe to share between threads."""

    def __init__(self, api: Api, *, ttl: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._ttl = ttl
        self._clock = clock
        # Two threads may both miss and ask; the lock only keeps the dictionaries whole.
        self._lock = Lock()
        self._by_id: dict[int, Schema] = {}
        self._fixed: dict[tuple[str, int], SchemaVersion] = {}
        self._moving: dict[tuple[str, str], _Moving] = {}

    def by_id(self, schema_id: int) -> Schema:
        with self._lock:
            known = self._by_id.get(schema_id)
        return known or self._keep(_schema(self._api.get(f"/schemas/ids/{schema_id}")[0], schema_id))

    def version(self, subject: str, version: str | int) -> SchemaVersion:
        wanted = str(version)
        return self._numbered(subject, int(wanted)) if wanted.isdecimal() else self._moved(subject, wanted)

    def _numbered(self, subject: str, number: int) -> SchemaVersion:
        with self._lock:
            known = self._fixed.get((subject, number))
        return known or self._keep_version(self._api.get(_path(subject, str(number)))[0])

    def _moved(self, subject: str, wanted: str) -> SchemaVersion:
        with self._lock:
            known = self._moving.get((subject, wanted))
        if known is not None and self._clock() - known.asked_at < self._ttl:
            return known.found
        try:
            answer, etag = self._api.get(_path(subject, wanted), etag=known.etag if known else None)
        except (Unreachable, Unavailable):
            if known is None:
                raise
            # The last known schema is better than none; the server is asked again a TTL later.
            answer, etag = None, known.etag
        found = known.found if known and answer is None else self._keep_version(answer)
        with self._lock:
            self._moving[subject, wanted] = _Moving(found, etag, self._clock())
        return found

    def _keep(self, schema: Schema) -> Schema:
        with self._lock:
            return self._by_id.setdefault(schema.id, schema)

    def _keep_version(self, answer: Any) -> SchemaVersion:
        version = version_of(answer)
        self._keep(version.schema)
        with self._lock:
            known = self._fixed.get((version.subject, version.number))
            # The same number means another schema once its subject was deleted for good and begun anew.
            if known != version:
                self._fixed[version.subject, version.number] = known = version
            return known


def _path(subject: str, version: str) -> str:
    return f"/subjects/{quote(subject, safe='')}/versions/{quote(version, safe='')}"


def version_of(answer: Any) -> SchemaVersion:
    """What the server says about a version. Raises BadAnswer."""
    try:
        return SchemaVersion(
            subject=answer["subject"],
            number=int(answer["version"]),
            semver=answer.get("semver"),
            schema=_schema(answer, int(answer["id"])),
            dialect=answer.get("dialect"),
            asserts_formats=answer.get("assertFormats") is True,
            version_when_absent=str(answer.get("versionWhenAbsent") or "latest"),
            event_profile=str(answer.get("eventProfile") or ""),
            renames_aliases=answer.get("renameAliases") is True,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadAnswer("The server's answer is not a schema version.") from error


def _schema(answer: Any, schema_id: int) -> Schema:
    try:
        references = tuple(_reference(item) for item in answer.get("references") or ())
        return Schema(id=schema_id, text=str(answer["schema"]), references=references)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadAnswer(f"The server's answer about schema {schema_id} holds no schema.") from error


def _reference(item: Mapping[str, Any]) -> Reference:
    return Reference(name=str(item["name"]), subject=str(item["subject"]), version=int(item["version"]))
