"""A catalogue that was exported, brought in: taxonomies, subjects, what nothing uses any more, rules.

Each taxonomy, and each subject with those it is bound up with, comes in wholly or not at all, in a transaction of its
own. What is here already is left as it is, so an import that was interrupted goes on when it is repeated.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import IO, Any

from django.db import OperationalError, transaction
from psycopg.errors import DeadlockDetected, LockNotAvailable, QueryCanceled

from access import audit
from access.actor import Actor
from access.errors import ProductError
from registry import contexts
from registry.archive_reader import Archive
from registry.errors import IdMismatch
from registry.identify import restored_id, step_over
from registry.import_errors import NotRestored
from registry.import_order import in_order
from registry.import_report import Report, joined
from registry.keep_contexts import remember_context
from registry.models import SchemaId
from registry.restore import restore_subjects
from registry.restore_content import Catalogue, restored_content
from registry.restore_rules import add_rules
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
            report,
            taxonomy["name"],
            partial(restore_taxonomy, actor=actor, told=taxonomy, editions=editions, report=report),
        )
    catalogue = Catalogue(
        archive,
        {told["schema"]: told for told in archive.contents()},
        {(told["context"], told["id"]): told for told in archive.ids()},
    )
    needs, total, used = _needs(archive)
    done = 0
    for names in in_order(needs):
        unit = partial(restore_subjects, actor=actor, names=names, catalogue=catalogue, report=report)
        attempt(report, joined(names), unit)
        done += sum(total[name] for name in names)
        progress("Versions looked at", done, sum(total.values()))
    _restore_rest(actor, archive, catalogue, used, report)


def attempt(report: Report, what: str, unit: Callable[[], None]) -> bool:
    """Whether it came in; what is refused is listed, and so is what others held for too long."""
    try:
        unit()
    except NotRestored as refusal:
        report.refused += refusal.reasons
    except ProductError as refusal:
        report.refused.append(refusal.message)
    except OperationalError as busy:
        if not isinstance(busy.__cause__, LockNotAvailable | QueryCanceled | DeadlockDetected):
            raise
        report.refused.append(f"{what}: others hold it at the moment. Repeat the import.")
    else:
        return True
    return False


def _needs(archive: Archive) -> tuple[dict[str, set[str]], dict[str, int], set[tuple[str, int]]]:
    """Which other subjects each one refers to, how many versions it has; and the ids that any of them has."""
    used: set[tuple[str, int]] = set()
    needs: dict[str, set[str]] = {}
    total: dict[str, int] = {}
    for subject in archive.subjects():
        name = subject["name"]
        wanted, total[name] = needs.setdefault(name, set()), 0
        for version in archive.versions(name):
            total[name] += 1
            used.add((contexts.context_of(name), version["id"]))
            wanted |= {use["subject"] for use in version.get("references", [])}
            successor = version.get("deprecation", {}).get("replaced_by")
            wanted |= {successor["subject"]} if successor else set()
    return needs, total, used


def _restore_rest(
    actor: Actor, archive: Archive, catalogue: Catalogue, used: set[tuple[str, int]], report: Report
) -> None:
    """Ids that nothing uses any more, contexts that are empty, rules beyond single subjects."""
    with transaction.atomic():
        before = dict(report.added)
        # Those that versions have came in with them, or were refused with them.
        unused = [told for key, told in catalogue.ids.items() if key not in used]
        step_over(told["id"] for told in unused)
        for told in unused:
            attempt(report, f"The id {told['id']}", partial(_restore_id, told, catalogue, report))
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
