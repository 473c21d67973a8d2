"""Questions about a schema that change nothing: is it there already, would it be compatible?"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Unpack

from access.actor import Actor
from registry.assess import assess
from registry.errors import SchemaNotFound, SubjectNotFound, VersionNotFound
from registry.judge import Judgement, Pair, Verdicts
from registry.lookup import LATEST, find_subject, find_version, parse_number, versions_of
from registry.models import Level, Version
from registry.references import inlined, store_of
from registry.snapshot import Snapshot, compared_versions, look_at, of_group
from registry.upload import Asked, Upload, read_upload


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
    against = None if version is None else _of_its_group(snapshot, _chosen(upload.subject, version))
    verdicts = Verdicts(upload.document, snapshot.rules, snapshot.demands)
    return assess(upload, snapshot, verdicts, against=against)


@dataclass(frozen=True, slots=True)
class Overview:
    """A schema beside the live versions of its subject, newest first, by the subject's rules."""

    pairs: tuple[Pair, ...] = ()
    # Numbers of the versions that the level looks at: what the others say refuses nothing.
    deciding: frozenset[int] = frozenset()
    # Older versions that there was no time for.
    left_out: int = 0


def beside_all(*, actor: Actor, subject: str, seconds: float, **asked: Unpack[Asked]) -> Overview:
    """The verdicts against every live version, as far as they are found in that time.

    Raises Forbidden and what `read_upload` does.
    """
    actor.require("read", subject)
    ends = time.monotonic() + seconds
    upload = read_upload(actor=actor, subject=subject, **asked)
    snapshot = look_at(upload)
    verdicts = Verdicts(upload.document, snapshot.rules, snapshot.demands)
    pairs: list[Pair] = []
    for row in snapshot.live:
        if time.monotonic() > ends:
            break
        pairs += verdicts.against(snapshot.older([row.pk]))
    deciding = {old.number for old in snapshot.older(compared_versions(snapshot))}
    compared = len(snapshot.live) if snapshot.rules.level == Level.NONE else len(pairs)
    return Overview(tuple(pairs), frozenset(deciding), len(snapshot.live) - compared)


def _of_its_group(snapshot: Snapshot, chosen: Sequence[int]) -> Sequence[int]:
    group = snapshot.rules.compatibility_group
    if not group:
        return chosen
    return [row.pk for row in of_group(snapshot.live, group, snapshot.extras) if row.pk in chosen]


def _chosen(subject: str, version: str) -> Sequence[int]:
    try:
        return [find_version(subject, version).pk]
    except SubjectNotFound as unknown:
        if parse_number(version) == LATEST:
            return []
        raise VersionNotFound(version, subject=subject) from unknown
