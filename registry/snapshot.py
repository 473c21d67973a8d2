"""A subject at one moment: what an upload is judged against, and what must still hold when it is stored."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from semver import Version as SemVer

from access import prepared
from registry.configure import Rules, rules_from, scope_of
from registry.demands import Demands
from registry.judge import Older
from registry.lookup import LATEST
from registry.metadata import Extras, properties_of
from registry.models import Configuration, Content, Level, Version
from registry.upload import Upload

_LIVE = frozenset({Version.State.ACTIVE, Version.State.DEPRECATED})


@dataclass(frozen=True, slots=True)
class Row:
    """A version as the snapshot sees it; the schema text is loaded only where it is compared."""

    pk: int
    number: int
    semver: SemVer
    content_id: int
    live: bool
    draft: bool
    deleted: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """What there was in the database, to be compared with what there is later: JSON texts but for the demands."""

    demands: Demands
    configured: str
    versions: str
    # Whether there is such a subject at all, which says nothing about what an upload is judged by.
    exists: bool = field(default=True, compare=False)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A subject at one moment."""

    rows: tuple[Row, ...]
    rules: Rules
    content_id: int | None
    # What the request's metadata and rules are filled up to, from the latest version and the subject's rules.
    extras: Extras
    seen: Seen
    # What was read of the versions already.
    _read: dict[int, Version] = field(default_factory=dict, compare=False)
    _older: dict[int, Older] = field(default_factory=dict, compare=False)

    @property
    def demands(self) -> Demands:
        return self.seen.demands

    @property
    def live(self) -> list[Row]:
        """Newest first."""
        return [row for row in reversed(self.rows) if row.live]

    def number_for(self, draft: Version | None) -> int:
        """The number of a version that becomes active now: above all that did before."""
        if draft is not None and all(row.draft or row.number < draft.number for row in self.rows):
            return draft.number
        return max((row.number for row in self.rows), default=0) + 1

    def older(self, keys: Sequence[int]) -> tuple[Older, ...]:
        """The versions with these keys, in that order, ready to be compared with; each is loaded once."""
        self._read.update(_read_versions([key for key in keys if key not in self._read]))
        unknown = [key for key in keys if key in self._read and key not in self._older]
        self._older.update((key, Older.of(self._read[key])) for key in unknown)
        return tuple(self._older[key] for key in keys if key in self._older)


# One statement, so that everything is of one moment.
_LOOK = """
SELECT
    (SELECT json_build_array(needs_approval, evolution_rules, assert_formats)::text
        FROM registry_subject WHERE name = %(subject)s),
    (SELECT json_agg(configuration ORDER BY configuration.subject)::text
        FROM registry_configuration configuration WHERE subject = ANY(%(scope)s)),
    (SELECT json_agg(json_build_array(
            version.id, version.number, version.semver, version.content_id, version.state,
            version.deleted_at IS NOT NULL) ORDER BY version.number)::text
        FROM registry_version version JOIN registry_subject subject ON subject.id = version.subject_id
        WHERE subject.name = %(subject)s),
    (SELECT id FROM registry_content WHERE digest = %(digest)s)
"""


def look_at(upload: Upload) -> Snapshot:
    seen, content_id = _look(upload)
    rows = tuple(_row(version) for version in json.loads(seen.versions))
    rules = rules_from(upload.subject, (Configuration(**row) for row in json.loads(seen.configured)))
    latest = next((row.pk for row in reversed(rows) if row.live), None)
    read = _read_versions([latest] if latest and not rules.importing else [])
    extras = _filled(upload, next(iter(read.values()), None), rules)
    return Snapshot(rows, rules, content_id, extras, seen, read)


# What a new schema is compared with and filled up from; the evidence, which may be long, is left out.
_READ_VERSIONS = """
SELECT version.id, version.number, version.semver, version.metadata, version.rule_set,
    content.id, content.text, content."references"
FROM registry_version version JOIN registry_content content ON content.id = version.content_id
WHERE version.id = ANY(%s)
"""


def _read_versions(keys: Sequence[int]) -> dict[int, Version]:
    if not keys:
        return {}
    with prepared.cursor() as cursor:
        cursor.execute(_READ_VERSIONS, [list(keys)])
        return {row[0]: _version(*row) for row in cursor.fetchall()}


def _version(*row: Any) -> Version:
    key, number, semver, metadata, rule_set, content_id, text, references = row
    return Version(
        pk=key,
        number=number,
        semver=semver,
        metadata=metadata and json.loads(metadata),
        rule_set=rule_set and json.loads(rule_set),
        content=Content(pk=content_id, text=text, references=json.loads(references)),
    )


def still_holds(upload: Upload, snapshot: Snapshot) -> bool:
    """Whether the subject is as it was seen; true for good only while it is locked."""
    return _look(upload)[0] == snapshot.seen


def _look(upload: Upload) -> tuple[Seen, int | None]:
    asked: dict[str, Any] = {
        "subject": upload.subject,
        "scope": scope_of(upload.subject),
        "digest": upload.digest,
    }
    with prepared.cursor() as cursor:
        cursor.execute(_LOOK, asked)
        demands, configured, versions, content_id = cursor.fetchone()
    # A subject that is not there yet asks for what a new one does.
    found = Demands(*json.loads(demands or "[]"))
    return Seen(found, configured or "[]", versions or "[]", exists=demands is not None), content_id


def _row(version: list[Any]) -> Row:
    key, number, semver, content_id, state, deleted = version
    return Row(
        key,
        number,
        SemVer.parse(semver),
        content_id,
        live=not deleted and state in _LIVE,
        draft=state == Version.State.DRAFT,
        deleted=deleted,
    )


def _filled(upload: Upload, latest: Version | None, rules: Rules) -> Extras:
    """An import keeps what it brings; everybody else inherits from the version before."""
    if rules.importing:
        return upload.extras
    before = Extras(latest.metadata, latest.rule_set).without_semver() if latest else None
    given = upload.extras.over(before) if before else upload.extras
    return given.merged(rules.default, rules.override)


def same_version(upload: Upload, snapshot: Snapshot) -> Version | None:
    """The live version that this upload would only repeat."""
    asked = snapshot.live[:1] if upload.number == LATEST else snapshot.live
    if upload.number not in (None, LATEST):
        # Asking for a number is asking for a new version, unless an import repeats itself.
        repeats = snapshot.rules.importing or upload.id is not None
        asked = [row for row in asked if repeats and row.number == upload.number]
    return _repeated(upload, snapshot, asked)


def same_draft(upload: Upload, snapshot: Snapshot) -> Version | None:
    """The draft that this upload would only repeat."""
    return _repeated(
        upload, snapshot, [row for row in reversed(snapshot.rows) if row.draft and not row.deleted]
    )


def _repeated(upload: Upload, snapshot: Snapshot, rows: Sequence[Row]) -> Version | None:
    candidates = [row for row in rows if row.content_id == snapshot.content_id]
    if upload.declared:
        candidates = [row for row in candidates if str(row.semver) == str(upload.declared)]
    found = Version.objects.select_related("subject", "content", "identity").in_bulk(
        [row.pk for row in candidates]
    )
    versions = (found[row.pk] for row in candidates if row.pk in found)
    return next((version for version in versions if _repeats(upload, version, snapshot)), None)


def _repeats(upload: Upload, version: Version, snapshot: Snapshot) -> bool:
    same_id = upload.id is None or upload.id == version.identity.number
    return same_id and upload.says_the_same(version, snapshot.extras)


def compared_versions(snapshot: Snapshot) -> list[int]:
    """The versions that the level looks at, newest first; in a group, those of the same group."""
    live, rules = snapshot.live, snapshot.rules
    if rules.level == Level.NONE or rules.importing:
        return []
    if rules.compatibility_group:
        live = of_group(live, rules.compatibility_group, snapshot.extras)
    if not rules.level.endswith("_TRANSITIVE"):
        return [row.pk for row in live[:1]]
    if rules.confluent_levels:
        return [row.pk for row in live]
    return [row.pk for row in live if row.semver.major == live[0].semver.major]


def of_group(live: list[Row], group: str, extras: Extras) -> list[Row]:
    """Those that a schema with this metadata is compared with at all."""
    wanted = properties_of(extras.metadata).get(group)
    stored = dict(Version.objects.filter(pk__in=[row.pk for row in live]).values_list("pk", "metadata"))
    return [row for row in live if properties_of(stored.get(row.pk)).get(group) == wanted]
