"""Pages about what versions mean: two of them compared, and what resembles one."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from access.caller import caller
from compat import Verdict
from registry.changelog import Changelog, changes_between
from registry.constraints import shown
from registry.describe import Described
from registry.errors import VersionNotFound
from registry.lookup import find_any_version, find_subject
from registry.models import Version
from registry.side_by_side import side_by_side
from registry.similar import similar_schemas
from registry.taxonomy_bindings import Binding

_SHOWN = (
    "path",
    "types",
    "required",
    "when",
    "constraints",
    "title",
    "description",
    "deprecated",
    "tags",
    "same_as",
)
# Offered for choosing; the address takes any.
_MOST_CHOICES = 500


def field_rows(described: Described) -> list[dict[str, Any]]:
    """The fields for the template registry/_docs.html: numbered, so that one can lead to another."""
    fields = described.fields.fields
    numbers = {field.path: number for number, field in reversed(list(enumerate(fields, 1)))}
    return [
        {
            **{name: getattr(field, name) for name in _SHOWN},
            "number": number,
            "since": described.since.get(field.path, ""),
            "default": shown(field.default[0]) if field.default else None,
            "examples": [shown(value) for value in field.examples],
            "same_number": numbers.get(field.same_as or ""),
            "taxonomy_url": _taxonomy(field.taxonomy, described),
        }
        for number, field in enumerate(fields, 1)
    ]


def _taxonomy(binding: str, described: Described) -> str:
    bound = Binding.read(binding)
    known = bound is not None and bound.taxonomy in described.taxonomies
    return reverse("taxonomy", args=[bound.taxonomy]) if bound and known else ""


@require_safe
def compare(request: HttpRequest, subject: str) -> HttpResponse:
    """`?old=` and `?new=` take whatever names a version; without them the latest and the one before it."""
    actor = caller(request)
    actor.require("read", subject)
    row = find_subject(subject, deleted=True)
    choices = (
        Version.objects.filter(subject=row)
        .order_by("-number")
        .values("number", "semver", "deleted_at", "state")
    )
    context: dict[str, Any] = {"subject": row, "choices": choices[:_MOST_CHOICES]}
    old, new = request.GET.get("old", ""), request.GET.get("new", "")
    try:
        changelog = changes_between(
            actor=actor, subject=subject, new=new or "latest", old=old or None, deleted=True
        )
    except VersionNotFound:
        # The first version was asked for without another; whoever names two gets the error.
        if old:
            raise
    else:
        context |= _compared(changelog)
    return render(request, "registry/compare.html", context)


def _compared(changelog: Changelog) -> dict[str, Any]:
    old, new = changelog.old.content.text, changelog.new.content.text
    changes = [{**change.as_dict(), "direction": " and ".join(change.breaks)} for change in changelog.changes]
    return {
        "changelog": changelog,
        "changes": changes,
        "breaking": [change for change in changes if change["direction"]],
        "harmless": [change for change in changes if not change["direction"]],
        "verdicts": [
            _verdict(
                "backward",
                f"{changelog.new.semver} reads what {changelog.old.semver} wrote",
                changelog.backward,
            ),
            _verdict(
                "forward",
                f"{changelog.old.semver} reads what {changelog.new.semver} wrote",
                changelog.forward,
            ),
        ],
        "rows": [] if changelog.same else side_by_side(old, new),
    }


def _verdict(name: str, title: str, verdict: Verdict) -> dict[str, Any]:
    return {**verdict.as_dict(), "id": name, "title": title}


@require_safe
def similar(request: HttpRequest, subject: str, version: str) -> HttpResponse:
    actor = caller(request)
    actor.require("read", subject)
    found = find_any_version(subject, version)
    others = similar_schemas(actor=actor, subject=subject, version=version, deleted=True)
    return render(request, "registry/similar.html", {"version": found, "others": others})
