"""The page that publishes an edition of a taxonomy, or says beforehand what publishing it would come to."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from access.actor import Actor
from access.caller import caller
from access.errors import ProductError
from registry.taxonomy import find_taxonomy_version, publish_taxonomy
from registry.taxonomy_draft import in_reading_order
from registry.taxonomy_errors import TaxonomyTooLarge
from registry.taxonomy_requests import guessed_form
from registry.taxonomy_text import read_document, write_document

_EXAMPLE = """\
taxonomy: shop-errors
prefix: SHOP
description: What goes wrong in the shop.
areas:
- token: PAY
  name: Payment
  first: 1
  last: 99
  codes:
  - number: 1
    slug: CARD_DECLINED
    meaning: The bank refused the card.
    severity: ERROR
    recoverable: no
    http_status: 402
"""


class TaxonomyForm(forms.Form):
    document = forms.CharField(
        label="Taxonomy as YAML or JSON",
        strip=False,
        required=False,
        widget=forms.Textarea(
            attrs={"class": "code tall", "rows": 24, "autocapitalize": "none", "spellcheck": "false"}
        ),
        help_text="Leave version out and it is computed; a new major has to be declared.",
    )
    file = forms.FileField(
        label="Or a file",
        required=False,
        widget=forms.ClearableFileInput(attrs={"accept": ".yaml,.yml,.json"}),
        help_text="Taken in place of the text above.",
    )
    note = forms.CharField(
        label="What changed", required=False, max_length=10_000, widget=forms.Textarea(attrs={"rows": 2})
    )


@require_http_methods(["GET", "POST"])
def upload(request: HttpRequest) -> HttpResponse:
    """`?name=` begins with the latest edition of that taxonomy. Only the button "publish" stores anything."""
    if request.method == "GET":
        form = TaxonomyForm(initial={"document": _beginning(caller(request), request.GET.get("name", ""))})
        return render(request, "registry/taxonomy_upload.html", {"form": form})
    form = TaxonomyForm(request.POST, request.FILES)
    publish = "publish" in request.POST and not request.htmx  # type: ignore[attr-defined]
    context: dict[str, Any] = {"form": form}
    if form.is_valid():
        try:
            plan = _published(caller(request), form, dry_run=not publish)
        except ProductError as error:
            context["error"] = error
        else:
            if publish:
                created = "Published" if plan.created else "This very document was published already, as"
                messages.success(request, f"{created} {plan.taxonomy} {plan.semver}.")
                return redirect("taxonomy-version", plan.taxonomy, plan.semver)
            context["plan"] = plan
    if request.htmx:  # type: ignore[attr-defined]
        # A fragment is swapped in whatever it says.
        return render(request, "registry/_taxonomy_plan.html", context)
    status = 200 if "plan" in context else 422
    return render(request, "registry/taxonomy_upload.html", context, status=status)


def _published(actor: Actor, form: TaxonomyForm, *, dry_run: bool) -> Any:
    raw = _raw(form)
    document = read_document(raw, form=guessed_form(raw))
    note = form.cleaned_data["note"]
    return publish_taxonomy(actor=actor, document=document, note=note, dry_run=dry_run)


def _raw(form: TaxonomyForm) -> bytes:
    file = form.cleaned_data["file"]
    if file is None:
        text: str = form.cleaned_data["document"]
        return text.encode(errors="surrogatepass")
    if file.size > settings.TAXONOMY_MAX_BYTES:
        raise TaxonomyTooLarge.bytes(file.size, settings.TAXONOMY_MAX_BYTES)
    raw: bytes = file.read()
    return raw


def _beginning(actor: Actor, name: str) -> str:
    """The latest edition without its version, which the next one gets anew; an example for a new taxonomy."""
    if not name or not actor.may("read", name):
        return _EXAMPLE
    try:
        latest = find_taxonomy_version(actor=actor, name=name)
    except ProductError:
        return _EXAMPLE.replace("shop-errors", name)
    document = in_reading_order(latest.document)
    del document["version"]
    return write_document(document, form="yaml")
