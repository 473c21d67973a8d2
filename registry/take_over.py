"""Subjects of another registry, published here as an import does: ids and numbers as they were, labels computed.

In one transaction, in which alone the subject is in the mode IMPORT; nobody else sees it so.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from graphlib import CycleError, TopologicalSorter
from typing import Any

from django.db import transaction

from access.actor import Actor
from access.errors import ProductError
from registry import contexts
from registry.canonical import read_schema_text
from registry.change_state import Deprecation, change_state
from registry.config_members import MEMBERS
from registry.configure import configuration_of, rules_of, set_mode, set_rules, unset_mode
from registry.delete import delete_version
from registry.import_errors import NotRestored
from registry.import_report import Report
from registry.metadata import Extras
from registry.models import Mode, Version
from registry.publish import publish_version
from registry.references import ReferenceTo

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ForeignVersion:
    """A version as the other registry tells it, with names as they are here."""

    number: int
    id: int
    schema: str
    references: list[Json] = field(default_factory=list)
    metadata: Json | None = None
    rule_set: Json | None = None
    deleted: bool = False
    # Only registries of this product tell these.
    semver: str | None = None
    state: str = "active"
    sunset: str | None = None
    deprecation_note: str = ""

    @classmethod
    def read(cls, told: Json, number: int, *, where: Callable[[str], str], live: bool) -> "ForeignVersion":
        context = contexts.context_of(contexts.normal(str(told.get("subject", ""))))
        references = [
            {
                "name": str(use.get("name", "")),
                "subject": where(contexts.within(context, str(use.get("subject", "")))),
                "version": use.get("version"),
            }
            for use in told.get("references") or []
        ]
        state = told.get("state")
        return cls(
            number=number,
            id=told.get("id", -1),
            schema=told["schema"],
            references=references,
            metadata=told.get("metadata"),
            rule_set=told.get("ruleSet"),
            deleted=bool(told.get("deleted", not live and state != "archived")),
            semver=told.get("semver"),
            state=state or "active",
            sunset=told.get("sunset"),
            deprecation_note=told.get("deprecationNote") or "",
        )

    def as_dict(self) -> Json:
        return asdict(self)

    @property
    def hidden(self) -> bool:
        """Whether nothing new can refer to it."""
        return self.deleted or self.state == Version.State.ARCHIVED

    @property
    def digest(self) -> bytes:
        return read_schema_text(self.schema).digest(self.references)


@dataclass(frozen=True, slots=True)
class Foreign:
    """A subject of another registry, under its name here."""

    name: str
    versions: tuple[ForeignVersion, ...]
    rules: Json
    mode: str | None


def take_over(*, actor: Actor, subjects: Sequence[Foreign], report: Report) -> None:
    """All of these subjects, or none of them. Raises NotRestored with all that stands in the way, Forbidden."""
    here = Report()
    with transaction.atomic():
        reasons: list[str] = []
        missing: dict[str, list[ForeignVersion]] = {}
        for subject in subjects:
            actor.require("admin", subject.name)
            missing[subject.name] = _compare(subject, here, reasons)
        if reasons:
            raise NotRestored(reasons)
        changed = [subject for subject in subjects if missing[subject.name]]
        modes = {subject.name: _begin(actor, subject.name) for subject in changed}
        ordered = _ordered(missing)
        for name, version in ordered:
            _publish(actor, name, version, reasons)
        if reasons:
            raise NotRestored(reasons)
        for subject in changed:
            _end(actor, subject.name, modes[subject.name])
        # What refers to others goes before them: it protects them otherwise.
        for name, version in reversed(ordered):
            _enter_state(actor, name, version)
        for subject in changed:
            take_over_rules(actor=actor, subject=subject.name, rules=subject.rules, report=here)
            if subject.mode in {Mode.READONLY, Mode.READWRITE} and modes[subject.name] is None:
                set_mode(actor=actor, subject=subject.name, mode=subject.mode)
    report.merge(here)


def _compare(subject: Foreign, report: Report, reasons: list[str]) -> list[ForeignVersion]:
    """What is not here yet; what is here as something else is a reason to refuse."""
    rows = Version.objects.filter(subject__name=subject.name).select_related("content", "identity")
    present = {row.number: row for row in rows.defer("verdict", "content__text")}
    missing = []
    for version in subject.versions:
        row = present.get(version.number)
        if row is None:
            missing.append(version)
            continue
        found = _differences(subject.name, version, row)
        reasons += found
        if not found:
            report.leave("versions")
            if (row.deleted_at is not None) != version.deleted:
                words = {True: "deleted", False: "not deleted"}
                report.kept.append(
                    f"'{subject.name}' version {version.number} is {words[row.deleted_at is not None]} here and "
                    f"{words[version.deleted]} there."
                )
    if present:
        report.leave("subjects")
    elif missing:
        report.add("subjects")
    report.add("versions", len(missing))
    if missing and rules_of(subject.name).mode == Mode.READONLY:
        reasons.append(
            f"'{subject.name}' is read-only here. Set its mode to READWRITE and repeat the import."
        )
    return missing


def _differences(name: str, version: ForeignVersion, row: Version) -> list[str]:
    place = f"'{name}' version {version.number}"
    try:
        same = bytes(row.content.digest) == version.digest
    except ProductError as wrong:
        return [f"{place}: {wrong.message}"]
    if not same:
        return [f"{place} is another schema here. A published version never changes."]
    if row.identity.number != version.id:
        return [f"{place} has the id {row.identity.number} here, and {version.id} there."]
    if Extras(row.metadata, row.rule_set).plain() != Extras(version.metadata, version.rule_set).plain():
        return [f"{place} carries other metadata or rules here."]
    return []


def _begin(actor: Actor, name: str) -> str | None:
    """Into the mode IMPORT; the one that was set for the subject itself before."""
    own = configuration_of(name)
    set_mode(actor=actor, subject=name, mode=Mode.IMPORT, force=True)
    return own.mode if own else None


def _ordered(missing: dict[str, list[ForeignVersion]]) -> list[tuple[str, ForeignVersion]]:
    """What is referred to before what refers to it, and otherwise by number. Raises NotRestored."""
    nodes = {(name, version.number): version for name, versions in missing.items() for version in versions}
    needs = {
        key: [
            (use["subject"], use["version"])
            for use in version.references
            if (use["subject"], use["version"]) in nodes
        ]
        for key, version in sorted(nodes.items())
    }
    try:
        return [(key[0], nodes[key]) for key in TopologicalSorter(needs).static_order()]
    except CycleError as cycle:
        way = " → ".join(f"{name} {number}" for name, number in cycle.args[1])
        raise NotRestored([f"A cycle of references: {way}."]) from cycle


def _publish(actor: Actor, name: str, version: ForeignVersion, reasons: list[str]) -> None:
    try:
        # A savepoint: what is refused is told with all the others that are.
        with transaction.atomic():
            publish_version(
                actor=actor,
                subject=name,
                schema=version.schema,
                references=[ReferenceTo(**use) for use in version.references],
                metadata=version.metadata,
                rule_set=version.rule_set,
                semver=version.semver,
                id=version.id,
                number=version.number,
            )
    except ProductError as refusal:
        reasons.append(f"'{name}' version {version.number}: {refusal.message}")


def _end(actor: Actor, name: str, mode: str | None) -> None:
    """Out of the mode IMPORT, into the one that was set before."""
    if mode is None:
        unset_mode(actor=actor, subject=name)
    else:
        set_mode(actor=actor, subject=name, mode=mode)


def _enter_state(actor: Actor, name: str, version: ForeignVersion) -> None:
    number = str(version.number)
    if version.state in {Version.State.DEPRECATED, Version.State.ARCHIVED}:
        sunset = date.fromisoformat(version.sunset) if version.sunset else None
        past = sunset is not None and sunset < datetime.now(UTC).date()
        told = Deprecation(sunset=None if past else sunset, note=version.deprecation_note)
        deprecated, archived = Version.State.DEPRECATED, Version.State.ARCHIVED
        change_state(actor=actor, subject=name, version=number, state=deprecated, deprecation=told)
        if version.state == archived:
            change_state(actor=actor, subject=name, version=number, state=archived)
    if version.deleted:
        delete_version(actor=actor, subject=name, version=number)


def take_over_rules(*, actor: Actor, subject: str, rules: Json, report: Report) -> None:
    """What is set there, where nothing is set here."""
    given = {"compatibility": rules.get("compatibilityLevel"), **rules}
    changes = {name: given[member] for member, (name, _) in MEMBERS.items() if given.get(member) is not None}
    if not changes:
        return
    own = configuration_of(subject)
    set_here = {name: getattr(own, name) for name in changes} if own else {}
    if any(value is not None for value in set_here.values()):
        report.leave("configurations")
        differing = sorted(name for name, value in changes.items() if set_here[name] != value)
        if differing:
            report.kept.append(f"The rules of '{subject or 'everything'}' differ in {', '.join(differing)}.")
        return
    set_rules(actor=actor, subject=subject, by_wire_api=True, **changes)
    report.add("configurations")
