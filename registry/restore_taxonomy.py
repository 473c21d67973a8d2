"""Taxonomies put back with all their editions, as they were elsewhere."""

from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction

from access import audit
from access.actor import Actor
from access.errors import ProductError
from registry.import_errors import NotRestored
from registry.import_report import Report
from registry.models import Taxonomy, TaxonomyVersion
from registry.restore_content import moment
from registry.taxonomy import digest_of
from registry.taxonomy_draft import check_tree, read_draft
from registry.taxonomy_tree import Tree

Json = dict[str, Any]


def restore_taxonomy(*, actor: Actor, told: Json, editions: Iterable[Json], report: Report) -> None:
    """All editions that are not here yet, or none. Raises NotRestored, Forbidden."""
    actor.require("admin", told["name"])
    try:
        _restore(actor, told, editions, report)
    except IntegrityError as clash:
        raise NotRestored([f"The taxonomy '{told['name']}': {str(clash).splitlines()[0]}."]) from clash


def _restore(actor: Actor, told: Json, editions: Iterable[Json], report: Report) -> None:
    name = told["name"]
    with transaction.atomic():
        made = Taxonomy(
            name=name, description=told.get("description", ""), created_at=moment(told["created_at"])
        )
        new = not Taxonomy.objects.filter(name=name).exists()
        Taxonomy.objects.bulk_create([made], ignore_conflicts=True)
        # Editions that are uploaded meanwhile wait, and then take the next number.
        row = Taxonomy.objects.select_for_update().get(name=name)
        present = {edition.number: edition for edition in row.versions.all()}
        reasons: list[str] = []
        missing: list[Json] = []
        for edition in editions:
            here = present.get(edition["number"])
            if here is None:
                reasons += _reasons_against(name, edition, present)
                missing.append(edition)
            elif (here.semver, bytes(here.digest)) != (edition["semver"], digest_of(edition["document"])):
                reasons.append(
                    f"The taxonomy '{name}': edition {edition['number']} is another one here. Editions never change."
                )
        if reasons:
            raise NotRestored(reasons)
        for edition in missing:
            _add(row, edition)
        if missing:
            brought = [{"number": edition["number"], "semver": edition["semver"]} for edition in missing]
            details: dict[str, object] = {"editions": brought}
            audit.record(actor=actor, action="taxonomy.restored", target=name, details=details)
    (report.add if new else report.leave)("taxonomies")
    report.add("editions", len(missing))
    report.leave("editions", len(present))


def _reasons_against(name: str, told: Json, present: dict[int, TaxonomyVersion]) -> list[str]:
    place = f"The taxonomy '{name}', edition {told['number']}"
    if told["semver"] in {edition.semver for edition in present.values()}:
        return [f"{place}: {told['semver']} is another edition here."]
    try:
        draft = read_draft(told["document"], name=name)
        check_tree(Tree.of(told["document"]))
    except ProductError as wrong:
        return [f"{place}: {wrong.message}"]
    except KeyError as lacking:
        return [f"{place}: its document has no {lacking}."]
    if draft.version != told["semver"]:
        return [f"{place} is called {told['semver']}, but its document says {draft.version}."]
    return []


def _add(row: Taxonomy, told: Json) -> None:
    row.versions.create(
        number=told["number"],
        semver=told["semver"],
        document=told["document"],
        digest=digest_of(told["document"]),
        note=told.get("note", ""),
        published_by=told["published_by"],
        published_at=moment(told["published_at"]),
    )
