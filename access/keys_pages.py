"""Pages of keys: whose signatures count, and which keys encrypt sensitive fields."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from access.caller import caller
from access.data_keys import destroy_data_key, find_data_key, restore_data_key, revoke_data_key
from access.errors import ProductError
from access.forms import DestroyForm, ReasonForm, SigningKeyForm, SuccessorForm, explain
from access.keyset import page_of
from access.models import DataKey, SigningKey
from access.signing_keys import (
    find_signing_key,
    register_signing_key,
    revoke_signing_key,
    rotate_signing_key,
)

_MAKE_A_PAIR = """openssl genpkey -algorithm ed25519 -out signing-key.pem
openssl pkey -in signing-key.pem -pubout"""


def signing_keys(request: HttpRequest) -> HttpResponse:
    actor = caller(request)
    rows = SigningKey.objects.visible_to(actor).select_related("successor")
    page, now = page_of(request, rows), timezone.now()
    listed = [(key, key.state(now), actor.may("write", key.subject_prefix)) for key in page.items]
    context = {"page": page, "keys": listed, "tabs": _tabs(request), "may_add": actor.may("write")}
    return render(request, "access/signing_keys.html", context)


def signing_key_new(request: HttpRequest) -> HttpResponse:
    form = SigningKeyForm(request.POST or None)
    if form.is_valid():
        try:
            key = register_signing_key(actor=caller(request), **form.wanted())
        except ProductError as error:
            explain(form, error)
        else:
            messages.success(request, f"Signatures of '{key.name}' count from now on.")
            return redirect("signing-keys")
    context = {"form": form, "make_a_pair": _MAKE_A_PAIR}
    return render(request, "access/signing_key_new.html", context)


def signing_key_rotate(request: HttpRequest, signing_kid: str) -> HttpResponse:
    actor = caller(request)
    key = find_signing_key(actor=actor, kid=signing_kid)
    actor.require("write", key.subject_prefix)
    form = SuccessorForm(request.POST or None)
    if form.is_valid():
        try:
            rotate_signing_key(actor=actor, kid=signing_kid, public_key=form.cleaned_data["public_key"])
        except ProductError as error:
            explain(form, error)
        else:
            messages.success(request, f"'{key.name}' has a new key; the old one counts a while longer.")
            return redirect("signing-keys")
    return render(request, "access/signing_key_rotate.html", {"form": form, "key": key})


@require_POST
def signing_key_revoke(request: HttpRequest, signing_kid: str) -> HttpResponse:
    key = revoke_signing_key(
        actor=caller(request), kid=signing_kid, reason=request.POST.get("reason", "")[:300]
    )
    messages.success(request, f"'{key.name}' is revoked: what it signs from now on does not count.")
    return redirect("signing-keys")


def data_keys(request: HttpRequest) -> HttpResponse:
    rows = DataKey.objects.visible_to(caller(request))
    if subject := request.GET.get("subject", "").replace("\0", ""):
        rows = rows.filter(subject=subject)
    context = {"page": page_of(request, rows), "subject": subject, "tabs": _tabs(request)}
    return render(request, "access/data_keys.html", context)


def data_key(request: HttpRequest, data_kid: str) -> HttpResponse:
    """With what can be done about it."""
    return _data_key_page(request, data_kid, ReasonForm(), DestroyForm())


@require_POST
def data_key_revoke(request: HttpRequest, data_kid: str) -> HttpResponse:
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _data_key_page(request, data_kid, form, DestroyForm())
    revoke_data_key(actor=caller(request), kid=data_kid, reason=form.cleaned_data["reason"])
    messages.success(request, "The key is revoked: nobody gets it until it is restored.")
    return redirect("data-key", data_kid)


@require_POST
def data_key_restore(request: HttpRequest, data_kid: str) -> HttpResponse:
    restore_data_key(actor=caller(request), kid=data_kid)
    messages.success(request, "The key decrypts again. New events are encrypted with another one.")
    return redirect("data-key", data_kid)


@require_POST
def data_key_destroy(request: HttpRequest, data_kid: str) -> HttpResponse:
    actor, form = caller(request), DestroyForm(request.POST)
    if not form.is_valid():
        return _data_key_page(request, data_kid, ReasonForm(), form)
    destroy_data_key(actor=actor, kid=data_kid, reason=form.cleaned_data["why"])
    messages.success(request, "The key is destroyed. What it encrypted is unreadable for ever.")
    return redirect("data-key", data_kid)


def _data_key_page(
    request: HttpRequest, kid: str, reason: ReasonForm, destruction: DestroyForm
) -> HttpResponse:
    actor = caller(request)
    key = find_data_key(actor=actor, kid=kid)
    context = {
        "key": key,
        "reason": reason,
        "destruction": destruction,
        "may_write": actor.may("write", key.subject),
        "may_destroy": actor.may("admin", key.subject),
    }
    return render(request, "access/data_key.html", context)


def _tabs(request: HttpRequest) -> list[dict[str, Any]]:
    named = (("Signing keys", "signing-keys"), ("Data keys", "data-keys"))
    return [
        {"label": label, "url": reverse(name), "current": request.path == reverse(name), "count": None}
        for label, name in named
    ]
