"""The page that holds what authors declared against what was computed."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from access.caller import caller
from access.keyset import page_of
from registry.declared_changes import CHANGE, SENTENCES, VERSION, contradiction_of, declared_changes, summary
from registry.models import Version


class KindFilter(forms.Form):
    kind = forms.ChoiceField(
        required=False,
        label="Author and verdict",
        choices=[
            ("any", "contradict each other"),
            ("breaks", "declared harmless, breaks"),
            ("unproven", "declared harmless, undecided"),
            ("milder", "declared breaking, breaks nothing"),
            ("all", "all declared changes"),
        ],
    )


@require_safe
def declared_page(request: HttpRequest) -> HttpResponse:
    """Contradictions, unless the address asks for others."""
    actor = caller(request)
    form = KindFilter({"kind": request.GET.get("kind") or "any"})
    kind = form.cleaned_data["kind"] if form.is_valid() else "any"
    page = page_of(
        request, declared_changes(actor=actor, kind="" if kind == "all" else kind), descending=False
    )
    context = {
        "form": form,
        "summary": summary(actor=actor),
        "page": page,
        "rows": [_row(version) for version in page.items],
    }
    return render(request, "registry/declared.html", context)


def _row(version: Version) -> dict[str, Any]:
    properties: dict[str, str] = (version.metadata or {})["properties"]
    label = version.verdict.get("semver", {})
    kind = contradiction_of(properties[CHANGE], label)
    return {
        "version": version,
        "schemaver": properties.get(VERSION, ""),
        "declared": properties[CHANGE],
        "label": label,
        "kind": kind,
        "sentence": SENTENCES.get(kind, ""),
    }
