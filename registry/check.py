"""Questions about a schema that change nothing: is it there already, would it be compatible?"""

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

from access.actor import Actor
from registry.assess import assess
from registry.errors import SchemaNotFound, SubjectNotFound, VersionNotFound
from registry.judge import Judgement, Verdicts
from registry.lookup import LATEST, find_subject, find_version, parse_number, versions_of
from registry.models import Version
from registry.references import inlined, store_of
from registry.snapshot import look_at
from registry.upload import Upload


def find_same(*, actor: Actor, upload: Upload, deleted: bool = False) -> Version:
    """The newest version under the upload's subject that is this very schema.

    A schema that was sent with everything it refers to inside is the one that refers to it.
    Raises Forbidden, SubjectNotFound, or SchemaNotFound when the subject exists and has no such version.
    """
    actor.require("read", upload.subject)
    subject = find_subject(upload.subject, deleted=deleted)
    filled = look_at(upload).extras
    versions = (
        versions_of(subject, deleted=deleted).select_related("subject", "content", "identity").reverse()
    )
    same = versions.filter(content__digest=upload.digest)
    candidates = chain(same, (version for version in versions if _inlined_is(version, upload)))
    found = next((version for version in candidates if upload.says_the_same(version, filled)), None)
    if found is None:
        raise SchemaNotFound.under(upload.subject)
    return found


def _inlined_is(version: Version, upload: Upload) -> bool:
    if upload.resolved.targets or not version.content.references:
        return False
    whole = inlined(json.loads(version.content.text), store_of(version.content))
    return json.dumps(whole, sort_keys=True) == json.dumps(upload.document.value, sort_keys=True)


def judge_against(*, actor: Actor, upload: Upload, version: str | None = None) -> Judgement:
    """The judgement by the subject's rules: against one version, or against those that the level names.

    The latest version of an unknown subject is compatible with everything. Raises Forbidden, VersionNotFound,
    InvalidVersion, InvalidReference.
    """
    actor.require("read", upload.subject)
    upload.resolved.require_live()
    # A label is a promise about a publication, and this is none.
    upload = replace(upload, declared=None)
    snapshot = look_at(upload)
    against = None if version is None else _chosen(upload.subject, version)
    verdicts = Verdicts(upload.document, snapshot.rules, snapshot.demands)
    return assess(upload, snapshot, verdicts, against=against)


def _chosen(subject: str, version: str) -> Sequence[int]:
    try:
        return [find_version(subject, version).pk]
    except SubjectNotFound as unknown:
        if parse_number(version) == LATEST:
            return []
        raise VersionNotFound(version, subject=subject) from unknown
