"""The catalogue in the browser: subjects, a subject with its versions, a version with its evidence, settings."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from access.actor import Actor
from access.caller import caller
from access.errors import ProductError
from access.forms import explain
from access.keyset import page_of, ranked_page
from registry.api_requests import meant
from registry.change_state import next_states
from registry.configure import INSTANCE, configuration_of, rules_of, set_mode, set_rules, unset_mode
from registry.delete import delete_subject, delete_version
from registry.deprecation import readable_successor
from registry.describe import describe_version
from registry.docs_pages import field_rows
from registry.edit_subject import SubjectSettings, edit_subject
from registry.figures import figures_of, traffic
from registry.forms import SettingsForm, SubjectFilter
from registry.hold import pending_for
from registry.lookup import find_subject, referrers_of
from registry.models import Approval, Subject, SubjectQuerySet, Version
from registry.snippets import snippets_for
from registry.usage import use_known_here


@require_safe
def subjects(request: HttpRequest) -> HttpResponse:
    form = SubjectFilter(request.GET)
    found = _filtered(Subject.objects.readable_by(caller(request)), form)
    sort = form.cleaned_data["sort"] if form.is_valid() else ""
    counted = traffic() if sort == "traffic" else None
    if counted is None:
        newest = sort == "newest"
        page = page_of(request, found, key="newest" if newest else "name", descending=newest)
    else:
        page = ranked_page(request, found, counted, key="name")
    figures = figures_of([subject.name for subject in page.items])
    rows = [(subject, figures and figures[subject.name]) for subject in page.items]
    late = figures is None or (sort == "traffic" and counted is None)
    context = {"form": form, "page": page, "rows": rows, "late": late, "sort": sort}
    return render(request, "registry/subjects.html", context)


def _filtered(found: SubjectQuerySet, form: SubjectFilter) -> SubjectQuerySet:
    asked = form.cleaned_data if form.is_valid() else {}
    if not asked.get("deleted"):
        found = found.with_live_versions()
    if asked.get("q"):
        found = found.filter(name__icontains=asked["q"])
    if asked.get("owner"):
        found = found.filter(owner__icontains=asked["owner"])
    return found.with_latest(status=asked.get("verdict", ""))


@require_safe
def subject(request: HttpRequest, subject: str) -> HttpResponse:
    actor = caller(request)
    actor.require("read", subject)
    if name := _other_name(subject):
        return redirect("subject", name)
    row = find_subject(subject, deleted=True)
    versions = row.versions.select_related("content", "identity")
    live = Version.objects.live().filter(subject=row).order_by("-number")
    page, latest = page_of(request, versions, key="number"), live.first()
    context = {
        "subject": row,
        "page": page,
        "timeline": page.items[::-1],
        "figures": (figures_of([row.name]) or {}).get(row.name),
        "latest": latest,
        "use": use_known_here(actor=actor, version=latest) if latest else (),
        "rules": rules_of(subject),
        "may_write": actor.may("write", subject),
        "deleted": not row.versions.filter(deleted_at=None).exists(),
        "waiting": Approval.objects.waiting().filter(version__subject=row).count(),
        "default_retention": settings.EVENT_RETENTION.days,
    }
    return render(request, "registry/subject.html", context)


def _other_name(subject: str) -> str | None:
    """What an alias, or a name that names the default context, stands for; None where the name is a subject's own."""
    name = meant(subject)
    return name if name != subject and not Subject.objects.filter(name=subject).exists() else None


@require_safe
def version(request: HttpRequest, subject: str, version: str) -> HttpResponse:
    actor = caller(request)
    if name := _other_name(subject):
        return redirect("version", name, version)
    described = describe_version(actor=actor, subject=subject, version=version, deleted=True)
    found = described.version
    context = {
        "version": found,
        "described": described,
        "rows": field_rows(described),
        "verdict": shown_verdict(found.verdict),
        "snippets": snippets_for(found, settings.PUBLIC_URL),
        "used_by": referrers_of(found).readable_by(actor).select_related("subject"),
        "uses": found.uses.select_related("target__subject"),
        "may_write": actor.may("write", subject),
        "states": next_states(found) if actor.may("write", subject) else [],
        "approval": pending_for(found),
        "successor": readable_successor(actor, found),
        "notices": [notice for notice in found.notices.all() if notice.sunset == found.sunset],
    }
    return render(request, "registry/version.html", context)


def shown_verdict(verdict: Mapping[str, Any]) -> dict[str, Any]:
    """The evidence as the templates want it: every change says in words which direction it breaks."""
    changes = [
        {**change, "direction": " and ".join(change.get("breaks", []))}
        for change in verdict.get("changes", [])
    ]
    against = [
        {**pair, "changes": [change for change in changes if pair["version"] in change.get("against", [])]}
        for pair in verdict.get("against", [])
    ]
    return {**verdict, "changes": changes, "against": against}


@require_http_methods(["GET", "POST"])
def subject_settings(request: HttpRequest, subject: str) -> HttpResponse:
    actor = caller(request)
    actor.require("write", subject)
    row, own = find_subject(subject, deleted=True), configuration_of(subject)
    form = SettingsForm(
        request.POST or None, initial=SettingsForm.initial_of(row, own), inherited=rules_of(INSTANCE)
    )
    if form.is_valid():
        try:
            _save_settings(actor, subject, form.cleaned_data)
        except ProductError as error:
            explain(form, error)
        else:
            messages.success(request, "The settings are saved.")
            return redirect("subject", subject)
    return render(request, "registry/subject_settings.html", {"subject": row, "form": form})


def _save_settings(actor: Actor, subject: str, asked: dict[str, Any]) -> None:
    edit_subject(
        actor=actor,
        subject=subject,
        settings=SubjectSettings(
            owner=asked["owner"],
            description=asked["description"],
            strict=asked["strict"],
            assert_formats=asked["assert_formats"],
            needs_approval=asked["needs_approval"],
            evolution_rules=asked["evolution_rules"],
            version_when_absent=asked["version_when_absent"],
            retention_days=asked["retention_days"],
            unknown_schema_version=asked["unknown_schema_version"],
            event_profile=asked["event_profile"],
            rename_aliases=asked["rename_aliases"],
            signatures=asked["signatures"],
            sensitive_in_clear=asked["sensitive_in_clear"],
            max_event_bytes=asked["max_event_bytes"],
            max_event_depth=asked["max_event_depth"],
            accept_undecided={"": None, "no": False, "yes": True}[asked["accept_undecided"]],
        ),
    )
    own = configuration_of(subject)
    if (asked["level"], asked["policy"]) != ((own and own.level) or "", (own and own.policy) or ""):
        set_rules(actor=actor, subject=subject, level=asked["level"], policy=asked["policy"])
    _save_mode(actor, subject, asked["mode"], (own and own.mode) or "")


def _save_mode(actor: Actor, subject: str, wanted: str, present: str) -> None:
    if wanted != present:
        if wanted:
            set_mode(actor=actor, subject=subject, mode=wanted)
        else:
            unset_mode(actor=actor, subject=subject)


@require_POST
def remove_subject(request: HttpRequest, subject: str) -> HttpResponse:
    """Softly first; for good when it is soft-deleted already and the form says so."""
    permanent = request.POST.get("permanent") == "yes"
    try:
        delete_subject(actor=caller(request), subject=subject, permanent=permanent)
    except ProductError as error:
        messages.error(request, error.message)
        return redirect("subject", subject)
    messages.success(request, f"{subject} is deleted{' for good' if permanent else ''}.")
    return redirect(reverse("subjects") if permanent else reverse("subject", args=[subject]))


@require_POST
def remove_version(request: HttpRequest, subject: str, version: str) -> HttpResponse:
    permanent = request.POST.get("permanent") == "yes"
    try:
        delete_version(actor=caller(request), subject=subject, version=version, permanent=permanent)
    except ProductError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"Version {version} is deleted{' for good' if permanent else ''}.")
    if permanent and not Subject.objects.filter(name=subject).exists():
        return redirect("subjects")
    return redirect("subject", subject)
