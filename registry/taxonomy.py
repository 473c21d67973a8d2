"""Publishing editions of a taxonomy, and finding editions and codes."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
import semver
from django.db import transaction
from django.db.models import Q, QuerySet

from access.actor import Actor
from access.audit import record
from registry.configure import INSTANCE, rules_of
from registry.judge import Finding
from registry.models import Taxonomy, TaxonomyVersion
from registry.ranges import parse_range, parse_semver
from registry.taxonomy_draft import Draft, check_tree, read_draft
from registry.taxonomy_errors import (
    CodeNotFound,
    TaxonomyBusy,
    TaxonomyNotFound,
    TaxonomyRuleBroken,
    TaxonomyVersionNotFound,
)
from registry.taxonomy_judge import findings_about
from registry.taxonomy_rules import Change, Weight, compare, required_bump
from registry.taxonomy_tree import Code, Tree

FIRST = "1.0.0"
# Each further attempt means that somebody else published this taxonomy in between.
_ATTEMPTS = 60


@dataclass(frozen=True, slots=True)
class PublishedTaxonomy:
    """What an upload came to. `version` is None for a dry run that would make a new edition."""

    taxonomy: str
    version: TaxonomyVersion | None
    number: int
    semver: str
    # Against the edition before, the heaviest first.
    changes: tuple[Change, ...]
    # False when this very document was there already.
    created: bool
    # "first", or what the changes ask for.
    bump: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class _Plan:
    """A new edition as judged, and the one it was judged against."""

    tree: Tree
    document: Mapping[str, Any]
    latest: TaxonomyVersion | None
    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]

    @property
    def number(self) -> int:
        return self.latest.number + 1 if self.latest else 1

    def published(self, version: TaxonomyVersion | None) -> PublishedTaxonomy:
        bump = required_bump(self.changes) if self.latest else "first"
        return PublishedTaxonomy(
            self.tree.taxonomy,
            version,
            self.number,
            self.tree.version,
            self.changes,
            True,
            bump,
            self.findings,
        )


def publish_taxonomy(
    *, actor: Actor, document: Any, name: str | None = None, note: str = "", dry_run: bool = False
) -> PublishedTaxonomy:
    """Stores the document as the next edition of a taxonomy; the same document again changes nothing.

    `name` None: the taxonomy that the document names. A document without version gets the one its changes ask for,
    except a new major, which has to be declared. Raises Forbidden, InvalidTaxonomy, TaxonomyTooLarge, ReadOnly,
    TaxonomyBusy, and TaxonomyRuleBroken when a code was removed, renumbered or reused or when the declared version is
    lower than the changes ask for. A dry run raises the same and stores nothing.
    """
    draft = read_draft(document, name=name)
    actor.require("write", draft.name)
    rules_of(INSTANCE).require_writable(draft.name)
    for _ in range(_ATTEMPTS):
        # The latest first: this very document published in between is then found, or noticed when storing.
        latest = _editions(draft.name).first()
        if same := _same(draft):
            return PublishedTaxonomy(draft.name, same, same.number, same.semver, (), False, "none")
        plan = _judged(actor, draft, latest)
        if dry_run:
            return plan.published(None)
        if version := _stored(actor, plan, note):
            return plan.published(version)
    raise TaxonomyBusy(
        f"Others published '{draft.name}' {_ATTEMPTS} times while this edition was judged. Try again.",
        taxonomy=draft.name,
        retry_after=1,
    )


def _editions(name: str) -> QuerySet[TaxonomyVersion]:
    """Newest first."""
    found = TaxonomyVersion.objects.filter(taxonomy__name=name)
    return found.select_related("taxonomy").order_by("-number")


def _same(draft: Draft) -> TaxonomyVersion | None:
    """The edition that this upload would only repeat: what it leaves out is taken as that edition has it."""
    editions = _editions(draft.name)
    if draft.version is not None:
        editions = editions.filter(semver=draft.version)
    # One document at a time: they may be large, and there may be many.
    for edition in editions.iterator(chunk_size=1):
        filled = draft.filled(version=edition.semver, known=Tree.of(edition.document))
        if digest_of(filled) == bytes(edition.digest):
            return edition
    return None


def _judged(actor: Actor, draft: Draft, latest: TaxonomyVersion | None) -> _Plan:
    """Everything that needs no lock."""
    old = Tree.of(latest.document) if latest else None
    version = draft.version or (latest.semver if latest else FIRST)
    tree = Tree.of(draft.filled(version=version, known=old))
    if draft.version is None and old is not None:
        changes = compare(old, tree)
        version = str(_bumped(old.version, required_bump(changes)))
    document = draft.filled(version=version, known=old)
    tree = Tree.of(document)
    check_tree(tree)
    changes = compare(old, tree) if old else []
    findings = findings_about(
        actor=actor, old=old, new=_rightly_called(tree, old, changes), changes=tuple(changes)
    )
    if old is not None:
        _require_allowed(changes, findings)
        _require_label(old.version, draft.version, changes, findings)
    return _Plan(tree, document, latest, tuple(changes), findings)


def _rightly_called(tree: Tree, old: Tree | None, changes: Sequence[Change]) -> Tree:
    """Under the version that it needs at least: what is said about a refused edition is said about the one to come."""
    if old is None:
        return tree
    lowest = _bumped(old.version, required_bump(changes))
    return tree if semver.Version.parse(tree.version) >= lowest else replace(tree, version=str(lowest))


def _stored(actor: Actor, plan: _Plan, note: str) -> TaxonomyVersion | None:
    """The new edition, or None when another one came in between."""
    name = plan.tree.taxonomy
    with transaction.atomic():
        Taxonomy.objects.bulk_create([Taxonomy(name=name)], ignore_conflicts=True)
        # Held until the end: two uploads at once would take the same number.
        taxonomy = Taxonomy.objects.select_for_update().get(name=name)
        latest = taxonomy.versions.order_by("-number").values_list("pk", flat=True).first()
        if latest != (plan.latest.pk if plan.latest else None):
            return None
        version = taxonomy.versions.create(
            number=plan.number,
            semver=plan.tree.version,
            document=plan.document,
            digest=digest_of(plan.document),
            note=note,
            published_by=actor.label,
        )
        Taxonomy.objects.filter(pk=taxonomy.pk).update(description=plan.tree.description)
        details: dict[str, object] = {
            "number": version.number,
            "changes": [change.as_dict() for change in plan.changes],
        }
        record(actor=actor, action="taxonomy.published", target=str(version), details=details)
    return version


def readable_taxonomies(*, actor: Actor) -> QuerySet[Taxonomy]:
    """The taxonomies whose names the actor may read."""
    allowed = Q(pk__in=[])
    for prefix in actor.readable_prefixes():
        allowed |= Q(name__startswith=prefix)
    return Taxonomy.objects.filter(allowed)


def find_taxonomy_version(*, actor: Actor, name: str, wanted: str = "latest") -> TaxonomyVersion:
    """The edition called `latest`, by number, by exact SemVer, or the highest of a range such as `^1`.

    Raises Forbidden, TaxonomyNotFound, TaxonomyVersionNotFound.
    """
    actor.require("read", name)
    versions = _editions(name)
    if not versions.exists():
        raise TaxonomyNotFound.named(name)
    found = versions.filter(_wanted(wanted)).first() or _highest_in(versions, wanted)
    if found is None:
        raise TaxonomyVersionNotFound.of(name, wanted)
    return found


def find_two_editions(
    *, actor: Actor, name: str, before: str = "", after: str = ""
) -> tuple[TaxonomyVersion, TaxonomyVersion]:
    """Two editions to be compared: by default the latest, and the one before it (or itself when it is the first)."""
    new = find_taxonomy_version(actor=actor, name=name, wanted=after or "latest")
    old = find_taxonomy_version(actor=actor, name=name, wanted=before or str(max(1, new.number - 1)))
    return old, new


def find_code(*, actor: Actor, name: str, text: str, wanted: str = "latest") -> tuple[Code, Tree]:
    """The code that `text` means in any spelling, and the edition it was read in. Raises CodeNotFound and as above."""
    tree = Tree.of(find_taxonomy_version(actor=actor, name=name, wanted=wanted).document)
    code = tree.find(text)
    if code is None:
        normal = tree.normalise(text)
        area = tree.area_of(normal.split("_")[1]) if normal else None
        raise CodeNotFound.in_tree(
            text, taxonomy=name, version=tree.version, normal=normal, area=area.token if area else None
        )
    return code, tree


def _wanted(wanted: str) -> Q:
    if wanted.lower() in {"latest", "-1"}:
        return Q()
    # Longer numbers do not fit the column, and no taxonomy has so many editions.
    return Q(number=int(wanted)) if wanted.isdecimal() and len(wanted) < 10 else Q(semver=wanted)


def _highest_in(versions: QuerySet[TaxonomyVersion], wanted: str) -> TaxonomyVersion | None:
    """Of a range; a bare number is none, it would be taken for a major."""
    asked = None if wanted.isdecimal() else parse_range(wanted)
    if asked is None:
        return None
    labels = [(parse_semver(label), pk) for pk, label in versions.values_list("pk", "semver")]
    within = [(label, pk) for label, pk in labels if label is not None and asked.holds(label)]
    return versions.get(pk=max(within)[1]) if within else None


def _require_allowed(changes: Sequence[Change], findings: Sequence[Finding]) -> None:
    forbidden = [change for change in changes if change.weight == "forbidden"]
    if not forbidden:
        return
    first = forbidden[0]
    more = f" ({len(forbidden) - 1} more)" if len(forbidden) > 1 else ""
    used = "".join(f" {finding.sentence}" for finding in findings if finding.facts.get("code") == first.about)
    raise TaxonomyRuleBroken(
        f"{first.sentence} {first.remedy}{used}{more}",
        rule=first.rule,
        pointer=first.pointer,
        changes=[change.as_dict() for change in forbidden],
        findings=[finding.as_dict() for finding in findings],
    )


def _require_label(
    before: str, declared: str | None, changes: Sequence[Change], findings: Sequence[Finding]
) -> None:
    """Raises TaxonomyRuleBroken for a version that says too little; a new major is never computed silently."""
    weight = required_bump(changes)
    lowest = _bumped(before, weight)
    if declared is None and weight != "major":
        return
    if declared is not None and semver.Version.parse(declared) >= lowest:
        return
    reason = changes[0].sentence if changes else "The document differs from it."
    named = f"not {declared}" if declared else "and that has to be declared in `version`"
    remedy = f" {changes[0].remedy}" if changes and changes[0].remedy else f" Write version {lowest}."
    raise TaxonomyRuleBroken(
        f"After {before} this has to be called {lowest} or higher, {named}: {reason}{remedy}",
        rule="versions-say-what-changed",
        pointer="/version",
        required=str(lowest),
        bump=weight,
        changes=[change.as_dict() for change in changes],
        findings=[finding.as_dict() for finding in findings],
    )


def _bumped(before: str, weight: Weight) -> semver.Version:
    """What comes after `before`; nothing allowed comes after a forbidden change, so that any label will do."""
    version = semver.Version.parse(before)
    following = {"patch": version.bump_patch, "minor": version.bump_minor}
    return following.get(weight, version.bump_major)()


def digest_of(document: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).digest()
