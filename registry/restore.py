"""Subjects put back as they were elsewhere: the same ids, numbers, labels, states, evidence and times.

Nothing is judged again, nothing that is here is overwritten. What a version is (schema, id, label, metadata, rules)
has to be the same where its number is taken; what people said about it later stays as it is here, and is told.
"""

from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction

from access import audit
from access.actor import Actor
from access.errors import ProductError
from registry import contexts
from registry.archived_migrations import restore_migrations
from registry.canonical import read_schema_text
from registry.comparison import Document
from registry.configure import rules_of
from registry.identify import restored_id, step_over
from registry.import_errors import NotRestored
from registry.import_report import Report, joined
from registry.index import index_version
from registry.keep_contexts import remember_context
from registry.models import Content, Reference, SchemaId, Subject, Version
from registry.names import check_subject_name
from registry.ranges import parse_semver
from registry.references import store_of
from registry.restore_content import Catalogue, moment, restored_content
from registry.restore_rules import add_rules
from registry.signals import version_published
from registry.upload import dialect_and_notes

Json = dict[str, Any]
State = Version.State


def restore_subjects(*, actor: Actor, names: Sequence[str], catalogue: Catalogue, report: Report) -> None:
    """All of these subjects, or none of them. Raises NotRestored, Forbidden."""
    for name in names:
        actor.require("admin", name)
    restored = Report()
    try:
        _restore(actor, names, catalogue, restored)
    except IntegrityError as clash:
        # Two entries of the archive itself that cannot be true at once, or an upload at this very moment.
        raise NotRestored([f"{joined(sorted(names))}: {str(clash).splitlines()[0]}."]) from clash
    report.merge(restored)


def _restore(actor: Actor, names: Sequence[str], catalogue: Catalogue, restored: Report) -> None:
    with transaction.atomic():
        steps = [_Restoring(actor, name, catalogue, restored) for name in sorted(names)]
        if reasons := [reason for step in steps for reason in step.compare()]:
            raise NotRestored(reasons)
        for step in steps:
            step.add_versions()
        if reasons := [reason for step in steps for reason in step.connect()]:
            raise NotRestored(reasons)
        if reasons := [reason for step in steps for reason in step.add_migrations()]:
            raise NotRestored(reasons)
        for step in steps:
            step.tell()


class _Restoring:
    """One subject on its way in."""

    def __init__(self, actor: Actor, name: str, catalogue: Catalogue, report: Report) -> None:
        self._actor = actor
        self._name = name
        self._catalogue = catalogue
        self._report = report
        self._told = catalogue.source.subject(name)
        self._context = contexts.context_of(name)
        self._row: Subject | None = None
        self._new: dict[int, Version] = {}
        # Numbers and ids of the versions that are to be added.
        self._missing: set[int] = set()
        self._ids: set[int] = set()
        self._began_here = False

    def compare(self) -> list[str]:
        """What stands in the way; the subject is locked if something is to be added."""
        try:
            check_subject_name(self._name)
        except ProductError as bad:
            return [bad.message]
        here = self._numbers_here()
        if all(told["number"] in here for told in self._catalogue.source.versions(self._name)):
            self._row = Subject.objects.filter(name=self._name).first()
        else:
            self._lock()
        rows = Version.objects.filter(subject__name=self._name).select_related("content", "identity")
        present = {row.number: row for row in rows.defer("content__text", "verdict")}
        reasons: list[str] = []
        for told in self._catalogue.source.versions(self._name):
            row = present.get(told["number"])
            if row is None:
                self._missing.add(told["number"])
                self._ids.add(told["id"])
                reasons += self._reasons_against(told, present)
            else:
                reasons += self._differences(told, row)
        if self._missing and (reason := self._read_only()):
            reasons.append(reason)
        return reasons

    def _numbers_here(self) -> set[int]:
        return set(Version.objects.filter(subject__name=self._name).values_list("number", flat=True))

    def _lock(self) -> None:
        """Uploads to this subject wait, and then see what was brought in."""
        made = Subject(name=self._name, **_subject_fields(self._told))
        self._began_here = not Subject.objects.filter(name=self._name).exists()
        Subject.objects.bulk_create([made], ignore_conflicts=True)
        self._row = Subject.objects.select_for_update().get(name=self._name)

    def _read_only(self) -> str | None:
        try:
            rules_of(self._name).require_writable(self._name)
        except ProductError as refusal:
            return f"{refusal.message}: set its mode to READWRITE and repeat the import."
        return None

    def _reasons_against(self, told: Json, present: dict[int, Version]) -> list[str]:
        """Why a version cannot be added."""
        place = f"'{self._name}' version {told['number']}"
        reasons = []
        if parse_semver(told["semver"]) is None:
            reasons.append(f"{place}: '{told['semver']}' is no SemVer.")
        if (told["state"] in {State.DEPRECATED, State.ARCHIVED}) != ("deprecation" in told):
            reasons.append(
                f"{place}: 'deprecation' belongs to deprecated and archived versions, and only to them."
            )
        named = self._catalogue.contents.get(told["schema"])
        if named is None:
            reasons.append(
                f"{place} has the schema {told['schema'][:12]}…, of which the archive says nothing."
            )
        means = self._catalogue.ids.get((self._context, told["id"]))
        if means is None or means["schema"] != told["schema"]:
            reasons.append(f"{place}: what the archive says about id {told['id']} does not fit.")
        reasons += self._id_taken(place, told)
        label_taken = next((row for row in present.values() if _has_label(row, told)), None)
        if label_taken is not None:
            reasons.append(
                f"{place} is called {told['semver']}, which is the label of version {label_taken.number} here."
            )
        return reasons

    def _id_taken(self, place: str, told: Json) -> list[str]:
        found = SchemaId.objects.filter(context=self._context, number=told["id"])
        row = found.select_related("content").defer("content__text").first()
        means = self._catalogue.ids.get((self._context, told["id"]))
        if row is None or means is None or bytes(row.digest).hex() == means["digest"]:
            return []
        where = "" if self._context == contexts.DEFAULT else f" in the context {self._context}"
        return [
            f"{place} has the id {told['id']}, which means another schema here{where}. An id never changes."
        ]

    def _differences(self, told: Json, row: Version) -> list[str]:
        """What makes it another version than the one here; what is only said otherwise is kept."""
        place = f"'{self._name}' version {told['number']}"
        if bytes(row.content.digest).hex() != told["schema"]:
            return [f"{place} is another schema here. A published version never changes."]
        reasons = []
        if row.identity.number != told["id"]:
            reasons.append(f"{place} has the id {row.identity.number} here, and {told['id']} there.")
        if row.semver != told["semver"] and State.DRAFT not in {row.state, told["state"]}:
            reasons.append(f"{place} is called {row.semver} here, and {told['semver']} there.")
        if (row.metadata, row.rule_set) != (told.get("metadata"), told.get("ruleSet")):
            reasons.append(f"{place} carries other metadata or rules here.")
        if reasons:
            return reasons
        self._report.leave("versions")
        said = {
            "state": (row.state, told["state"]),
            "deleted": (row.deleted_at is not None, "deleted_at" in told),
        }
        self._report.kept += [
            f"{place}: {name} is {str(here).lower()} here and {str(there).lower()} there."
            for name, (here, there) in said.items()
            if here != there
        ]
        return []

    def add_versions(self) -> None:
        if self._began_here:
            self._report.add("subjects")
            self._add_rules()
        else:
            self._report.leave("subjects")
            self._compare_settings()
        step_over(self._ids)
        for told in self._catalogue.source.versions(self._name):
            if told["number"] in self._missing:
                self._new[told["number"]] = self._add(told)
        if self._new:
            self._report.add("versions", len(self._new))
            remember_context(self._context)

    def _add(self, told: Json) -> Version:
        assert self._row is not None
        means = self._catalogue.ids[self._context, told["id"]]
        content = self._content(told["schema"], key=told["id"])
        identity = restored_id(
            context=self._context,
            number=told["id"],
            content=content,
            digest=bytes.fromhex(means["digest"]),
            imported=means["imported"],
        )
        return Version.objects.create(
            subject=self._row,
            number=told["number"],
            content=content,
            identity=identity,
            semver=told["semver"],
            state=told["state"],
            verdict=told.get("verdict", {}),
            metadata=told.get("metadata"),
            rule_set=told.get("ruleSet"),
            note=told.get("note", ""),
            published_by=told["published_by"],
            published_at=moment(told["published_at"]),
            deleted_at=moment(told["deleted_at"]) if "deleted_at" in told else None,
            **_deprecation_fields(told.get("deprecation")),
        )

    def _content(self, digest: str, *, key: int) -> Content:
        return restored_content(self._catalogue, digest, key=key)

    def connect(self) -> list[str]:
        """References and successors, which may lie in the subjects that come in together. What is missing for them."""
        reasons: list[str] = []
        if not self._new:
            return reasons
        for told in self._catalogue.source.versions(self._name):
            version = self._new.get(told["number"])
            if version is None:
                continue
            place = f"'{self._name}' version {told['number']}"
            for use in told.get("references", []):
                target = _version_here(use)
                if target is None:
                    reasons.append(
                        f"{place} refers to '{use['subject']}' version {use['version']}, which is not here. "
                        "Bring that one in first."
                    )
                    continue
                if bytes(target.content.digest).hex() != use["schema"]:
                    reasons.append(
                        f"{place} refers to '{use['subject']}' version {use['version']}, which is another schema here."
                    )
                    continue
                Reference.objects.create(
                    version=version, name=use["name"], target=target, range=use.get("range", "")
                )
            reasons += self._succeed(place, version, told)
            # What is missing has been told.
            reasons += [] if reasons else self._unusable(place, version, used="references" in told)
        return reasons

    def _succeed(self, place: str, version: Version, told: Json) -> list[str]:
        successor = told.get("deprecation", {}).get("replaced_by")
        if successor is None:
            return []
        version.replaced_by = _version_here(successor)
        if version.replaced_by is None:
            named = f"'{successor['subject']}' version {successor['version']}"
            return [f"{place} is replaced by {named}, which is not here. Bring that one in first."]
        version.save(update_fields=["replaced_by"])
        return []

    def _unusable(self, place: str, version: Version, *, used: bool) -> list[str]:
        """A schema that would not be accepted here is not smuggled in either."""
        content = version.content
        uses = list(version.uses.select_related("target__subject")) if content.references or used else []
        stored = {(use.name, use.target.subject.name, use.target.number) for use in uses}
        if stored != {(use["name"], use["subject"], use["version"]) for use in content.references}:
            return [f"{place}: its references are not those of its schema."]
        try:
            document = Document(read_schema_text(content.text).value, store_of(content) if uses else {})
            dialect_and_notes(document, default=content.dialect)
            index_version(version, document.value)
        except ProductError as wrong:
            return [f"{place}: {wrong.message}"]
        return []

    def add_migrations(self) -> list[str]:
        return restore_migrations(
            actor=self._actor, subject=self._name, source=self._catalogue.source, report=self._report
        )

    def _add_rules(self) -> None:
        if rules := self._told.get("rules"):
            add_rules(self._name, rules, report=self._report)

    def _compare_settings(self) -> None:
        row = self._row
        for name, value in _subject_fields(self._told).items():
            if name != "created_at" and getattr(row, name) != value:
                self._report.kept.append(f"'{self._name}': {name} is {getattr(row, name)!r} here.")
        if rules := self._told.get("rules"):
            add_rules(self._name, rules, report=self._report)

    def tell(self) -> None:
        """One row in the audit log, and one announcement of each version that events are judged by."""
        if not self._new:
            return
        audit.record(
            actor=self._actor,
            action="subject.restored",
            target=f"subject/{self._name}",
            details={
                "restored": [
                    {
                        "version": row.number,
                        "semver": row.semver,
                        "id": row.identity.number,
                        "hidden": row.is_hidden,
                    }
                    for row in self._new.values()
                ]
            },
        )
        for row in self._new.values():
            if not row.is_hidden:
                announce = partial(
                    version_published.send, sender=Version, subject=self._name, version=row.number
                )
                transaction.on_commit(announce)


def _has_label(row: Version, told: Json) -> bool:
    live = row.deleted_at is None and row.state != State.DRAFT
    coming = "deleted_at" not in told and told["state"] != State.DRAFT
    return live and coming and row.semver == told["semver"]


def _version_here(named: Json) -> Version | None:
    found = Version.objects.filter(subject__name=named["subject"], number=named["version"])
    return found.select_related("subject", "content").defer("content__text").first()


def _subject_fields(told: Json) -> Json:
    return {
        "owner": told.get("owner", ""),
        "description": told.get("description", ""),
        "created_at": moment(told["created_at"]),
        "strict": told["strict"],
        "version_when_absent": told["version_when_absent"],
        "retention_days": told.get("retention_days"),
        "accept_undecided": told.get("accept_undecided"),
        "assert_formats": told["assert_formats"],
        "needs_approval": told["needs_approval"],
        "evolution_rules": told.get("evolution_rules", ""),
        "unknown_schema_version": told.get("unknown_schema_version", ""),
        "max_event_bytes": told.get("max_event_bytes"),
        "max_event_depth": told.get("max_event_depth"),
        "event_profile": told.get("event_profile", ""),
        "rename_aliases": told.get("rename_aliases", False),
        "signatures": told.get("signatures", ""),
        "sensitive_in_clear": told.get("sensitive_in_clear", ""),
    }


def _deprecation_fields(told: Json | None) -> Json:
    if told is None:
        return {}
    return {
        "deprecated_at": moment(told["since"]),
        "sunset": date.fromisoformat(told["sunset"]) if "sunset" in told else None,
        "deprecation_note": told.get("note", ""),
    }
