"""The taxonomies in the browser: which there are, one edition as a tree with counts, and what changed between two."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from access.caller import caller
from registry.enums import GENERATORS
from registry.models import TaxonomyVersion
from registry.taxonomy import find_taxonomy_version, find_two_editions, readable_taxonomies
from registry.taxonomy_bindings import dependents_of
from registry.taxonomy_codes import Search, recognise
from registry.taxonomy_rules import Change, compare, required_bump
from registry.taxonomy_tree import Area, Code, Tree
from registry.taxonomy_usage import DEFAULT_DAYS, CodeUse, Usage, usage_of

#: A tree with more codes is opened one area at a time.
MOST_AT_ONCE = 300
_DEEPEST = 4
LANGUAGES = {"py": "Python", "ts": "TypeScript", "go": "Go", "java": "Java"}
SHOW = [
    ("", "every code"),
    ("current", "codes in use"),
    ("deprecated", "deprecated codes"),
    ("sent", "codes that events carry"),
]
DAYS = [(1, "1 day"), (7, "7 days"), (30, "30 days"), (90, "90 days")]


class TreeFilter(forms.Form):
    q = forms.CharField(required=False, label="Code, area or words", max_length=200)
    show = forms.ChoiceField(required=False, label="Show", choices=SHOW)
    days = forms.TypedChoiceField(
        required=False, label="Events of", choices=DAYS, coerce=int, initial=DEFAULT_DAYS
    )
    area = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)


class EditionsForm(forms.Form):
    """`from` is no name for a class's member."""

    def __init__(self, *args: Any, editions: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(label, label) for label in editions]
        self.fields["from"] = forms.ChoiceField(label="From", choices=choices)
        self.fields["to"] = forms.ChoiceField(label="To", choices=choices)


@dataclass(frozen=True, slots=True)
class Row:
    """A code as the tree shows it; `depth` steps below its area."""

    code: Code
    depth: int
    use: CodeUse | None
    successor: Code | None


@require_safe
def taxonomies(request: HttpRequest) -> HttpResponse:
    actor = caller(request)
    rows = [
        {"taxonomy": taxonomy, "latest": latest, "tree": Tree.of(latest.document)}
        for taxonomy in readable_taxonomies(actor=actor)
        if (latest := taxonomy.versions.order_by("-number").first()) is not None
    ]
    return render(request, "registry/taxonomies.html", {"rows": rows, "may_write": actor.may("write")})


@require_safe
def taxonomy(request: HttpRequest, name: str, wanted: str = "latest") -> HttpResponse:
    """`?q=` looks for a code in any spelling, an area, or words; `?area=` opens one area; `?show=`, `?days=`."""
    actor = caller(request)
    version = find_taxonomy_version(actor=actor, name=name, wanted=wanted)
    tree = Tree.of(version.document)
    search = TreeFilter({"days": DEFAULT_DAYS, **request.GET.dict()})
    asked = search.cleaned_data if search.is_valid() else {}
    query, area, show = asked.get("q", ""), asked.get("area", ""), asked.get("show", "")
    usage = usage_of(
        actor=actor, tree=tree, since=timezone.now() - timedelta(days=asked.get("days") or DEFAULT_DAYS)
    )
    areas = list(_areas(tree, Search(query=query, area=area), show, usage))
    dependents, hidden = dependents_of(actor=actor, taxonomy=name, version=version.semver)
    context = {
        "version": version,
        "tree": tree,
        "search": search,
        "query": query,
        "filtered": bool(query or area or show),
        "areas": areas,
        "shown": sum(len(rows) for _, rows, _ in areas),
        # A long tree is opened one area at a time; a search always shows what it found.
        "folded": len(tree.by_short) > MOST_AT_ONCE and not (query or area or show),
        "usage": usage,
        "recognised": recognise(tree, query) if query and not areas else None,
        "dependents": dependents,
        "hidden": hidden,
        "versions": TaxonomyVersion.objects.filter(taxonomy=version.taxonomy)
        .defer("document")
        .order_by("-number"),
        "downloads": [(LANGUAGES[extension], extension) for extension in GENERATORS],
        "tabs": _tabs(name, version, tree, show),
        "may_write": actor.may("write", name),
    }
    return render(request, "registry/taxonomy.html", context)


@require_safe
def compare_editions(request: HttpRequest, name: str) -> HttpResponse:
    """`?from=` and `?to=`: what changed, in words; by default what the latest edition changed."""
    old, new = find_two_editions(
        actor=caller(request),
        name=name,
        before=request.GET.get("from", ""),
        after=request.GET.get("to", ""),
    )
    before, after = Tree.of(old.document), Tree.of(new.document)
    changes = compare(before, after)
    editions = TaxonomyVersion.objects.filter(taxonomy=new.taxonomy).order_by("-number")
    form = EditionsForm(
        {"from": old.semver, "to": new.semver}, editions=list(editions.values_list("semver", flat=True))
    )
    context = {
        "old": old,
        "new": new,
        "form": form,
        "groups": _by_weight(changes),
        "bump": required_bump(changes) if changes else "",
        "tabs": _tabs(name, new, after, "compare"),
        "version": new,
    }
    return render(request, "registry/taxonomy_compare.html", context)


def _by_weight(changes: list[Change]) -> list[tuple[str, list[Change]]]:
    weights = dict.fromkeys(change.weight for change in changes)
    return [(weight, [change for change in changes if change.weight == weight]) for weight in weights]


def _areas(tree: Tree, search: Search, show: str, usage: Usage) -> Iterator[tuple[Area, list[Row], int]]:
    """The areas with the codes that are shown, and the events of all codes of the area."""
    for area in tree.areas:
        rows = [row for row in _rows(tree, area, usage) if search.finds(tree, row.code) and _SHOWN[show](row)]
        if rows or not (search.query or search.area or show):
            events = sum(use.events for code in area.codes if (use := usage.codes.get(code.short)))
            yield area, rows, events


_SHOWN: dict[str, Callable[[Row], bool]] = {
    "": lambda _: True,
    "current": lambda row: row.code.deprecated is None,
    "deprecated": lambda row: row.code.deprecated is not None,
    "sent": lambda row: row.use is not None,
}


def _rows(tree: Tree, area: Area, usage: Usage) -> Iterator[Row]:
    """Codes by number, each followed by those below it."""
    here = {code.short for code in area.codes}
    below: dict[str, list[Code]] = {}
    for code in sorted(area.codes, key=lambda code: code.number):
        below.setdefault(code.parent if code.parent in here else "", []).append(code)
    waiting = [(code, 0) for code in reversed(below.get("", []))]
    while waiting:
        code, depth = waiting.pop()
        successor = tree.by_short.get(code.replaced_by or "")
        yield Row(code, min(depth, _DEEPEST), usage.codes.get(code.short), successor)
        waiting += [(child, depth + 1) for child in reversed(below.get(code.short, []))]


def _tabs(name: str, version: TaxonomyVersion, tree: Tree, current: str) -> list[dict[str, Any]]:
    page = reverse("taxonomy-version", args=[name, version.semver])
    deprecated = sum(code.deprecated is not None for code in tree.codes)
    return [
        {
            "label": "Codes",
            "url": page,
            "count": len(tree.by_short),
            "current": current not in {"deprecated", "compare"},
        },
        {
            "label": "Deprecated",
            "url": f"{page}?show=deprecated",
            "count": deprecated,
            "current": current == "deprecated",
        },
        {
            "label": "Changes",
            "url": f"{reverse('taxonomy-compare', args=[name])}?to={version.semver}",
            "count": None,
            "current": current == "compare",
        },
    ]
