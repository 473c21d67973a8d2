"""The page that publishes a schema, or says beforehand what publishing it would come to."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from access.actor import Actor
from access.caller import caller
from access.errors import ProductError
from registry.check import judge_against_each
from registry.errors import ApprovalRequired, SubjectNotFound, VersionNotFound
from registry.forms import UploadForm
from registry.lookup import find_version
from registry.models import Version
from registry.pages import shown_verdict
from registry.publish import Published, publish_version
from registry.upload import read_upload

# Where a refusal is shown beside the field it is about.
_FIELD_OF = {
    "invalid_subject": "subject",
    "invalid_schema": "schema",
    "schema_too_large": "schema",
    "invalid_version": "semver",
    "version_too_low": "semver",
    "version_taken": "semver",
}


@require_http_methods(["GET", "POST"])
def upload(request: HttpRequest) -> HttpResponse:
    """`?subject=` begins with the latest version of that subject. Only "publish" and "force" store anything."""
    if request.method == "GET":
        form = UploadForm(initial=_beginning(caller(request), request.GET.get("subject", "")))
        return render(request, "registry/upload.html", {"form": form})
    form = UploadForm(request.POST)
    if request.htmx:  # type: ignore[attr-defined]
        # While somebody writes; a fragment is swapped in whatever it says.
        return render(request, "registry/_every_version.html", _beside_every(caller(request), form))
    if not form.is_valid():
        return render(request, "registry/upload.html", {"form": form}, status=422)
    return _answer(request, form)


def _answer(request: HttpRequest, form: UploadForm) -> HttpResponse:
    dry_run = not {"publish", "force"} & request.POST.keys()
    try:
        published = _publish(caller(request), form, dry_run=dry_run, force="force" in request.POST)
    except ApprovalRequired as waits:
        messages.info(request, waits.message)
        return redirect("approval", waits.facts["approval"])
    except ProductError as error:
        return _refused(request, form, error)
    if dry_run:
        context = {"form": form, **_plan(published), **_beside_every(caller(request), form)}
        return render(request, "registry/upload.html", context)
    _tell(request, published)
    address = reverse("version", args=[published.subject, published.number])
    return redirect(address)


def _refused(request: HttpRequest, form: UploadForm, error: ProductError) -> HttpResponse:
    """With what was typed, and why not."""
    actor = caller(request)
    context = {
        "form": form,
        "error": error,
        "verdict": shown_verdict(error.facts),
        "may_force": error.code == "undecided_schema" and actor.may("admin", form.cleaned_data["subject"]),
        **_beside_every(actor, form),
    }
    form.add_error(_FIELD_OF.get(error.code), error.message.partition(", details: [")[0])
    return render(request, "registry/upload.html", context, status=422)


def _beginning(actor: Actor, subject: str) -> dict[str, str]:
    if not subject or not actor.may("read", subject):
        return {"subject": subject}
    try:
        latest = find_version(subject, "latest")
    except (SubjectNotFound, VersionNotFound):
        return {"subject": subject}
    references = "\n".join(f"{r['name']} {r['subject']} {r['version']}" for r in latest.content.references)
    return {"subject": subject, "schema": latest.content.text, "references": references}


def _publish(actor: Actor, form: UploadForm, *, dry_run: bool, force: bool) -> Published:
    asked = form.cleaned_data
    return publish_version(
        actor=actor,
        subject=asked["subject"],
        schema=asked["schema"],
        references=asked["references"],
        semver=asked["semver"] or None,
        note=asked["note"],
        draft=asked["draft"],
        dry_run=dry_run,
        force=force,
        exact=asked["exact"],
    )


def _beside_every(actor: Actor, form: UploadForm) -> dict[str, Any]:
    """The schema beside every version of its subject, or why that cannot be said."""
    try:
        asked = (
            {name: form.cleaned_data[name] for name in ("schema", "references")} if form.is_valid() else {}
        )
        if not asked:
            return {"unclear": next(iter(form.errors.values()))[0]}
        semver = form.cleaned_data["semver"] or None
        upload = read_upload(actor=actor, subject=form.cleaned_data["subject"], semver=semver, **asked)
        return {"every": judge_against_each(actor=actor, upload=upload)}
    except ProductError as error:
        return {"unclear": error.message}


def _plan(published: Published) -> dict[str, Any]:
    judgement = published.judgement
    return {"plan": published, "verdict": shown_verdict(judgement.as_dict()) if judgement else {}}


def _tell(request: HttpRequest, published: Published) -> None:
    if published.created and published.version and published.version.state == Version.State.DRAFT:
        messages.success(request, f"Kept as draft {published.number}; it would become {published.semver}.")
    elif published.created:
        messages.success(request, f"Published {published.semver} as version {published.number}.")
    else:
        messages.info(
            request, f"This very schema is version {published.number} already; nothing was changed."
        )
