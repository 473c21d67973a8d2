"""The judgement on an upload as it stands: verdicts against older versions, and the label it would get."""

from collections.abc import Sequence

from django.conf import settings

from compat import Bump, SchemaError, bump
from registry.errors import VersionTaken
from registry.judge import Document, Judgement, Verdicts, World, world_of
from registry.references import apart
from registry.snapshot import Snapshot, compared_versions, older_versions
from registry.upload import Upload
from registry.versioning import Label, label_for


def assess(
    upload: Upload, snapshot: Snapshot, verdicts: Verdicts, *, against: Sequence[int] | None = None
) -> Judgement:
    """Compares with the versions that the level names, or with those `against` names by key.

    Raises VersionTooLow, VersionTaken.
    """
    rules = snapshot.rules
    pairs = verdicts.against(older_versions(compared_versions(snapshot) if against is None else against))
    return Judgement(rules.level, rules.policy, pairs, _label(upload, snapshot))


def _label(upload: Upload, snapshot: Snapshot) -> Label:
    live = snapshot.live
    _refuse_taken(upload, snapshot)
    latest = older_versions([live[0].pk])[0] if live else None
    required = None
    if latest is not None:
        required = _required(latest.document, upload.document, world_of(snapshot.rules.policy))
    return label_for(
        declared=upload.declared,
        required=required,
        latest=live[0].semver if live else None,
        labels=[row.semver for row in snapshot.rows],
    )


def _required(old: Document, new: Document, world: World) -> Bump:
    value, store = apart(old.value, old.store, new.store)
    try:
        return bump(
            value, new.value, world=world, dialect=settings.DEFAULT_DIALECT, store={**store, **new.store}
        )
    except SchemaError as unreadable:
        return Bump("major", f"the version before can no longer be read: {unreadable}")


def _refuse_taken(upload: Upload, snapshot: Snapshot) -> None:
    for row in snapshot.live:
        if upload.declared is not None and str(row.semver) == str(upload.declared):
            raise VersionTaken(upload.subject, str(upload.declared), row.number)
