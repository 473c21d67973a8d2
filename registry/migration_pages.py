"""Migrations between versions of a subject, in the browser."""

import json
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from access.actor import Actor
from access.caller import caller
from access.errors import ProductError
from access.forms import explain
from access.keyset import page_of
from registry.lookup import find_subject
from registry.migration_trial import Sample, Tried
from registry.models import Subject, Version, VersionMigration
from registry.register_migration import (
    Proposed,
    Registered,
    approve_migration,
    migrations_of,
    register_migration,
    retire_migration,
)
from registry.side_by_side import side_by_side

_CODE = {"class": "code", "autocapitalize": "none", "spellcheck": "false", "rows": 8}
_EXAMPLE = '[\n  {"op": "rename", "at": "/amount", "to": "total"}\n]'


class StepsField(forms.JSONField):
    """No steps are steps, too: then nothing changes."""

    empty_values = [None, ""]

    def prepare_value(self, value: Any) -> Any:
        return "" if value is None else super().prepare_value(value)


class MigrationForm(forms.Form):
    source = forms.ChoiceField(label="From")
    target = forms.ChoiceField(label="To")
    up = StepsField(
        label="Steps",
        widget=forms.Textarea(attrs=_CODE),
        help_text="A list of steps: rename, default, move, remove, expression. Places are JSON Pointers into the "
        "event's metadata; a part * is every item of an array.",
    )
    down = StepsField(
        label="The way back",
        required=False,
        widget=forms.Textarea(attrs=_CODE),
        help_text="Steps that read the newer version as the older one.",
    )
    note = forms.CharField(
        label="Why", required=False, max_length=10_000, widget=forms.Textarea(attrs={"rows": 2})
    )
    replace = forms.BooleanField(
        required=False, label="Take the place of the migration that leads the same way now"
    )

    def __init__(self, data: Any, *, subject: Subject) -> None:
        there = Version.objects.filter(subject=subject, deleted_at__isnull=True)
        versions = list(there.exclude(state=Version.State.DRAFT).order_by("number"))
        live = [version for version in versions if not version.is_hidden]
        older, newest = versions[-2:-1] or versions, live[-1:]
        initial = {
            "up": json.loads(_EXAMPLE),
            "source": older[0].semver if older else None,
            "target": newest[0].semver if newest else None,
        }
        super().__init__(data, initial=initial)
        for name, chosen in (("source", versions), ("target", live)):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [(version.semver, version.semver) for version in reversed(chosen)]


@require_safe
def migrations(request: HttpRequest, subject: str) -> HttpResponse:
    actor = caller(request)
    page = page_of(request, migrations_of(actor=actor, subject=subject), key="number")
    for migration in page.items:
        migration.steps = [  # type: ignore[attr-defined]  # as the template shows them
            (name, json.dumps(steps, indent=2, ensure_ascii=False))
            for name, steps in (("up", migration.up), ("down", migration.down))
            if steps is not None
        ]
    context = {
        "subject": find_subject(subject, deleted=True),
        "page": page,
        "may_write": actor.may("write", subject),
        "user_id": actor.user.pk if actor.user else None,
        "states": VersionMigration.State,
    }
    return render(request, "registry/migrations.html", context)


@require_http_methods(["GET", "POST"])
def new(request: HttpRequest, subject: str) -> HttpResponse:
    """Tries what is written, and shows real events before and after. Only the button "register" keeps it.

    While somebody types, htmx asks for what it comes to alone.
    """
    actor = caller(request)
    actor.require("write", subject)
    row = find_subject(subject, deleted=True)
    form = MigrationForm(request.POST or None, subject=row)
    typing = bool(request.htmx)  # type: ignore[attr-defined]
    register = "register" in request.POST and not typing
    context: dict[str, Any] = {"subject": row, "form": form}
    if form.is_valid():
        try:
            found = _asked(actor, subject, form, dry_run=not register)
        except ProductError as error:
            explain(form, error)
        else:
            if register and found.migration is not None:
                messages.success(request, _told(found.migration, created=found.created))
                return redirect("migrations", subject)
            context |= {"found": found, "tried": _all_shown(found, may_read=actor.may("read", subject))}
    template = "registry/_migration_plan.html" if typing else "registry/migration_new.html"
    return render(request, template, context)


def _asked(actor: Actor, subject: str, form: MigrationForm, *, dry_run: bool) -> Registered:
    asked = form.cleaned_data
    proposed = Proposed(asked["source"], asked["target"], asked["up"], asked["down"], asked["note"])
    return register_migration(
        actor=actor, subject=subject, proposed=proposed, replace=asked["replace"], dry_run=dry_run
    )


def _told(migration: VersionMigration, *, created: bool) -> str:
    ends = f"from {migration.source.semver} to {migration.target.semver}"
    if not created:
        return f"Migration {migration.number} {ends} says the same already."
    if migration.state == VersionMigration.State.PENDING:
        return f"Migration {migration.number} {ends} waits for a second person."
    return f"Migration {migration.number} {ends} is in use."


def _all_shown(found: Registered, *, may_read: bool) -> list[dict[str, Any]]:
    return [_shown(tried, number, may_read=may_read) for number, tried in enumerate(found.tried)]


def _shown(tried: Tried, number: int, *, may_read: bool) -> dict[str, Any]:
    """With the failure before and after where there is one, else with the samples."""
    failure, samples = tried.failure, tried.samples
    if failure is not None:
        # Where a step failed there is no after.
        after = failure.before if failure.after is None else failure.after
        samples = [Sample(failure.instance, failure.before, after)]
    return {
        "id": f"tried-{number}",
        "tried": tried,
        "failure": failure,
        "samples": [(sample, _rows(sample)) for sample in samples] if may_read else [],
    }


def _rows(sample: Sample) -> Any:
    before, after = (json.dumps(value, ensure_ascii=False) for value in (sample.before, sample.after))
    return side_by_side(before, after)


@require_POST
def approve(request: HttpRequest, subject: str, number: int) -> HttpResponse:
    try:
        approve_migration(actor=caller(request), subject=subject, number=number)
    except ProductError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"Migration {number} is in use.")
    return redirect("migrations", subject)


@require_POST
def retire(request: HttpRequest, subject: str, number: int) -> HttpResponse:
    try:
        retire_migration(actor=caller(request), subject=subject, number=number)
    except ProductError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, f"Migration {number} is retired: events are not read through it any more.")
    return redirect("migrations", subject)
