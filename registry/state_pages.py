"""Changing the state of a version, and the queue of uploads that wait for a second person, in the browser."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from access.actor import Actor
from access.caller import caller
from access.errors import ProductError
from access.forms import explain
from access.keyset import page_of
from registry.approve import approve, find_approval, latest_beside, may_decide, reject
from registry.change_state import Deprecation, change_state
from registry.errors import ApprovalRequired
from registry.forms import ApprovalFilter, ApproveForm, DeprecationForm, RejectForm
from registry.lookup import find_any_version
from registry.models import Approval, Version, VersionMigration
from registry.pages import shown_verdict
from registry.publish import activate_draft


@require_http_methods(["GET", "POST"])
def deprecate(request: HttpRequest, subject: str, version: str) -> HttpResponse:
    """Deprecates a version, or says something else about one that is deprecated."""
    actor = caller(request)
    actor.require("write", subject)
    found = find_any_version(subject, version)
    form = DeprecationForm(request.POST or None, initial=DeprecationForm.initial_of(found))
    if form.is_valid():
        try:
            change_state(
                actor=actor,
                subject=subject,
                version=str(found.number),
                state=Version.State.DEPRECATED,
                deprecation=Deprecation(**form.cleaned_data),
            )
        except ProductError as error:
            explain(form, error)
        else:
            messages.success(request, f"{found.semver} is deprecated.")
            return redirect("version", subject, found.number)
    return render(request, "registry/deprecate.html", {"version": found, "form": form})


@require_POST
def set_state(request: HttpRequest, subject: str, version: str) -> HttpResponse:
    """Activate, archive, restore or reinstate: the steps that need no more than a yes."""
    wanted = request.POST.get("state", "")
    try:
        changed = change_state(actor=caller(request), subject=subject, version=version, state=wanted)
    except ApprovalRequired as waits:
        messages.info(request, waits.message)
        return redirect("approval", waits.facts["approval"])
    except ProductError as error:
        messages.error(request, error.message.partition(", details: [")[0])
        return redirect("version", subject, version)
    messages.success(request, f"{changed.semver} is {changed.state}.")
    return redirect("version", subject, changed.number)


@require_safe
def approvals(request: HttpRequest) -> HttpResponse:
    form = ApprovalFilter({"state": "pending", **request.GET.dict()})
    rows = Approval.objects.select_related("version__subject", "version__identity").readable_by(
        caller(request)
    )
    asked = form.cleaned_data if form.is_valid() else {}
    state = asked.get("state") or "pending"
    rows = rows.waiting() if state == "pending" else rows.matching({"state": "" if state == "all" else state})
    subject = asked.get("subject", "")
    page = page_of(request, rows.matching({"subject": subject}))
    context = {"form": form, "page": page, "migrations": _migrations(request, state, subject)}
    return render(request, "registry/approvals.html", context)


def _migrations(request: HttpRequest, state: str, subject: str) -> list[VersionMigration]:
    """Those that wait, beside the uploads that do: each has its decision on its subject's page of migrations."""
    if state not in ("pending", "all"):
        return []
    rows = VersionMigration.objects.waiting().readable_by(caller(request))
    found = rows.of(subject) if subject else rows.select_related("subject", "source", "target")
    return list(found.order_by("created_at"))


@require_safe
def approval(request: HttpRequest, approval_id: int) -> HttpResponse:
    return _shown(request, find_approval(caller(request), approval_id))


def _shown(request: HttpRequest, found: Approval, *, status: int = 200, **more: Any) -> HttpResponse:
    actor = caller(request)
    waits = found.state == Approval.State.PENDING and found.version.deleted_at is None
    context = {
        "approval": found,
        "version": found.version,
        "waits": waits,
        "may_decide": waits and may_decide(actor, found),
        "approve_form": ApproveForm(initial={"seen": latest_beside(found)}, auto_id="approve-%s"),
        "reject_form": RejectForm(auto_id="reject-%s"),
        **more,
    }
    if waits:
        context |= _judged_now(actor, found.version)
    context["verdict"] = shown_verdict(context.get("verdict") or found.version.verdict)
    return render(request, "registry/approval.html", context, status=status)


def _judged_now(actor: Actor, draft: Version) -> dict[str, Any]:
    """What approving would come to at this moment; for those who may only read, what was found at the upload."""
    if not actor.may("write", draft.subject.name):
        return {}
    try:
        plan = activate_draft(actor=actor, draft=draft, approved=True, dry_run=True)
    except ProductError as error:
        return {"problem": error.message}
    return {"plan": plan, "verdict": plan.judgement.as_dict() if plan.judgement else None}


@require_POST
def approve_upload(request: HttpRequest, approval_id: int) -> HttpResponse:
    actor, form = caller(request), ApproveForm(request.POST, auto_id="approve-%s")
    found = find_approval(actor, approval_id)
    if form.is_valid():
        try:
            published = approve(actor=actor, approval_id=approval_id, **form.cleaned_data)
        except ProductError as error:
            explain(form, error)
        else:
            messages.success(request, f"Published {published.semver} as version {published.number}.")
            return redirect("version", published.subject, published.number)
    found.refresh_from_db()
    return _shown(request, found, status=422, approve_form=form)


@require_POST
def reject_upload(request: HttpRequest, approval_id: int) -> HttpResponse:
    actor, form = caller(request), RejectForm(request.POST, auto_id="reject-%s")
    found = find_approval(actor, approval_id)
    if form.is_valid():
        try:
            reject(actor=actor, approval_id=approval_id, **form.cleaned_data)
        except ProductError as error:
            explain(form, error)
        else:
            messages.success(request, "Rejected. The draft stays for its author to mend or delete.")
            return redirect("approval", approval_id)
    found.refresh_from_db()
    return _shown(request, found, status=422, reject_form=form)
