"""The search page: the address holds the question, and without one the page teaches how to ask."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from access.caller import caller
from registry.errors import InvalidSearch
from registry.search import PAGE, Found, search
from registry.search_query import KEYS, TYPES, composed

EXAMPLES = (
    ("order placed", "both words, in names, titles, descriptions, owners, tags or fields"),
    ("field:user_id:string", "schemas with a field user_id that is a string"),
    ("field:user_*", "a field whose name begins so"),
    ("required:order_id", "a field that has to be there"),
    ("tag:PII -type:boolean", "tagged PII, and without any boolean field"),
    ('owner:"team shop" subject:shop.*', "of an owner, and named so"),
)


class SearchForm(forms.Form):
    q = forms.CharField(
        required=False,
        label="Search",
        max_length=500,
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false", "type": "search"}),
    )
    field = forms.CharField(required=False, label="Field", max_length=255)
    type = forms.ChoiceField(
        required=False,
        label="Type",
        choices=[("", "any"), *((name, name) for name in sorted(TYPES - {"any"}))],
    )
    owner = forms.CharField(required=False, label="Owner", max_length=200)
    tag = forms.CharField(required=False, label="Tag", max_length=255)
    versions = forms.ChoiceField(
        required=False,
        label="Versions",
        choices=[("", "latest"), ("all", "all live")],
    )


@require_safe
def search_page(request: HttpRequest) -> HttpResponse:
    form = SearchForm(request.GET)
    context: dict[str, Any] = {"form": form, "examples": EXAMPLES, "keys": KEYS.items()}
    try:
        found = search(
            actor=caller(request),
            text=composed(request.GET.get("q", ""), request.GET),
            every_version=request.GET.get("versions") == "all",
            offset=_offset(request),
        )
    except InvalidSearch as error:
        return render(request, "registry/search.html", context | {"error": error}, status=422)
    return render(request, "registry/search.html", context | {"found": found, "page": _page(found)})


def _offset(request: HttpRequest) -> int:
    given = request.GET.get("offset", "")
    return int(given[:6]) if given.isascii() and given.isdigit() else 0


def _page(found: Found) -> dict[str, int | None]:
    """Numbers for people, from 1, and the offsets of the neighbouring pages."""
    end = found.offset + len(found.hits)
    return {
        "first": found.offset + 1,
        "last": end,
        "previous": max(0, found.offset - PAGE) if found.offset else None,
        "next": end if found.hits and end < found.count else None,
    }
