"""The whole catalogue, or the part of it that somebody may read, as one zip."""

import hashlib
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any

from django.db import connection, transaction
from django.db.models import Prefetch, QuerySet

from access.actor import Actor
from registry import VERSION, contexts
from registry import archive_format as layout
from registry.archived_migrations import migration_as_json
from registry.configure import INSTANCE
from registry.keep_contexts import contexts_seen_by, may_see
from registry.models import (
    Configuration,
    Content,
    SchemaId,
    Subject,
    Taxonomy,
    TaxonomyVersion,
    Version,
    VersionMigration,
)
from registry.taxonomy import readable_taxonomies
from registry.taxonomy_draft import in_reading_order

Progress = Callable[[int, int], None]

# No clock, no machine: the same catalogue gives the same bytes.
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_ROWS = 200
#: The fields of a configuration that may be set or not.
RULES = tuple(
    field.name
    for field in Configuration._meta.concrete_fields
    if field.name not in {"id", "subject", "by_wire_api"}
)


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export came to; `holds` says in words what it was restricted to."""

    complete: bool
    holds: str
    counts: dict[str, int]


@dataclass(slots=True)
class _Writer:
    """Writes members one after the other, and remembers only their sums."""

    zip: zipfile.ZipFile
    members: dict[str, dict[str, object]] = field(default_factory=dict)

    def add(self, name: str, body: bytes) -> None:
        self.members[name] = {"sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body)}
        self.zip.writestr(_entry(name), body)

    def add_lines(self, name: str, lines: Iterator[bytes]) -> int:
        sum_, size, count = hashlib.sha256(), 0, 0
        with self.zip.open(_entry(name), "w", force_zip64=True) as member:
            for line in lines:
                sum_.update(line)
                size, count = size + len(line), count + 1
                member.write(line)
        self.members[name] = {"sha256": sum_.hexdigest(), "bytes": size}
        return count


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _LONG_AGO)
    entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, _UNIX, 0o644 << 16
    return entry


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The rows that go into an export."""

    everything: bool
    actor: Actor
    prefix: str
    subjects: QuerySet[Subject]
    versions: QuerySet[Version]

    @property
    def ids(self) -> QuerySet[SchemaId]:
        """Those that nothing uses any more too, so that no id is ever given twice; but only where all may be seen."""
        used = SchemaId.objects.filter(versions__in=self.versions).distinct()
        return (SchemaId.objects.all() if self.everything else used).order_by("context", "number")

    @property
    def contents(self) -> QuerySet[Content]:
        used = Content.objects.filter(ids__in=self.ids.order_by())
        return (
            (Content.objects.filter(ids__isnull=False) if self.everything else used)
            .distinct()
            .order_by("digest")
        )

    @property
    def taxonomies(self) -> QuerySet[Taxonomy]:
        """With a prefix, those that the schemas are bound to."""
        seen = readable_taxonomies(actor=self.actor).order_by("name")
        if not self.prefix:
            return seen
        bound = self.contents.exclude(bindings=[]).order_by().values_list("bindings", flat=True)
        return seen.filter(name__in={one["taxonomy"] for bindings in bound for one in bindings})


def export_catalogue(
    *,
    actor: Actor,
    file: IO[bytes],
    subject_prefix: str = "",
    progress: Progress = lambda _done, _total: None,
) -> Exported:
    """Writes what the actor may read, as it is at one moment. Needs the scope admin. Raises Forbidden."""
    actor.require("admin")
    with transaction.atomic():
        _one_moment()
        chosen = _chosen(actor, subject_prefix)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            return _write(_Writer(archive), chosen, progress)


def _one_moment() -> None:
    """Uploads that come meanwhile are wholly outside. Somebody's own transaction has begun already."""
    if len(connection.savepoint_ids) == 0 and not connection.savepoint_state:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def _chosen(actor: Actor, prefix: str) -> _Chosen:
    subjects = Subject.objects.readable_by(actor).filter(versions__isnull=False).distinct()
    if prefix:
        subjects = subjects.named_like(prefix)
    versions = Version.objects.filter(subject__in=subjects.order_by())
    everything = not prefix and actor.may_everywhere("read")
    return _Chosen(everything, actor, prefix, subjects.order_by("name"), versions)


def _write(writer: _Writer, chosen: _Chosen, progress: Progress) -> Exported:
    total = chosen.versions.count()
    named = _contexts(chosen)
    writer.add(layout.CONTEXTS, layout.written(named))
    configurations = [
        {"subject": row.subject, "rules": rules_as_json(row)} for row in _configurations(chosen)
    ]
    writer.add(layout.CONFIGURATIONS, layout.written(configurations))
    counts = {
        "contexts": len(named),
        "taxonomies": _write_taxonomies(writer, chosen),
        "ids": writer.add_lines(
            layout.IDS, map(_id_line, chosen.ids.select_related("content").iterator(_ROWS))
        ),
        "schemas": _write_contents(writer, chosen),
        "subjects": chosen.subjects.count(),
        "versions": total,
        "migrations": 0,
    }
    done = 0
    for subject in chosen.subjects.iterator(_ROWS):
        writer.add(layout.subject_member(subject.name), layout.written(subject_as_json(subject)))
        for version in _versions_of(subject):
            member = layout.version_member(subject.name, version.number)
            writer.add(member, layout.written(version_as_json(version)))
            done += 1
            progress(done, total)
        for migration in VersionMigration.objects.of(subject.name).iterator(_ROWS):
            member = layout.migration_member(subject.name, migration.number)
            writer.add(member, layout.written(migration_as_json(migration)))
            counts["migrations"] += 1
    exported = Exported(chosen.everything, _restriction(chosen), counts)
    writer.zip.writestr(_entry(layout.MANIFEST), layout.written(_manifest(writer, exported)))
    return exported


def _contexts(chosen: _Chosen) -> list[str]:
    seen = [name for name in contexts_seen_by(chosen.actor) if name != contexts.DEFAULT]
    if not chosen.prefix:
        return seen
    used = {contexts.context_of(name) for name in chosen.subjects.values_list("name", flat=True)}
    return [name for name in seen if name in used]


def _configurations(chosen: _Chosen) -> Iterator[Configuration]:
    """Of what is no subject here: everything, contexts, and names that are configured before their first version."""
    if chosen.prefix:
        return
    names = set(chosen.subjects.values_list("name", flat=True))
    for row in Configuration.objects.order_by("subject"):
        shared = row.subject in {INSTANCE, contexts.GLOBAL}
        room = contexts.is_context(row.subject) and may_see(chosen.actor, contexts.context_of(row.subject))
        if shared or room or (row.subject not in names and chosen.actor.may("read", row.subject)):
            yield row


def rules_as_json(row: Configuration) -> dict[str, Any]:
    """What is set in it."""
    found = {name: getattr(row, name) for name in RULES}
    told = {name: value for name, value in found.items() if value is not None}
    return told | ({"by_wire_api": True} if row.by_wire_api else {})


def _id_line(row: SchemaId) -> bytes:
    return layout.written_line(
        {
            "context": row.context,
            "id": row.number,
            "schema": bytes(row.content.digest).hex(),
            "digest": bytes(row.digest).hex(),
            "guid": str(row.guid),
            "imported": row.imported,
        }
    )


def _write_contents(writer: _Writer, chosen: _Chosen) -> int:
    for content in chosen.contents.iterator(_ROWS):
        writer.add(layout.schema_member(bytes(content.digest).hex()), content.text.encode())
    return writer.add_lines(
        layout.CONTENTS, map(_content_line, chosen.contents.defer("text").iterator(_ROWS))
    )


def _content_line(content: Content) -> bytes:
    told = {
        "schema": bytes(content.digest).hex(),
        "dialect": content.dialect,
        "references": content.references,
        "bindings": content.bindings,
        "created_at": content.created_at.isoformat(),
    }
    return layout.written_line(layout.without_defaults(told))


def subject_as_json(subject: Subject) -> dict[str, Any]:
    own = Configuration.objects.filter(subject=subject.name).first()
    return layout.without_defaults(
        {
            "name": subject.name,
            "owner": subject.owner,
            "description": subject.description,
            "created_at": subject.created_at.isoformat(),
            "strict": subject.strict,
            "version_when_absent": subject.version_when_absent,
            "retention_days": subject.retention_days,
            "accept_undecided": subject.accept_undecided,
            "assert_formats": subject.assert_formats,
            "needs_approval": subject.needs_approval,
            "evolution_rules": subject.evolution_rules,
            "unknown_schema_version": subject.unknown_schema_version,
            "max_event_bytes": subject.max_event_bytes,
            "max_event_depth": subject.max_event_depth,
            "event_profile": subject.event_profile,
            "rename_aliases": subject.rename_aliases or None,
            "signatures": subject.signatures,
            "sensitive_in_clear": subject.sensitive_in_clear,
            "rules": rules_as_json(own) if own else None,
        }
    )


def _versions_of(subject: Subject) -> Iterator[Version]:
    rows = Version.objects.filter(subject=subject).order_by("number")
    rows = rows.select_related("identity", "replaced_by__subject", "content").defer("content__text")
    return rows.prefetch_related(
        "uses__target__subject", Prefetch("uses__target__content", Content.objects.defer("text"))
    ).iterator(_ROWS)


def version_as_json(version: Version) -> dict[str, Any]:
    uses = sorted(version.uses.all(), key=lambda use: use.name)
    return layout.without_defaults(
        {
            "number": version.number,
            "semver": version.semver,
            "id": version.identity.number,
            "guid": str(version.identity.guid),
            "schema": bytes(version.content.digest).hex(),
            "state": version.state,
            "deleted_at": version.deleted_at.isoformat() if version.deleted_at else None,
            "deprecation": _deprecation(version),
            "references": [
                layout.without_defaults(
                    {
                        "name": use.name,
                        "subject": use.target.subject.name,
                        "version": use.target.number,
                        "schema": bytes(use.target.content.digest).hex(),
                        "range": use.range,
                    }
                )
                for use in uses
            ],
            "metadata": version.metadata,
            "ruleSet": version.rule_set,
            "note": version.note,
            "published_by": version.published_by,
            "published_at": version.published_at.isoformat(),
            "verdict": version.verdict,
        }
    )


def _deprecation(version: Version) -> dict[str, Any] | None:
    if version.deprecated_at is None:
        return None
    successor = version.replaced_by
    named = {"subject": successor.subject.name, "version": successor.number} if successor else None
    return layout.without_defaults(
        {
            "since": version.deprecated_at.isoformat(),
            "sunset": version.sunset.isoformat() if version.sunset else None,
            "replaced_by": named,
            "note": version.deprecation_note,
        }
    )


def _write_taxonomies(writer: _Writer, chosen: _Chosen) -> int:
    taxonomies = list(chosen.taxonomies)
    for taxonomy in taxonomies:
        told = {
            "name": taxonomy.name,
            "description": taxonomy.description,
            "created_at": taxonomy.created_at.isoformat(),
        }
        writer.add(layout.taxonomy_member(taxonomy.name), layout.written(layout.without_defaults(told)))
        for edition in taxonomy.versions.order_by("number").iterator(1):
            member = layout.edition_member(taxonomy.name, edition.number)
            writer.add(member, layout.written(layout.without_defaults(edition_as_json(edition))))
    return len(taxonomies)


def edition_as_json(edition: TaxonomyVersion) -> dict[str, Any]:
    return {
        "number": edition.number,
        "semver": edition.semver,
        "note": edition.note,
        "published_by": edition.published_by,
        "published_at": edition.published_at.isoformat(),
        "document": in_reading_order(edition.document),
    }


def _restriction(chosen: _Chosen) -> str:
    if chosen.everything:
        return ""
    said = [f"subjects that begin with '{chosen.prefix}'"] if chosen.prefix else []
    if not chosen.actor.may_everywhere("read"):
        prefixes = ", ".join(f"'{prefix}'" for prefix in chosen.actor.readable_prefixes())
        said.append(f"what {chosen.actor.label} may read (names that begin with {prefixes or 'nothing'})")
    return "Not the whole catalogue: " + ", of them ".join(said) + "."


def _manifest(writer: _Writer, exported: Exported) -> dict[str, Any]:
    return layout.without_defaults(
        {
            "format": layout.FORMAT,
            "product": {"name": "onex-registry", "version": VERSION},
            "complete": exported.complete,
            "holds": exported.holds,
            "counts": exported.counts,
            "members": writer.members,
        }
    )
