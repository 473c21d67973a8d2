"""Pages for administrators: people, invitations, the audit log."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from access import audit as audit_log
from access.caller import caller
from access.errors import ProductError
from access.forms import AuditFilter, InvitationForm, RoleForm, explain
from access.invite import invite, send_invitation, withdraw_invitation
from access.keyset import page_of
from access.models import Invitation, Token
from access.people import grant_role, set_active, take_role


def people(request: HttpRequest) -> HttpResponse:
    caller(request).require_everywhere("admin")
    page = page_of(request, User.objects.prefetch_related("roles"), key="username", descending=False)
    waiting = Invitation.objects.filter(accepted_at=None, withdrawn_at=None, expires_at__gt=timezone.now())
    context = {"page": page, "invitations": waiting.select_related("invited_by")}
    return render(request, "access/people.html", context)


def person(request: HttpRequest, username: str) -> HttpResponse:
    caller(request).require_everywhere("admin")
    shown = get_object_or_404(User.objects.prefetch_related("roles"), username=username)
    form = RoleForm(request.POST or None)
    if form.is_valid():
        try:
            grant_role(actor=caller(request), username=username, **form.cleaned_data)
        except ProductError as error:
            explain(form, error)
        else:
            messages.success(request, f"{username} has the role now.")
            return redirect("person", username)
    tokens = Token.objects.usable().filter(owner=shown).count()
    return render(request, "access/person.html", {"person": shown, "form": form, "tokens": tokens})


@require_POST
def role_take(request: HttpRequest, username: str, role_id: int) -> HttpResponse:
    try:
        take_role(actor=caller(request), username=username, role_id=role_id)
    except ProductError as error:
        messages.error(request, error.message)
    return redirect("person", username)


@require_POST
def person_active(request: HttpRequest, username: str) -> HttpResponse:
    active = request.POST.get("active") == "yes"
    try:
        set_active(actor=caller(request), username=username, active=active)
    except ProductError as error:
        messages.error(request, error.message)
    return redirect("person", username)


@never_cache
def invitation_new(request: HttpRequest) -> HttpResponse:
    caller(request).require_everywhere("admin")
    form = InvitationForm(request.POST or None)
    if form.is_valid():
        given = dict(form.cleaned_data)
        by_email = given.pop("by_email", False)
        try:
            invitation, secret = invite(actor=caller(request), **given)
        except ProductError as error:
            explain(form, error)
        else:
            link = settings.PUBLIC_URL + reverse("invitation", args=[secret])
            context = {"invitation": invitation, "link": link, "sent": by_email and _sent(invitation, link)}
            return render(request, "access/invitation_made.html", {**context, "by_email": by_email})
    return render(request, "access/invitation_new.html", {"form": form})


def _sent(invitation: Invitation, link: str) -> bool:
    try:
        send_invitation(invitation=invitation, link=link)
    except OSError:  # the mail server is away, or refuses: the page says so and shows the link
        return False
    return True


@require_POST
def invitation_withdraw(request: HttpRequest, invitation_id: int) -> HttpResponse:
    withdraw_invitation(actor=caller(request), invitation_id=invitation_id)
    messages.success(request, "The invitation's link does not work any more.")
    return redirect("people")


def audit(request: HttpRequest) -> HttpResponse:
    caller(request).require_everywhere("admin")
    filters = AuditFilter(request.GET)
    page = page_of(request, filters.rows())
    check = audit_log.verify() if "check" in request.GET else None
    return render(request, "access/audit.html", {"page": page, "filters": filters, "check": check})
