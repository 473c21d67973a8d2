"""Which stored events carry an error code, one below it, or one of its area: by taxonomies, not by leading characters."""

from collections.abc import Iterator

from django.db.models import F, Q
from django.db.models.functions import Upper
from django.db.models.lookups import In

from access.actor import Actor
from registry.models import TaxonomyVersion
from registry.taxonomy import readable_taxonomies
from registry.taxonomy_tree import Tree


def carrying(*, actor: Actor, text: str) -> Q:
    """Events whose code is this text, or what the text means in a taxonomy that the actor may read.

    A code, in any spelling, also asks for the codes below it; an area (`STAMP`, `ONEX_STAMP`, `ONEX_STAMP_*`) for all of its
    codes, those included that the newest edition does not have.
    """
    condition = Q(error_code=text)
    for tree in _newest(actor):
        condition |= _meant(tree, text)
    # Said so that the index of the few events with a code is of use.
    return condition & Q(error_code__isnull=False)


def _newest(actor: Actor) -> Iterator[Tree]:
    editions = TaxonomyVersion.objects.filter(taxonomy__in=readable_taxonomies(actor=actor))
    for edition in editions.order_by("taxonomy_id", "-number").distinct("taxonomy_id"):
        yield Tree.of(edition.document)


def _meant(tree: Tree, text: str) -> Q:
    area = tree.area_asked(text)
    codes = [code for code in tree.codes if tree.matches(text, code.short)]
    names = {code.short for code in codes}
    spellings = {spelling for spelling, code in tree.spellings.items() if code.short in names}
    spellings |= {alias.upper() for code in codes for alias in code.aliases}
    condition = Q(In(Upper(F("error_code")), sorted(spellings))) if spellings else Q(pk__in=[])
    if area is not None:
        # Letters only, as the taxonomy's schema has them.
        tokens = "|".join((area.token, *area.aliases))
        condition |= Q(error_code__iregex=f"^{tree.prefix}_({tokens})_[0-9]{{3}}(_|$)")
    return condition
