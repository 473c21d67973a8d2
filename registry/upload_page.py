"""The page that publishes a schema, or says beforehand what publishing it would come to."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from access.actor import Actor
from access.caller import caller
from access.errors import ProductError
from registry.check import Overview, beside_all
from registry.errors import ApprovalRequired, SubjectNotFound, VersionNotFound
from registry.forms import UploadForm
from registry.lookup import find_version
from registry.models import Version
from registry.pages import shown_verdict
from registry.publish import Published, publish_version

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
    """`?subject=` begins with the latest version of that subject. The button "check" stores nothing.

    While somebody types, htmx asks for the verdict alone, which stores nothing either, whatever was pressed.
    """
    if request.method == "GET":
        form = UploadForm(initial=_beginning(caller(request), request.GET.get("subject", "")))
        return render(request, "registry/upload.html", {"form": form})
    form = UploadForm(request.POST)
    if request.htmx:  # type: ignore[attr-defined]
        # A fragment is swapped in whatever it says.
        return render(request, "registry/_upload_plan.html", _while_typing(caller(request), form))
    if not form.is_valid():
        return render(request, "registry/upload.html", {"form": form}, status=422)
    return _pressed(request, form)


def _pressed(request: HttpRequest, form: UploadForm) -> HttpResponse:
    """Without a button that publishes, it is a check."""
    dry_run = not {"publish", "force"} & request.POST.keys()
    try:
        published = _publish(caller(request), form, dry_run=dry_run, force="force" in request.POST)
    except ApprovalRequired as waits:
        messages.info(request, waits.message)
        return redirect("approval", waits.facts["approval"])
    except ProductError as error:
        form.add_error(_FIELD_OF.get(error.code), _message(error))
        context = {"form": form, **_refusal(caller(request), form, error)}
        return render(request, "registry/upload.html", context, status=422)
    if dry_run:
        return render(
            request, "registry/upload.html", {"form": form, **_plan(caller(request), form, published)}
        )
    _tell(request, published)
    address = reverse("version", args=[published.subject, published.number])
    return redirect(address)


def _while_typing(actor: Actor, form: UploadForm) -> dict[str, Any]:
    """The verdict of the schemas alone: judges of stored events and rules are asked by the button."""
    if not form.is_valid():
        return {"unreadable": [*form.errors.get("references", ())]}
    try:
        return _plan(actor, form, _publish(actor, form, dry_run=True, quick=True))
    except ProductError as error:
        return {"message": _message(error), **_refusal(actor, form, error)}


def _refusal(actor: Actor, form: UploadForm, error: ProductError) -> dict[str, Any]:
    may_force = error.code == "undecided_schema" and actor.may("admin", form.cleaned_data["subject"])
    verdict = shown_verdict(error.facts)
    overview = _overview(actor, form) if verdict["against"] else None
    return {"error": error, "verdict": verdict, "may_force": may_force, "overview": overview}


def _message(error: ProductError) -> str:
    """Without what the verdict below says better."""
    return error.message.partition(", details: [")[0]


def _overview(actor: Actor, form: UploadForm) -> Overview | None:
    """None where the deciding verdicts are all there is."""
    asked = form.cleaned_data
    try:
        found = beside_all(
            actor=actor,
            subject=asked["subject"],
            schema=asked["schema"],
            references=asked["references"],
            seconds=settings.UPLOAD_JUDGE_SECONDS,
        )
    except ProductError:
        # The answer itself says what is wrong; whoever may publish and not read is shown no versions.
        return None
    return found if found.left_out or len(found.pairs) > len(found.deciding) else None


def _beginning(actor: Actor, subject: str) -> dict[str, str]:
    if not subject or not actor.may("read", subject):
        return {"subject": subject}
    try:
        latest = find_version(subject, "latest")
    except (SubjectNotFound, VersionNotFound):
        return {"subject": subject}
    references = "\n".join(f"{r['name']} {r['subject']} {r['version']}" for r in latest.content.references)
    return {"subject": subject, "schema": latest.content.text, "references": references}


def _publish(
    actor: Actor, form: UploadForm, *, dry_run: bool, force: bool = False, quick: bool = False
) -> Published:
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
        exact=asked["exact"] and not quick,
        quick=quick,
    )


def _plan(actor: Actor, form: UploadForm, published: Published) -> dict[str, Any]:
    judgement = published.judgement
    if judgement is None:
        return {"plan": published, "verdict": {}}
    return {
        "plan": published,
        "verdict": shown_verdict(judgement.as_dict()),
        "overview": _overview(actor, form),
    }


def _tell(request: HttpRequest, published: Published) -> None:
    if published.created and published.version and published.version.state == Version.State.DRAFT:
        messages.success(request, f"Kept as draft {published.number}; it would become {published.semver}.")
    elif published.created:
        messages.success(request, f"Published {published.semver} as version {published.number}.")
    else:
        messages.info(
            request, f"This very schema is version {published.number} already; nothing was changed."
        )
