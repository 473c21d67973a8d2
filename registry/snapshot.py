"""A subject at one moment: what an upload is judged against, and what must still hold when it is stored."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from semver import Version as SemVer

from registry.configure import Rules, rules_of
from registry.demands import Demands
from registry.judge import Older
from registry.lookup import LATEST
from registry.metadata import Extras, properties_of
from registry.models import Content, Level, Subject, Version
from registry.upload import Upload


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
class Snapshot:
    """A subject at one moment."""

    rows: tuple[Row, ...]
    rules: Rules
    content_id: int | None
    # What the request's metadata and rules are filled up to, from the latest version and the subject's rules.
    extras: Extras
    demands: Demands
    _older: dict[int, Older] = field(default_factory=dict, compare=False)

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
        unknown = [key for key in keys if key not in self._older]
        found = Version.objects.select_related("content").in_bulk(unknown) if unknown else {}
        self._older.update((key, Older.of(version)) for key, version in found.items())
        return tuple(self._older[key] for key in keys if key in self._older)


def look_at(upload: Upload) -> Snapshot:
    # The rows first: a version that came in between is then missing in them, which storing notices. The other way
    # round its schema would seem to be new while its row is there, and be published once more.
    rows, rules = rows_of(upload.subject), rules_of(upload.subject)
    content = Content.objects.filter(digest=upload.digest).values_list("pk", flat=True).first()
    demands = Demands.of(Subject.objects.filter(name=upload.subject).first())
    return Snapshot(rows, rules, content, _filled(upload, rows, rules), demands)


def _filled(upload: Upload, rows: Sequence[Row], rules: Rules) -> Extras:
    """An import keeps what it brings; everybody else inherits from the version before."""
    if rules.importing:
        return upload.extras
    latest = next((row.pk for row in reversed(rows) if row.live), None)
    before = Version.objects.filter(pk=latest).values_list("metadata", "rule_set").first() if latest else None
    given = upload.extras.over(Extras(*before).without_semver()) if before else upload.extras
    return given.merged(rules.default, rules.override)


def rows_of(subject: str) -> tuple[Row, ...]:
    listed = Version.objects.filter(subject__name=subject).order_by("number")
    live = {Version.State.ACTIVE, Version.State.DEPRECATED}
    return tuple(
        Row(
            pk,
            number,
            SemVer.parse(semver),
            content_id,
            live=deleted_at is None and state in live,
            draft=state == Version.State.DRAFT,
            deleted=deleted_at is not None,
        )
        for pk, number, semver, content_id, deleted_at, state in listed.values_list(
            "pk", "number", "semver", "content_id", "deleted_at", "state"
        )
    )


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
        live = _of_group(live, rules.compatibility_group, snapshot.extras)
    if not rules.level.endswith("_TRANSITIVE"):
        return [row.pk for row in live[:1]]
    if rules.confluent_levels:
        return [row.pk for row in live]
    return [row.pk for row in live if row.semver.major == live[0].semver.major]


def _of_group(live: list[Row], group: str, extras: Extras) -> list[Row]:
    wanted = properties_of(extras.metadata).get(group)
    stored = dict(Version.objects.filter(pk__in=[row.pk for row in live]).values_list("pk", "metadata"))
    return [row for row in live if properties_of(stored.get(row.pk)).get(group) == wanted]
