"""The forms of the pages: what people may write; the operations decide whether it may be so."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.db.models import QuerySet
from django.utils import timezone

from access.actor import ROLES, SCOPES, Actor
from access.errors import ProductError
from access.models import AuditEntry

SCOPE_MEANINGS = {
    "read": "read schemas, events and alerts",
    "write": "register and delete schemas, change subjects",
    "ingest": "send events",
    "replay": "replay events",
    "effects": "let replayed events reach live alerts",
    "alert": "make alert rules and channels",
    "admin": "change people, roles and what holds for all subjects",
}
LIFETIMES = {"30": "30 days", "90": "90 days", "365": "a year", "0": "no end"}
PREFIX_HELP = "Leave empty for all subjects."


def explain(form: forms.Form, error: ProductError) -> None:
    """Puts an operation's answer beside the field that its `pointer` names, else above the form."""
    field = str(error.facts.get("pointer", "")).lstrip("/")
    form.add_error(field if field in form.fields else None, error.message)


class SignInForm(forms.Form):
    username = forms.CharField(
        label="User name",
        max_length=150,
        widget=forms.TextInput(
            attrs={"autofocus": True, "autocomplete": "username", "autocapitalize": "none"}
        ),
    )
    password = forms.CharField(
        strip=False, max_length=4096, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )


class NewPasswordForm(forms.Form):
    new = forms.CharField(
        label="New password",
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="A few unrelated words make a good one.",
    )
    again = forms.CharField(
        label="Once more",
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean_again(self) -> str:
        again: str = self.cleaned_data["again"]
        if again != self.cleaned_data.get("new", again):
            raise forms.ValidationError("This is not the same as above.")
        return again


class PasswordForm(NewPasswordForm):
    old = forms.CharField(
        label="Present password",
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    field_order = ("old", "new", "again")


class TokenForm(forms.Form):
    """Offers only what the person may give away."""

    name = forms.CharField(
        max_length=100, help_text="Who or what will use it: checkout-service, alice's laptop."
    )
    scopes = forms.MultipleChoiceField(label="It may", widget=forms.CheckboxSelectMultiple)
    subject_prefixes = forms.CharField(
        label="On subjects beginning with",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "class": "code"}),
        help_text="One per line. Empty means every subject that you may use yourself.",
    )
    lifetime = forms.ChoiceField(label="Valid for", choices=LIFETIMES.items(), initial="90")

    def __init__(self, *args: object, actor: Actor, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.actor = actor
        scopes = self.fields["scopes"]
        assert isinstance(scopes, forms.MultipleChoiceField)
        scopes.choices = [
            (scope, f"{scope}: {SCOPE_MEANINGS[scope]}") for scope in SCOPES if actor.may(scope)
        ]

    def prefixes(self) -> list[str]:
        """As written; when nothing is, those on which the person holds every chosen scope."""
        written = [
            line.strip() for line in self.cleaned_data["subject_prefixes"].splitlines() if line.strip()
        ]
        return written or _prefixes_of_all(self.actor, self.cleaned_data["scopes"])

    def expires_at(self) -> datetime | None:
        days = int(self.cleaned_data["lifetime"])
        return timezone.now() + timedelta(days=days) if days else None


def _prefixes_of_all(actor: Actor, scopes: list[str]) -> list[str]:
    held = {prefix for scope in scopes for prefix in actor.readable_prefixes(scope)}  # type: ignore[arg-type]
    return sorted(p for p in held if all(actor.may(scope, p) for scope in scopes)) or [""]  # type: ignore[arg-type]


class RoleForm(forms.Form):
    role = forms.ChoiceField(
        choices=[(name, f"{name}: {', '.join(sorted(scopes))}") for name, scopes in ROLES.items()]
    )
    subject_prefix = forms.CharField(
        label="On subjects beginning with",
        required=False,
        max_length=255,
        widget=forms.TextInput(attrs={"class": "code"}),
        help_text=PREFIX_HELP,
    )


class InvitationForm(RoleForm):
    username = forms.CharField(label="User name", max_length=150, validators=[UnicodeUsernameValidator()])
    email = forms.EmailField(label="E-mail")
    by_email = forms.BooleanField(
        label="Send the link by e-mail", required=False, help_text="You see the link in any case."
    )
    field_order = ("username", "email", "role", "subject_prefix", "by_email")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        if not settings.SENDS_EMAIL:
            del self.fields["by_email"]


_PUBLIC_KEY = forms.Textarea(
    attrs={"rows": 4, "class": "code", "placeholder": "-----BEGIN PUBLIC KEY-----", "autocomplete": "off"}
)
_PUBLIC_KEY_HELP = "Ed25519, as PEM or JWK. The private half stays with the producer."


class SuccessorForm(forms.Form):
    public_key = forms.CharField(
        label="Public key", max_length=4_000, widget=_PUBLIC_KEY, help_text=_PUBLIC_KEY_HELP
    )


class SigningKeyForm(SuccessorForm):
    name = forms.CharField(max_length=100, help_text="Who signs with it: checkout-service.")
    subject_prefix = forms.CharField(
        label="For event types beginning with",
        required=False,
        max_length=255,
        widget=forms.TextInput(attrs={"class": "code"}),
        help_text="Leave empty for all.",
    )
    lifetime = forms.ChoiceField(label="Valid for", choices=LIFETIMES.items(), initial="365")
    field_order = ("name", "public_key", "subject_prefix", "lifetime")

    def wanted(self) -> dict[str, Any]:
        """As `register_signing_key` takes it."""
        days = int(self.cleaned_data["lifetime"])
        named = {name: self.cleaned_data[name] for name in ("name", "public_key", "subject_prefix")}
        return {**named, "expires_at": timezone.now() + timedelta(days=days) if days else None}


class ReasonForm(forms.Form):
    reason = forms.CharField(label="Why", required=False, max_length=300)


class DestroyForm(forms.Form):
    why = forms.CharField(label="Why it is destroyed", max_length=300, help_text="The audit log keeps it.")
    sure = forms.BooleanField(label="I know that nobody will ever read these fields again")


class TokenFilter(forms.Form):
    owner = forms.CharField(required=False)
    all = forms.BooleanField(label="Ended ones, too", required=False)


class AuditFilter(forms.Form):
    """Filters of the audit page; `rows` applies those that are filled in and readable."""

    target = forms.CharField(required=False, widget=forms.TextInput(attrs={"placeholder": "subject/orders"}))
    actor = forms.CharField(required=False)
    action = forms.ChoiceField(required=False)
    since = forms.ChoiceField(
        label="Time",
        required=False,
        choices=[("", "Any time"), ("1", "Last hour"), ("24", "Last 24 hours"), ("168", "Last 7 days")],
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        action = self.fields["action"]
        assert isinstance(action, forms.ChoiceField)
        known = AuditEntry.objects.order_by("action").values_list("action", flat=True).distinct()
        action.choices = [("", "Any action"), *((name, name) for name in known)]

    def rows(self) -> QuerySet[AuditEntry]:
        self.is_valid()
        chosen = {name: value for name, value in self.cleaned_data.items() if value}
        rows = AuditEntry.objects.all()
        if target := chosen.get("target"):
            rows = rows.filter(target__startswith=target)
        if actor := chosen.get("actor"):
            rows = rows.filter(actor__startswith=actor)
        if action := chosen.get("action"):
            rows = rows.filter(action=action)
        if hours := chosen.get("since"):
            rows = rows.filter(at__gte=timezone.now() - timedelta(hours=int(hours)))
        return rows
