"""Which schema judges an event: subjects as a batch needs them, cached until the catalogue changes."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from threading import Lock
from typing import Literal

import jiter
from semver import Version as SemVer

from access import prepared
from access.models import SigningKey
from compat import SchemaError, Validator
from events.aliases import Alias, aliases_for
from events.policies import Policy
from events.signatures import KeyOf
from registry.errors import InvalidReference
from registry.models import Content, Version
from registry.ranges import parse_semver
from registry.references import store_of
from registry.taxonomy_bindings import (
    Bound,
    Editions,
    bound_validator,
    editions_of,
)

log = logging.getLogger(__name__)

ENVELOPE = "onex.envelope"
# Event types come from outside; a flood of invented ones must not fill the memory.
_MAX_KNOWN = 20_000
#: Of the catalogue, raised by triggers.
REVISION = "SELECT coalesce(sum(number), 0)::bigint FROM events_cataloguerevision"

Problem = dict[str, str]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A live version of a subject."""

    semver: SemVer
    number: int
    content_id: int
    deprecated: bool
    bindings: tuple[Bound, ...]


@dataclass(frozen=True, slots=True)
class Intake:
    """How a subject takes its events, beside what its schemas say."""

    strict: bool = False
    # Of an event whose version is not there; "" = as the instance says.
    unknown_version: Policy | Literal[""] = ""
    max_bytes: int | None = None
    max_depth: int | None = None
    # "" = the schemas judge.
    profile: str = ""
    rename_aliases: bool = False
    # "" = nobody looks.
    signatures: str = ""
    sensitive_in_clear: str = ""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What judges the events of one type that carry one schema_version label."""

    # The SemVer that was applied, "" when there is none.
    label: str
    content_id: int | None
    validator: Validator | None
    intake: Intake
    # Why there is no validator: "unknown_event_type", "unknown_schema_version", "unusable_schema", or "".
    reason: str = ""
    lints: tuple[str, ...] = ()
    # Whether some of its strings have to be codes of a taxonomy.
    bound: bool = False
    # Names that producers are known to use for fields which the schema declares under another.
    aliases: tuple[Alias, ...] = ()


@dataclass(slots=True)
class Subject:
    """What a subject's live versions say about events, with the rulings given so far by label."""

    name: str
    intake: Intake
    version_when_absent: str
    assert_formats: bool
    candidates: tuple[Candidate, ...]
    rulings: dict[str, Ruling] = field(default_factory=dict)

    def ruling(self, label: str) -> Ruling:
        found = self.rulings.get(label)
        if found is None:
            if len(self.rulings) > 1_000:
                self.rulings.clear()
            found = self.rulings[label] = self._rule(label)
        return found

    def _rule(self, label: str) -> Ruling:
        if self.intake.profile:
            # No version judged, so none is named; the original knew none.
            return Ruling("", None, None, self.intake, lints=(f"judged_by:{self.intake.profile}",))
        chosen, lints = self.choose(label or self.version_when_absent)
        if chosen is None:
            return Ruling("", None, None, self.intake, reason="unknown_schema_version")
        editions = editions_of(chosen.bindings)
        validator = _validator_of(
            chosen.content_id,
            editions,
            assert_formats=self.assert_formats,
            refuse_clear=self.intake.sensitive_in_clear != "",
        )
        if editions.unresolved:
            lints = (*lints, "unresolved_taxonomy")
        return Ruling(
            label=str(chosen.semver),
            content_id=chosen.content_id if validator else None,
            validator=validator,
            intake=self.intake,
            reason="" if validator else "unusable_schema",
            lints=(*lints, "deprecated_version") if chosen.deprecated else lints,
            bound=bool(editions.keys),
            aliases=_aliases_of(chosen.content_id),
        )

    def choose(self, label: str) -> tuple[Candidate | None, tuple[str, ...]]:
        """The version of exactly this SemVer, else the highest live one of its major, with what is to be told."""
        if label == "latest":
            return max(self.candidates, key=lambda c: c.number, default=None), ()
        wanted = parse_semver(label)
        if wanted is None:
            return None, ()
        for candidate in self.candidates:
            if candidate.semver == wanted:
                return candidate, ()
        same_major = [c for c in self.candidates if c.semver.major == wanted.major]
        return max(same_major, key=lambda c: c.semver, default=None), ("other_version_of_major",)


class Catalogue:
    """The subjects as they were at one revision. Loaded as event types turn up; shared by the threads of a process."""

    def __init__(self, revision: int) -> None:
        self.revision = revision
        self._subjects: dict[str, Subject | None] = {}
        self._signing_keys: dict[str, SigningKey | None] = {}

    def signing_key(self, kid: str) -> SigningKey | None:
        """Asked of the database once for a revision, which every change of a key raises."""
        if kid not in self._signing_keys:
            if len(self._signing_keys) > _MAX_KNOWN:
                self._signing_keys.clear()
            self._signing_keys[kid] = SigningKey.objects.filter(kid=kid).first()
        return self._signing_keys.get(kid)

    def rulings_for(self, event_types: Iterable[str]) -> "Rulings":
        """What judges events of these types; subjects not known yet are read in one query."""
        names = {*event_types, ENVELOPE}
        known = self._subjects
        missing = names - known.keys()
        if missing:
            found = _subjects(missing)
            if len(known) > _MAX_KNOWN:
                known = {name: known[name] for name in names - missing}
            # Swapped, not changed: other threads go on with the one they have.
            self._subjects = known = {**known, **{name: found.get(name) for name in missing}}
        return Rulings({name: known[name] for name in names}, self.signing_key)


class Rulings:
    """The subjects of one batch."""

    def __init__(self, subjects: dict[str, Subject | None], signing_key: KeyOf) -> None:
        self._subjects = subjects
        self.signing_key = signing_key

    def of(self, event_type: str, label: str) -> Ruling:
        subject = self._subjects[event_type]
        return _NO_SUBJECT if subject is None else subject.ruling(label)

    def of_envelope(self, label: str) -> Ruling | None:
        """The envelope's schema for an event with this label; None when the catalogue has no envelope."""
        subject = self._subjects[ENVELOPE]
        if subject is None:
            return None
        ruling = subject.ruling(label)
        return subject.ruling("latest") if ruling.validator is None else ruling


_NO_SUBJECT = Ruling("", None, None, Intake(), reason="unknown_event_type")
_current = Catalogue(revision=-1)
_swap = Lock()


def current_catalogue() -> Catalogue:
    """The catalogue as of now: one read tells whether any process changed a subject or version since the last."""
    global _current  # noqa: PLW0603 -- one cache per process, swapped whole
    # Every request asks; made by the ORM, the question takes ten times as long as its answer.
    with prepared.cursor() as cursor:
        cursor.execute(REVISION)
        (revision,) = cursor.fetchone()
    with _swap:
        if _current.revision != revision:
            _current = Catalogue(revision)
        return _current


def last_catalogue() -> Catalogue:
    """The catalogue as this process saw it last, without asking."""
    return _current


def forget() -> None:
    """Begins anew in this process, as after a rollback of committed revisions: restores and tests need it."""
    global _current  # noqa: PLW0603 -- one cache per process, swapped whole
    with _swap:
        _current = Catalogue(revision=-1)


def _subjects(names: set[str]) -> dict[str, Subject]:
    versions = (
        Version.objects.live()
        .filter(subject__name__in=names)
        .order_by("number")
        .values_list(
            "semver",
            "number",
            "content_id",
            "state",
            "content__bindings",
            "subject__name",
            "subject__version_when_absent",
            "subject__assert_formats",
            "subject__strict",
            "subject__unknown_schema_version",
            "subject__max_event_bytes",
            "subject__max_event_depth",
            "subject__event_profile",
            "subject__rename_aliases",
            "subject__signatures",
            "subject__sensitive_in_clear",
        )
    )
    found: dict[str, tuple[Intake, str, bool]] = {}
    candidates: dict[str, list[Candidate]] = {}
    for semver, number, content_id, state, bindings, name, when_absent, formats, *intake in versions:
        # The columns are in the order of its fields.
        found[name] = (Intake(*intake), when_absent, formats)  # type: ignore[arg-type]
        candidates.setdefault(name, []).append(
            Candidate(
                SemVer.parse(semver),
                number,
                content_id,
                state == Version.State.DEPRECATED,
                tuple(Bound.of(stored) for stored in bindings),
            )
        )
    # Highest number first: a label given twice means its later content.
    return {name: Subject(name, *found[name], tuple(reversed(candidates[name]))) for name in found}


# Compiled schemas by content, with the editions they ask: kept until a later edition of a taxonomy judges instead.
_validators: dict[tuple[int, bool, bool], tuple[Editions, Validator | None]] = {}


def _validator_of(
    content_id: int, editions: Editions, *, assert_formats: bool, refuse_clear: bool
) -> Validator | None:
    """The compiled schema of a content; None when it does not compile."""
    key = (content_id, assert_formats, refuse_clear)
    if key not in _validators or _validators[key][0] != editions:
        compiled = _compiled(content_id, editions, assert_formats=assert_formats, refuse_clear=refuse_clear)
        _validators[key] = (editions, compiled)
    return _validators[key][1]


@cache
def _aliases_of(content_id: int) -> tuple[Alias, ...]:
    """Of the fields that the schema declares for the whole of `metadata`; contents never change."""
    schema = jiter.from_json(Content.objects.get(pk=content_id).text.encode())
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return aliases_for(properties) if isinstance(properties, dict) else ()


def _compiled(
    content_id: int, editions: Editions, *, assert_formats: bool, refuse_clear: bool
) -> Validator | None:
    content = Content.objects.get(pk=content_id)
    try:
        return bound_validator(
            jiter.from_json(content.text.encode()),
            dialect=content.dialect,
            store=store_of(content),
            formats=assert_formats,
            editions=editions,
            refuse_clear=refuse_clear,
        )
    except (SchemaError, InvalidReference):
        log.exception(
            "Schema %s does not compile; events of its versions are treated as of unknown version", content_id
        )
        return None
