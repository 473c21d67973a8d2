"""Pages about oneself: signing in, one's password, accepting an invitation, one's tokens."""

from django.conf import settings
from django.contrib import admin, auth, messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from access.caller import caller
from access.errors import InvitationInvalid, LoginThrottled, ProductError, WrongPassword
from access.forms import NewPasswordForm, PasswordForm, SignInForm, TokenFilter, TokenForm, explain
from access.invite import accept_invitation, open_invitation
from access.keyset import page_of
from access.models import Token
from access.sign_in import change_password, sign_in
from access.tokens import issue_token, revoke_token, rotate_token, tokens_of


@login_not_required
@never_cache
@sensitive_post_parameters("password")
def login(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return HttpResponseRedirect(_next(request))
    form = SignInForm(request.POST or None)
    status = 200
    if form.is_valid():
        try:
            person = sign_in(**form.cleaned_data, address=request.META.get("REMOTE_ADDR"))
        except (LoginThrottled, WrongPassword) as error:
            explain(form, error)
            status = 429 if isinstance(error, LoginThrottled) else 200
        else:
            auth.login(request, person)
            return HttpResponseRedirect(_next(request))
    return render(request, "access/login.html", {"form": form}, status=status)


def _next(request: HttpRequest) -> str:
    """Where the person wanted to go, as long as that is on this server."""
    wanted = request.GET.get("next", "")
    safe = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    # A bare word is an address to browsers, but the name of a page to redirect().
    return wanted if safe and wanted.startswith("/") else settings.LOGIN_REDIRECT_URL


def admin_entrance(request: HttpRequest) -> HttpResponse:
    """In place of the sign-in form of Django's admin, which neither counts failures nor audits."""
    if not admin.site.has_permission(request):
        raise PermissionDenied("Django's admin is for operators: people whose account is marked as staff.")
    return redirect("admin:index")


@login_not_required
@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    auth.logout(request)
    return redirect("login")


@never_cache
@sensitive_post_parameters()
def password(request: HttpRequest) -> HttpResponse:
    form = PasswordForm(request.POST or None)
    if form.is_valid():
        given, address = form.cleaned_data, request.META.get("REMOTE_ADDR")
        try:
            person = change_password(
                actor=caller(request), old=given["old"], new=given["new"], address=address
            )
        except WrongPassword as error:
            form.add_error("old", error.message)
        except LoginThrottled as error:
            explain(form, error)
        except ValidationError as error:
            form.add_error("new", error)
        else:
            auth.update_session_auth_hash(request, person)
            messages.success(request, "Your password is changed. Other browsers have to sign in again.")
            return redirect("home")
    return render(request, "access/password.html", {"form": form})


@login_not_required
@never_cache
@sensitive_post_parameters()
def invitation(request: HttpRequest, secret: str) -> HttpResponse:
    """The link of an invitation: choose a password and come in."""
    form = NewPasswordForm(request.POST or None)
    try:
        invited = open_invitation(secret=secret)
        if form.is_valid():
            person = accept_invitation(secret=secret, password=form.cleaned_data["new"])
            auth.login(request, person, backend=settings.AUTHENTICATION_BACKENDS[0])
            messages.success(request, f"Welcome, {person.username}.")
            return redirect("home")
    except ValidationError as error:
        form.add_error("new", error)
    except InvitationInvalid as error:
        return render(request, "access/invitation_gone.html", {"error": error}, status=410)
    return render(request, "access/invitation.html", {"form": form, "invitation": invited})


def tokens(request: HttpRequest) -> HttpResponse:
    actor = caller(request)
    filters = TokenFilter(request.GET)
    if not actor.may_everywhere("admin"):
        del filters.fields["owner"]
    rows = tokens_of(actor)
    if filters.is_valid():
        if owner := filters.cleaned_data.get("owner"):
            rows = rows.filter(owner__username=owner)
        if not filters.cleaned_data["all"]:
            rows = rows.usable()
    page = page_of(request, rows.select_related("owner", "successor"))
    now = timezone.now()
    listed = [(token, token.state(now)) for token in page.items]
    context = {"page": page, "tokens": listed, "filters": filters, "filtered": bool(request.GET)}
    return render(request, "access/tokens.html", context)


@never_cache
def token_new(request: HttpRequest) -> HttpResponse:
    actor = caller(request)
    form = TokenForm(request.POST or None, actor=actor)
    if form.is_valid():
        try:
            token, secret = issue_token(
                actor=actor,
                name=form.cleaned_data["name"],
                scopes=form.cleaned_data["scopes"],
                subject_prefixes=form.prefixes(),
                expires_at=form.expires_at(),
            )
        except ProductError as error:
            explain(form, error)
        else:
            return _show_once(request, token, secret)
    return render(request, "access/token_new.html", {"form": form})


@never_cache
@require_POST
def token_rotate(request: HttpRequest, token_id: int) -> HttpResponse:
    get_object_or_404(tokens_of(caller(request)), pk=token_id)
    token, secret = rotate_token(actor=caller(request), token_id=token_id)
    return _show_once(request, token, secret)


@require_POST
def token_revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    token = revoke_token(actor=caller(request), token_id=token_id)
    messages.success(request, f"Token '{token.name}' is revoked.")
    return redirect("tokens")


def _show_once(request: HttpRequest, token: Token, secret: str) -> HttpResponse:
    """The answer to the POST itself: the secret is kept nowhere, so there is no address to come back to."""
    predecessor = Token.objects.filter(successor=token).first()
    example = f"curl -H 'Authorization: Bearer {secret}' {settings.PUBLIC_URL}/api/v1/subjects"
    context = {"token": token, "secret": secret, "predecessor": predecessor, "example": example}
    return render(request, "access/token_made.html", context)
