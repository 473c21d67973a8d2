"""Migrations between versions in an archive: how they are written there, and how they are put back."""

from typing import Any

from access import audit
from access.actor import Actor
from registry.errors import InvalidMigration
from registry.import_report import Report
from registry.migration_steps import read_program, steps_as_text
from registry.models import Version, VersionMigration
from registry.restore_content import Source, moment

Json = dict[str, Any]


def migration_as_json(row: VersionMigration) -> Json:
    """Versions by their numbers; `down` may hold no steps, which is not the same as none."""
    told = {
        "number": row.number,
        "from": row.source.number,
        "to": row.target.number,
        "state": row.state,
        "up": row.up,
        "down": row.down,
        "evidence": row.evidence,
        "note": row.note,
        "created_by": row.created_by,
        "created_at": row.created_at.isoformat(),
        "decided_by": row.decided_by,
        "decided_at": row.decided_at.isoformat() if row.decided_at else None,
    }
    return {name: value for name, value in told.items() if value not in (None, "")}


def restore_migrations(*, actor: Actor, subject: str, source: Source, report: Report) -> list[str]:
    """Adds what is not here, as it was and without trying it again. What stands in the way.

    Within the caller's transaction, after the versions of the subject came in.
    """
    here = {row.number: row for row in VersionMigration.objects.of(subject)}
    reasons: list[str] = []
    for told in source.migrations(subject):
        row = here.get(told["number"])
        reasons += _add(actor, subject, told, report) if row is None else _compare(subject, told, row, report)
    return reasons


def _compare(subject: str, told: Json, row: VersionMigration, report: Report) -> list[str]:
    place = f"'{subject}' migration {row.number}"
    same_ends = (row.source.number, row.target.number) == (told["from"], told["to"])
    if not same_ends or steps_as_text([row.up, row.down]) != steps_as_text([told["up"], told.get("down")]):
        return [f"{place} is another one here. A migration never changes."]
    report.leave("migrations")
    if row.state != told["state"]:
        report.kept.append(f"{place}: it is {row.state} here and {told['state']} there.")
    return []


def _add(actor: Actor, subject: str, told: Json, report: Report) -> list[str]:
    place = f"'{subject}' migration {told['number']}"
    versions = Version.objects.filter(subject__name=subject, number__in=[told["from"], told["to"]])
    ends = {version.number: version for version in versions.select_related("subject")}
    if ends.keys() != {told["from"], told["to"]} or len(ends) != 2:
        return [f"{place} leads from version {told['from']} to {told['to']}, which are not both here."]
    source, target = ends[told["from"]], ends[told["to"]]
    if reasons := _clashes(place, told, source, target):
        return reasons
    row = _stored(told, source, target)
    report.add("migrations")
    if row.state != VersionMigration.State.RETIRED:
        audit.record(
            actor=actor,
            action="migration.registered",
            target=f"subject/{subject}",
            details={
                "migration": row.number,
                "from": source.semver,
                "to": target.semver,
                "state": row.state,
            },
        )
    return []


def _clashes(place: str, told: Json, source: Version, target: Version) -> list[str]:
    """Why it cannot be let in."""
    try:
        for member in ("up", "down"):
            if told.get(member) is not None:
                read_program(told[member], member=member)
    except InvalidMigration as wrong:
        return [f"{place}: {wrong.message}"]
    rival = VersionMigration.objects.filter(source=source, target=target, state=told["state"])
    if told["state"] != VersionMigration.State.RETIRED and (taken := rival.first()) is not None:
        return [
            f"{place} is {told['state']}, and so is migration {taken.number} here, which leads the same way."
        ]
    return []


def _stored(told: Json, source: Version, target: Version) -> VersionMigration:
    return VersionMigration.objects.create(
        subject=source.subject,
        number=told["number"],
        source=source,
        target=target,
        state=told["state"],
        up=told["up"],
        down=told.get("down"),
        evidence=told.get("evidence", []),
        note=told.get("note", ""),
        created_by=told["created_by"],
        created_at=moment(told["created_at"]),
        decided_by=told.get("decided_by", ""),
        decided_at=moment(told["decided_at"]) if told.get("decided_at") else None,
    )
