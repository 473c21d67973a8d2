"""The taxonomies in the browser: which there are, and one edition as a tree with a search over codes."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from access.caller import caller
from registry.models import TaxonomyVersion
from registry.taxonomy import find_taxonomy_version, readable_taxonomies
from registry.taxonomy_tree import Area, Code, Tree


class Search(forms.Form):
    q = forms.CharField(required=False, label="Code, area or words", max_length=200)


@require_safe
def taxonomies(request: HttpRequest) -> HttpResponse:
    rows = [
        {"taxonomy": taxonomy, "latest": latest, "tree": Tree.of(latest.document)}
        for taxonomy in readable_taxonomies(actor=caller(request))
        if (latest := taxonomy.versions.order_by("-number").first()) is not None
    ]
    return render(request, "registry/taxonomies.html", {"rows": rows})


@require_safe
def taxonomy(request: HttpRequest, name: str, wanted: str = "latest") -> HttpResponse:
    """`?q=` looks for a code in any spelling, an area, or words of its name and meaning."""
    version = find_taxonomy_version(actor=caller(request), name=name, wanted=wanted)
    search = Search(request.GET)
    query = search.cleaned_data["q"] if search.is_valid() else ""
    tree = Tree.of(version.document)
    areas = [(area, _found(tree, area, query)) for area in tree.areas]
    context = {
        "version": version,
        "tree": tree,
        "search": search,
        "query": query,
        "areas": [(area, codes) for area, codes in areas if codes or not query],
        "shown": sum(len(codes) for _, codes in areas),
        "versions": TaxonomyVersion.objects.filter(taxonomy=version.taxonomy).order_by("-number"),
    }
    return render(request, "registry/taxonomy.html", context)


def _found(tree: Tree, area: Area, query: str) -> list[Code]:
    return [code for code in area.codes if not query or _answers(tree, code, query)]


def _answers(tree: Tree, code: Code, query: str) -> bool:
    if tree.area_of(query.removeprefix(f"{tree.prefix}_")) is not None or tree.find(query) is not None:
        return tree.matches(query, code.short)
    words = f"{code.long} {code.words} {code.meaning}".lower()
    return all(word in words for word in query.lower().split())
