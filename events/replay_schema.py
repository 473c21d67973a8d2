"""The target `schema`: which of these events would a candidate schema refuse, and how."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.conf import settings

from access.actor import SYSTEM, Actor
from compat import Validator
from events import scan
from events.aliases import read_as_stored
from events.errors import ReplayInvalid
from events.models import Replay
from events.replay_targets import GONE, Due, Now, Prepared, Sent, Sink, Stored, Target, Wanted
from registry.comparison import Document
from registry.errors import InvalidSchema
from registry.lookup import find_version
from registry.models import Content, Subject
from registry.references import store_of
from registry.taxonomy_bindings import bindings_in, bound_validator, editions_of
from registry.upload import read_upload

_MOST_VIOLATIONS = 20
_MAX_MESSAGE = 300


def _prepare(actor: Actor, wanted: Wanted) -> Prepared:
    """Raises ReplayInvalid, Forbidden, SubjectNotFound, VersionNotFound, InvalidVersion, InvalidSchema."""
    if not wanted.subject or bool(wanted.version) == bool(wanted.schema):
        raise ReplayInvalid(
            "A candidate schema is a subject with one of its versions, or with the text of a new schema.",
            pointer="/subject" if not wanted.subject else "/version",
        )
    actor.require("read", wanted.subject)
    if wanted.event_types and wanted.subject not in wanted.event_types:
        raise ReplayInvalid(
            f"None of these events is of type '{wanted.subject}': nothing would be judged.",
            pointer="/subject",
        )
    if wanted.schema:
        try:
            read_upload(actor=actor, subject=wanted.subject, schema=wanted.schema)
        except InvalidSchema as wrong:
            # Within the request, not within the schema.
            wrong.facts["pointer"] = f"/schema{wrong.facts.get('pointer') or ''}"
            raise
        label = f"a candidate for {wanted.subject}"
        return Prepared(label, {"subject": wanted.subject, "schema": wanted.schema})
    version = find_version(wanted.subject, wanted.version)
    label = f"{wanted.subject} {version.semver}"
    return Prepared(label, {"subject": wanted.subject, "content_id": version.content_id})


@contextmanager
def _open(replay: Replay, now: Now) -> Iterator[Sink]:
    yield _Schema(replay.options["subject"], _validator(replay.options), now)


TARGET = Target(_prepare, _open)


def _validator(options: dict[str, Any]) -> Validator:
    """As events would be judged if it was published now. Raises ReplayInvalid when its content is no longer there."""
    if "schema" in options:
        upload = read_upload(actor=SYSTEM, subject=options["subject"], schema=options["schema"])
        document, dialect = upload.document, settings.DEFAULT_DIALECT
    else:
        content = Content.objects.filter(pk=options["content_id"]).first()
        if content is None:
            raise ReplayInvalid("The schema that the events were held against has been deleted.")
        document, dialect = Document(json.loads(content.text), store_of(content)), content.dialect
    return bound_validator(
        document.value,
        dialect=dialect,
        store=document.store,
        formats=Subject.objects.filter(name=options["subject"], assert_formats=True).exists(),
        editions=editions_of(bindings_in(document, dialect)),
    )


class _Schema:
    batch, inside, pure, reads = 500, False, True, True

    def __init__(self, subject: str, validator: Validator, now: Now) -> None:
        self._subject = subject
        self._validator = validator
        self._now = now

    def send(self, due: Sequence[Due]) -> list[Sent]:
        return [self._judge(one) for one in due]

    def _judge(self, due: Due) -> Sent:
        at = self._now()
        if due.event is None:
            return Sent(at, "missing", problem=GONE)
        if due.item.event_type != self._subject:
            return Sent(at, "other_type")
        metadata = _metadata(due.event)
        if self._validator.is_valid(metadata):
            return Sent(at, "valid")
        violations = [
            {
                "pointer": f"/metadata{one.pointer}",
                "keyword": one.keyword,
                "message": one.message[:_MAX_MESSAGE],
            }
            for one in self._validator.errors(metadata)[:_MOST_VIOLATIONS]
        ]
        return Sent(at, "invalid", problem=violations[0]["message"], details={"violations": violations})


def _metadata(event: Stored) -> Any:
    """null and absent mean the same to producers of the original envelope."""
    metadata = read_as_stored(scan.parse(event.raw), event.lints or ()).get("metadata")
    return {} if metadata is None else metadata
