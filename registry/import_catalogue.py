"""A catalogue that was exported, brought in: taxonomies, subjects, what nothing uses any more, rules.

Each taxonomy, and each subject with those it is bound up with, comes in wholly or not at all, in a transaction of its
own. What is here already is left as it is, so an import that was interrupted goes on when it is repeated.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import IO, Any

from django.db import transaction

from access import audit
from access.actor import Actor
from access.errors import ProductError
from registry import contexts
from registry.archive_reader import Archive
from registry.errors import IdMismatch
from registry.identify import restored_id
from registry.import_order import in_order
from registry.import_report import Report
from registry.keep_contexts import remember_context
from registry.models import SchemaId
from registry.restore import (
    Catalogue,
    NotRestored,
    add_rules,
    restore_subjects,
    restored_content,
)
from registry.restore_taxonomy import restore_taxonomy

Json = dict[str, Any]
# What is being done, how much of it is done, and how much there is.
Progress = Callable[[str, int, int], None]


def import_catalogue(
    *,
    actor: Actor,
    file: IO[bytes],
    dry_run: bool = False,
    progress: Progress = lambda _what, _done, _total: None,
) -> Report:
    """Brings in what is not here yet; the report lists everything that is refused, and why.

    A dry run does the same and takes it all back, so that uploads to subjects it would add to wait for it.
    Needs the scope admin everywhere. Raises Forbidden, InvalidArchive, ArchiveTooLarge.
    """
    actor.require_everywhere("admin")
    report = Report(dry_run=dry_run)
    with Archive(file) as archive:
        report.holds = archive.manifest.get("holds", "")
        archive.verify(progress)
        with taken_back() if dry_run else nullcontext():
            _import(actor, archive, report, progress)
    return report


@contextmanager
def taken_back() -> Iterator[None]:
    """A transaction of which nothing stays."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _import(actor: Actor, archive: Archive, report: Report, progress: Progress) -> None:
    for taxonomy in archive.taxonomies():
        editions = archive.editions(taxonomy["name"])
        attempt(
            report, partial(restore_taxonomy, actor=actor, told=taxonomy, editions=editions, report=report)
        )
    catalogue = Catalogue(
        archive,
        {told["schema"]: told for told in archive.contents()},
        {(told["context"], told["id"]): told for told in archive.ids()},
    )
    needs, total = _needs(archive)
    done = 0
    for names in in_order(needs):
        unit = partial(restore_subjects, actor=actor, names=names, catalogue=catalogue, report=report)
        attempt(report, unit)
        done += sum(total[name] for name in names)
        progress("Versions looked at", done, sum(total.values()))
    _restore_rest(actor, archive, catalogue, report)


def attempt(report: Report, unit: Callable[[], None]) -> bool:
    """Whether it came in; what is refused is listed."""
    try:
        unit()
    except NotRestored as refusal:
        report.refused += refusal.reasons
    except ProductError as refusal:
        report.refused.append(refusal.message)
    else:
        return True
    return False


def _needs(archive: Archive) -> tuple[dict[str, set[str]], dict[str, int]]:
    """Which other subjects each one refers to, and how many versions it has."""
    needs: dict[str, set[str]] = {}
    total: dict[str, int] = {}
    for subject in archive.subjects():
        name = subject["name"]
        wanted, total[name] = needs.setdefault(name, set()), 0
        for version in archive.versions(name):
            total[name] += 1
            wanted |= {use["subject"] for use in version.get("references", [])}
            successor = version.get("deprecation", {}).get("replaced_by")
            wanted |= {successor["subject"]} if successor else set()
    return needs, total


def _restore_rest(actor: Actor, archive: Archive, catalogue: Catalogue, report: Report) -> None:
    """Ids that nothing uses any more, contexts that are empty, rules beyond single subjects."""
    with transaction.atomic():
        before = dict(report.added)
        for told in catalogue.ids.values():
            attempt(report, partial(_restore_id, told, catalogue, report))
        for name in archive.contexts():
            remember_context(name)
        for configuration in archive.configurations():
            add_rules(configuration["subject"], configuration["rules"], report=report)
        if report.added != before:
            details: dict[str, object] = {
                kind: report.added.get(kind, 0) - before.get(kind, 0) for kind in ("ids", "configurations")
            }
            audit.record(actor=actor, action="catalogue.restored", target="instance", details=details)


def _restore_id(told: Json, catalogue: Catalogue, report: Report) -> None:
    if SchemaId.objects.filter(
        context=told["context"], number=told["id"], digest=bytes.fromhex(told["digest"])
    ):
        return
    if told["schema"] not in catalogue.contents:
        raise NotRestored([f"The archive says nothing about the schema of id {told['id']}."])
    taken = SchemaId.objects.filter(context=told["context"], number=told["id"]).exists()
    if taken:
        where = "" if told["context"] == contexts.DEFAULT else f" in the context {told['context']}"
        raise NotRestored([f"The id {told['id']} means another schema here{where}. An id never changes."])
    content = restored_content(catalogue, told["schema"], key=told["id"])
    try:
        restored_id(
            context=told["context"],
            number=told["id"],
            content=content,
            digest=bytes.fromhex(told["digest"]),
            imported=told["imported"],
        )
    except IdMismatch as taken_now:
        raise NotRestored([taken_now.message]) from taken_now
    report.add("ids")
