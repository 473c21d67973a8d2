"""Publishing editions of a taxonomy, and finding editions and codes."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import semver
from django.db import transaction
from django.db.models import Q, QuerySet

from access.actor import Actor
from access.audit import record
from compat import Validator, compile_validator
from registry.models import Taxonomy, TaxonomyVersion
from registry.taxonomy_errors import (
    CodeNotFound,
    InvalidTaxonomy,
    TaxonomyNotFound,
    TaxonomyRuleBroken,
    TaxonomyVersionNotFound,
)
from registry.taxonomy_rules import Change, Weight, compare, required_bump
from registry.taxonomy_tree import Code, Tree, problems

SCHEMA_FILE = Path(__file__).parent / "onex" / "taxonomy.schema.json"


@dataclass(frozen=True, slots=True)
class PublishedTaxonomy:
    """`changes` against the edition before; `created` is false when this very document was there already."""

    version: TaxonomyVersion
    changes: tuple[Change, ...]
    created: bool


def publish_taxonomy(*, actor: Actor, document: Mapping[str, Any], note: str = "") -> PublishedTaxonomy:
    """Stores the document as the next edition of the taxonomy it names; the same document again changes nothing.

    Raises Forbidden, InvalidTaxonomy, and TaxonomyRuleBroken when a code was removed, renumbered or reused or
    when the document's version is lower than its changes ask for.
    """
    tree = read_tree(document)
    actor.require("write", tree.taxonomy)
    digest = _digest(document)
    with transaction.atomic():
        taxonomy = _locked(tree)
        same = taxonomy.versions.filter(digest=digest).first()
        if same is not None:
            return PublishedTaxonomy(same, (), created=False)
        latest = taxonomy.versions.order_by("-number").first()
        changes = compare(Tree.of(latest.document), tree) if latest else []
        if latest is not None:
            _require_allowed(changes)
            _require_label(latest.semver, tree.version, changes)
        version = taxonomy.versions.create(
            number=latest.number + 1 if latest else 1,
            semver=tree.version,
            document=document,
            digest=digest,
            note=note,
            published_by=actor.label,
        )
        Taxonomy.objects.filter(pk=taxonomy.pk).update(description=tree.description)
        details: dict[str, object] = {"number": version.number, "changes": [c.as_dict() for c in changes]}
        record(actor=actor, action="taxonomy.published", target=str(version), details=details)
    return PublishedTaxonomy(version, tuple(changes), created=True)


def read_tree(document: Mapping[str, Any]) -> Tree:
    """The tree of an uploaded document. Raises InvalidTaxonomy."""
    broken = [{"pointer": v.pointer, "message": v.message} for v in _validator().errors(document)]
    if broken:
        raise InvalidTaxonomy.because(broken)
    tree = Tree.of(document)
    if wrong := problems(tree):
        raise InvalidTaxonomy.because([{"pointer": "", "message": sentence} for sentence in wrong])
    return tree


def readable_taxonomies(*, actor: Actor) -> QuerySet[Taxonomy]:
    """The taxonomies whose names the actor may read."""
    allowed = Q(pk__in=[])
    for prefix in actor.readable_prefixes():
        allowed |= Q(name__startswith=prefix)
    return Taxonomy.objects.filter(allowed)


def find_taxonomy_version(*, actor: Actor, name: str, wanted: str = "latest") -> TaxonomyVersion:
    """The edition called `latest`, by number or by exact SemVer. Raises Forbidden, TaxonomyNotFound, TaxonomyVersionNotFound."""
    actor.require("read", name)
    versions = (
        TaxonomyVersion.objects.filter(taxonomy__name=name).select_related("taxonomy").order_by("-number")
    )
    if not versions.exists():
        raise TaxonomyNotFound.named(name)
    found = versions.filter(_wanted(wanted)).first()
    if found is None:
        raise TaxonomyVersionNotFound.of(name, wanted)
    return found


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


def _locked(tree: Tree) -> Taxonomy:
    """The taxonomy's row, held until the transaction ends: two uploads at once would take the same number."""
    Taxonomy.objects.get_or_create(name=tree.taxonomy)
    return Taxonomy.objects.select_for_update().get(name=tree.taxonomy)


def _require_allowed(changes: list[Change]) -> None:
    forbidden = [change for change in changes if change.weight == "forbidden"]
    if forbidden:
        raise TaxonomyRuleBroken(forbidden[0].sentence, changes=[change.as_dict() for change in forbidden])


def _require_label(before: str, declared: str, changes: list[Change]) -> None:
    weight = required_bump(changes)
    lowest = _bumped(before, weight)
    if semver.Version.parse(declared) < lowest:
        reason = changes[0].sentence if changes else "The document differs from it."
        raise TaxonomyRuleBroken(
            f"After {before} this has to be called {lowest} or higher, not {declared}: {reason}",
            required=str(lowest),
            bump=weight,
            changes=[change.as_dict() for change in changes],
        )


def _bumped(before: str, weight: Weight) -> semver.Version:
    version = semver.Version.parse(before)
    return {"patch": version.bump_patch, "minor": version.bump_minor, "major": version.bump_major}[weight]()


def _digest(document: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).digest()


@cache
def _validator() -> Validator:
    return compile_validator(json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))
