"""Which changes of the catalogue become events, what these say, and who may see them.

The audit log is the outbox: each of its rows was written in the transaction of the change, and the chain gives
committed rows an order without gaps. TOLD says what a row of each action becomes. A new kind of change is one line
there, and one schema in `change_schemas/` when none of the present ones fits.
"""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.urls import reverse
from semver import Version as SemVer

from access.actor import Actor, Grant, Scope
from access.models import AuditEntry
from registry.contexts import is_context, qualifier

FOLDER = Path(__file__).parent / "change_schemas"
#: The node that sends these events, and their producer.
NODE = "onex-registry"
PRODUCER = Actor(label=NODE, roles=(Grant(frozenset({"ingest"}), "registry."),))
# Ids follow from the row, so that telling it twice stores it once.
_NAMESPACE = uuid.UUID("5b1c2f0e-6a53-5d0c-9d0e-0d8f4c3c7d11")

Details = dict[str, Any]
Reading = Callable[[Details], Iterator[tuple[str, Details]]]


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the catalogue, as it is told. `subject` is "" when the whole instance changed."""

    event_id: str
    event_type: str
    schema_version: str
    subject: str
    at: datetime
    correlation_id: str
    metadata: Details

    def as_event(self) -> Details:
        """In the envelope that all events have."""
        return {
            "event_id": self.event_id,
            "timestamp": self.at.isoformat(),
            "node_id": NODE,
            "event_type": self.event_type,
            "schema_version": self.schema_version,
            "correlation_id": self.correlation_id,
            "metadata": self.metadata,
        }


def _as(event_type: str, *names: str, **fixed: str) -> Reading:
    """One event with these of the row's details, and with what the action itself says."""

    def read(details: Details) -> Iterator[tuple[str, Details]]:
        yield event_type, {name: details[name] for name in names if name in details} | fixed

    return read


def _within(event_type: str, member: str) -> Reading:
    """One event with all of the row's details in one member."""

    def read(details: Details) -> Iterator[tuple[str, Details]]:
        yield event_type, {member: details}

    return read


def _deleted(*, permanent: bool) -> Reading:
    """One event for each version, and one for the subject when nothing of it was left."""

    def read(details: Details) -> Iterator[tuple[str, Details]]:
        numbers = details.get("versions", [])
        for number, semver in zip(numbers, details.get("semvers", []), strict=False):
            yield (
                "registry.version.deleted",
                {"version": number, "semver": semver, "permanent": permanent},
            )
        if details.get("subject"):
            yield "registry.subject.deleted", {"versions": numbers, "permanent": permanent}

    return read


def _mode(details: Details) -> Iterator[tuple[str, Details]]:
    yield "registry.mode.changed", {"mode": details.get("mode")}


def _edition(details: Details) -> Iterator[tuple[str, Details]]:
    told = {"version": details.get("number"), "changes": len(details.get("changes", []))}
    yield "registry.taxonomy.published", {name: value for name, value in told.items() if value is not None}


def _restored(details: Details) -> Iterator[tuple[str, Details]]:
    """What came out of an archive and can be seen, as if it was published now."""
    for version in details.get("restored", []):
        if not version.get("hidden"):
            yield "registry.version.published", {name: version[name] for name in ("version", "semver", "id")}


def _restored_editions(details: Details) -> Iterator[tuple[str, Details]]:
    for edition in details.get("editions", []):
        yield "registry.taxonomy.published", {"version": edition["number"], "semver": edition["semver"]}


def _approval(state: str) -> Reading:
    return _as("registry.approval.changed", "approval", "version", "semver", "reason", state=state)


_STATE = _as("registry.version.state_changed", "version", "semver", "state", "sunset", "replaced_by", "note")
_MIGRATION = _as("registry.migration.changed", "migration", "from", "to", "state")
_CONFIG = _within("registry.config.changed", "config")

#: What a row of the audit log becomes, by its action. Rows of other actions are told to nobody.
TOLD: dict[str, Reading] = {
    "version.published": _as(
        "registry.version.published", "version", "semver", "id", "bump", "status", "level", "policy"
    ),
    "version.drafted": _as("registry.version.state_changed", "version", "semver", state="draft"),
    "version.deprecated": _STATE,
    "version.reinstated": _STATE,
    "version.archived": _STATE,
    "version.restored": _STATE,
    "version.sunset_notice": _as("registry.version.sunset_notice", "version", "semver", "sunset", "days"),
    "approval.requested": _approval("pending"),
    "approval.approved": _approval("approved"),
    "approval.rejected": _approval("rejected"),
    "migration.registered": _MIGRATION,
    "migration.approved": _MIGRATION,
    "migration.retired": _MIGRATION,
    "version.deleted": _deleted(permanent=False),
    "version.deleted_permanently": _deleted(permanent=True),
    "subject.edited": _within("registry.subject.changed", "changed"),
    "rules.set": _CONFIG,
    "rules.unset": _CONFIG,
    "mode.set": _mode,
    "mode.unset": _mode,
    "context.deleted": _as("registry.context.deleted"),
    "taxonomy.published": _edition,
    "subject.restored": _restored,
    "taxonomy.restored": _restored_editions,
}


@cache
def schema_files() -> dict[str, dict[str, Path]]:
    """Event type → SemVer → file, the oldest version first."""
    found: dict[str, dict[str, Path]] = {}
    for file in sorted(FOLDER.glob("*.json"), key=lambda file: SemVer.parse(file.stem.partition("-")[2])):
        event_type, _, label = file.stem.partition("-")
        found.setdefault(event_type, {})[label] = file
    return found


#: The types of these events, which nobody but the product sends.
EVENT_TYPES = frozenset(schema_files())


def changes_of(entry: AuditEntry) -> list[Change]:
    """What a row of the audit log is told as; nothing for most of them."""
    read = TOLD.get(entry.action)
    if read is None:
        return []
    details = dict(entry.details)
    correlation_id = str(details.pop("correlation_id", f"change-{entry.pk}"))
    subject, of_target = _target(entry)
    return [
        Change(
            event_id=str(uuid.uuid5(_NAMESPACE, f"{entry.pk}/{index}")),
            event_type=event_type,
            schema_version=list(schema_files()[event_type])[-1],
            subject=subject,
            at=entry.at,
            correlation_id=correlation_id,
            metadata={
                **({"subject": subject} if subject else {}),
                # Not the name of a token, which is its owner's affair.
                "actor": entry.actor.partition("/")[0],
                "links": _links(event_type, subject, facts),
                **of_target,
                **facts,
            },
        )
        for index, (event_type, facts) in enumerate(read(details))
    ]


def _target(entry: AuditEntry) -> tuple[str, Details]:
    """The name of what changed, and what else the target says; taxonomies are written as `name 1.2.0`."""
    if entry.action == "taxonomy.published":
        name, _, semver = entry.target.rpartition(" ")
        return name, {"semver": semver}
    if entry.action == "taxonomy.restored":
        return entry.target, {}
    kind, _, name = entry.target.partition("/")
    if kind == "context":
        return qualifier(name), {}
    return (name if kind == "subject" else ""), {}


def _links(event_type: str, subject: str, facts: Details) -> dict[str, str]:
    if event_type == "registry.context.deleted":
        return {"api": f"{settings.PUBLIC_URL}/api/v1/contexts"}
    if not subject or is_context(subject):
        return {"api": f"{settings.PUBLIC_URL}/api/v1/config/{quote(subject, safe='')}".rstrip("/")}
    if "approval" in facts:
        page, api = reverse("approval", args=[facts["approval"]]), f"/api/v1/approvals/{facts['approval']}"
    elif event_type == "registry.taxonomy.published":
        page, api = (
            reverse("taxonomy", args=[subject]),
            f"/api/v1/taxonomies/{quote(subject, safe='')}/versions",
        )
    elif "migration" in facts:
        page = reverse("migrations", args=[subject])
        api = f"/api/v1/subjects/{quote(subject, safe='')}/migrations/{facts['migration']}"
    else:
        page, api = reverse("subject", args=[subject]), f"/api/v1/subjects/{quote(subject, safe='')}/versions"
        if "version" in facts and not facts.get("permanent"):
            page = reverse("version", args=[subject, facts["version"]])
            api = f"{api}/{facts['version']}"
            # Drafts and archived versions are found there only.
            api += "/state" if event_type == "registry.version.state_changed" else ""
    return {"page": settings.PUBLIC_URL + page, "api": settings.PUBLIC_URL + api}


def may(actor: Actor, scope: Scope, event_type: str) -> bool:
    """Whether `scope` is held for all events of a type. Those of the product tell of every subject there is."""
    return actor.may(scope, "" if event_type in EVENT_TYPES else event_type)


def require(actor: Actor, scope: Scope, event_type: str) -> None:
    """Raises Forbidden unless `may(actor, scope, event_type)`."""
    if event_type in EVENT_TYPES:
        actor.require_everywhere(scope)
    else:
        actor.require(scope, event_type)


def may_send(actor: Actor, event_type: str) -> bool:
    """Whether events of this type are taken from the actor. The product's own nobody else may invent."""
    return actor.may("ingest", event_type) and (event_type not in EVENT_TYPES or actor is PRODUCER)
