"""A version's way: draft → active → deprecated → archived, and the steps back that undo one.

A draft and an archived version are outside of `latest`, listings, compatibility and the judging of events; both stay
fetchable by id. A deprecated one is inside everything, and says so.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from django.db import transaction

from access import audit
from access.actor import Actor
from access.errors import Forbidden, ProductError
from registry.configure import rules_of
from registry.errors import (
    InvalidDeprecation,
    InvalidTransition,
    InvalidVersion,
    SubjectNotFound,
    VersionNotFound,
)
from registry.lookup import LATEST, find_version, parse_number
from registry.models import Subject, Version
from registry.publish import activate_draft
from registry.ranges import parse_semver

State = Version.State

#: Every step there is, with what the audit log calls it.
TRANSITIONS: dict[tuple[str, str], str] = {
    (State.DRAFT, State.ACTIVE): "version.activated",
    (State.ACTIVE, State.DEPRECATED): "version.deprecated",
    # Another sunset, successor or note.
    (State.DEPRECATED, State.DEPRECATED): "version.deprecated",
    (State.DEPRECATED, State.ACTIVE): "version.reinstated",
    (State.DEPRECATED, State.ARCHIVED): "version.archived",
    (State.ARCHIVED, State.DEPRECATED): "version.restored",
}


@dataclass(frozen=True, slots=True)
class Deprecation:
    """Until when a version can be relied on, what takes its place, and why."""

    sunset: date | None = None
    # A number or exact SemVer, of the same subject unless another is named; "" is none.
    replaced_by: str = ""
    replaced_by_subject: str = ""
    note: str = ""


def next_states(version: Version) -> list[str]:
    """What a version can become now."""
    if version.deleted_at is not None:
        return []
    return [to for present, to in TRANSITIONS if present == version.state]


def change_state(
    *, actor: Actor, subject: str, version: str, state: str, deprecation: Deprecation | None = None
) -> Version:
    """`deprecation` counts for the state deprecated; without it, what was said before stays.

    `version` is `latest`, a number or an exact SemVer, never a range, which would choose for the caller.
    Raises Forbidden, ReadOnly, SubjectNotFound, VersionNotFound, InvalidVersion, InvalidTransition,
    InvalidDeprecation; for a draft that is to become active also what `activate_draft` raises.
    """
    actor.require("write", subject)
    if parse_number(version) is None and parse_semver(version) is None:
        raise InvalidVersion(version)
    found = _wanted(subject, version)
    _check_step(found, state)
    if found.state == State.DRAFT:
        activated = activate_draft(actor=actor, draft=found).version
        assert activated is not None
        return activated
    with transaction.atomic():
        # Of two people who change a state at once, the second sees what the first made of it.
        if Subject.objects.select_for_update().filter(name=subject).first() is None:
            raise SubjectNotFound(subject)
        rules_of(subject).require_writable(subject)
        found = Version.objects.select_related("subject", "content", "identity").get(pk=found.pk)
        action = _check_step(found, state)
        _enter(actor, found, state, deprecation)
        audit.record(actor=actor, action=action, target=f"subject/{subject}", details=_told(found))
    return found


def _wanted(subject: str, version: str) -> Version:
    """A live version before a hidden one of the same label: a draft may propose what was published meanwhile."""
    try:
        return find_version(subject, version)
    except (SubjectNotFound, VersionNotFound):
        if parse_number(version) == LATEST:
            raise
        return find_version(subject, version, deleted=True)


def _check_step(version: Version, state: str) -> str:
    """The step's name. Raises InvalidTransition."""
    if version.deleted_at is not None or (version.state, state) not in TRANSITIONS:
        raise InvalidTransition(
            version.state, state, deleted=version.deleted_at is not None, allowed=next_states(version)
        )
    return TRANSITIONS[version.state, State(state)]


def _enter(actor: Actor, version: Version, state: str, deprecation: Deprecation | None) -> None:
    if state == State.ACTIVE:
        version.deprecated_at = version.sunset = version.replaced_by = None
        version.deprecation_note = ""
    elif state == State.DEPRECATED:
        version.deprecated_at = version.deprecated_at or datetime.now(UTC)
        if deprecation is not None:
            version.sunset = _possible_sunset(version, deprecation.sunset)
            version.replaced_by = _successor(actor, version, deprecation)
            version.deprecation_note = deprecation.note
    version.state = State(state)
    version.save(update_fields=["state", "deprecated_at", "sunset", "replaced_by", "deprecation_note"])


def _possible_sunset(version: Version, sunset: date | None) -> date | None:
    if sunset is not None and sunset != version.sunset and sunset < datetime.now(UTC).date():
        raise InvalidDeprecation(
            f"{sunset} is over. A sunset is today or later: until then readers can rely on the version.",
            pointer="/sunset",
        )
    return sunset


def _successor(actor: Actor, version: Version, deprecation: Deprecation) -> Version | None:
    if not deprecation.replaced_by:
        return None
    subject = deprecation.replaced_by_subject or version.subject.name
    try:
        actor.require("read", subject)
        found = find_version(subject, deprecation.replaced_by)
    except Forbidden:
        raise
    except ProductError as missing:
        raise InvalidDeprecation(
            f"What replaces it has to be a live version: {missing.message}", pointer="/replaced_by"
        ) from missing
    if found.pk == version.pk:
        raise InvalidDeprecation("A version cannot replace itself.", pointer="/replaced_by")
    return found


def _told(version: Version) -> dict[str, object]:
    told: dict[str, object] = {"version": version.number, "semver": version.semver, "state": version.state}
    if version.state == State.DEPRECATED:
        told |= {
            "sunset": version.sunset.isoformat() if version.sunset else None,
            "replaced_by": str(version.replaced_by) if version.replaced_by else None,
            "note": version.deprecation_note,
        }
    return told
