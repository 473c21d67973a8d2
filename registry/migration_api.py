"""Migrations between versions of a subject, over REST."""

from typing import Any

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.actor import Actor
from access.caller import caller
from access.keyset import PAGING, page_answer, page_of, page_schema
from registry import api_shapes as shapes
from registry.api_requests import meant
from registry.migration_trial import Tried
from registry.models import VersionMigration
from registry.register_migration import (
    Proposed,
    Registered,
    approve_migration,
    find_migration,
    migrations_of,
    register_migration,
    retire_migration,
)
from registry.wire import flag


class MigrationRequest(serializers.Serializer[Any]):
    """`from` and `to` are whatever names a version: a number, an exact SemVer, a range, `latest`."""

    up = serializers.JSONField(help_text="Steps: rename, default, move, remove, expression.")
    down = serializers.JSONField(
        required=False, default=None, allow_null=True, help_text="The way back, if any."
    )
    note = serializers.CharField(required=False, default="", allow_blank=True, max_length=10_000)
    replace = serializers.BooleanField(
        required=False, default=False, help_text="Retire the one that leads the same way now."
    )

    def get_fields(self) -> dict[str, Any]:
        # A word of the language, so no name of a field here.
        return {**super().get_fields(), "from": _label(), "to": _label()}


class MigrationAnswer(serializers.ModelSerializer[VersionMigration]):
    subject = serializers.CharField(source="subject.name")
    to = serializers.CharField(source="target.semver")

    class Meta:
        model = VersionMigration
        fields = (
            "subject",
            "number",
            "to",
            "state",
            "up",
            "down",
            "evidence",
            "note",
            "created_by",
            "created_at",
            "decided_by",
            "decided_at",
        )

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "from": serializers.CharField(source="source.semver")}


def _label() -> serializers.CharField:
    return serializers.CharField(max_length=250)


_TRIED = inline_serializer(
    "TriedMigration",
    {
        "subject": serializers.CharField(),
        "from": serializers.CharField(),
        "to": serializers.CharField(),
        "created": serializers.BooleanField(),
        "accepted": serializers.BooleanField(help_text="Whether nothing speaks against it."),
        "migration": MigrationAnswer(allow_null=True),
        "tried": serializers.ListField(
            child=serializers.DictField(),
            help_text="What it was tried on: how many, the first failure, and samples before and after.",
        ),
    },
)


@extend_schema(
    methods=["GET"],
    operation_id="migrations_list",
    parameters=PAGING,
    responses=page_schema("MigrationPage", MigrationAnswer),
)
@extend_schema(
    methods=["POST"],
    operation_id="migrations_register",
    parameters=shapes.parameters("dryRun"),
    request=MigrationRequest,
    responses={200: _TRIED, 201: _TRIED},
)
@api_view(["GET", "POST"])
def migrations(request: Request, subject: str) -> Response:
    """The migrations of a subject, the newest first; POST tries one and lets it in. The same one again changes nothing."""
    actor, subject = caller(request), meant(subject)
    if request.method == "GET":
        page = page_of(request, migrations_of(actor=actor, subject=subject), key="number")
        return page_answer(page, MigrationAnswer(page.items, many=True).data)
    actor.require("write", subject)
    asked = MigrationRequest(data=request.data)
    asked.is_valid(raise_exception=True)
    given = asked.validated_data
    found = register_migration(
        actor=actor,
        subject=subject,
        proposed=Proposed(given["from"], given["to"], given["up"], given["down"], given["note"]),
        replace=given["replace"],
        dry_run=flag(request, "dryRun"),
    )
    return Response(_answer(actor, subject, found), status=201 if found.created else 200)


def _answer(actor: Actor, subject: str, found: Registered) -> dict[str, Any]:
    shown = actor.may("read", subject)
    return {
        "subject": subject,
        "from": found.source.semver,
        "to": found.target.semver,
        "created": found.created,
        "accepted": found.accepted,
        "migration": MigrationAnswer(found.migration).data if found.migration else None,
        "tried": [_tried(tried, shown=shown) for tried in found.tried],
    }


def _tried(tried: Tried, *, shown: bool) -> dict[str, Any]:
    samples = [{"instance": one.instance, "before": one.before, "after": one.after} for one in tried.samples]
    return {
        **tried.as_dict(),
        "failure": tried.failure.as_dict(shown=shown) if tried.failure else None,
        "samples": samples if shown else [],
    }


@extend_schema(methods=["GET"], operation_id="migrations_read", responses=MigrationAnswer)
@extend_schema(methods=["DELETE"], operation_id="migrations_retire", responses=MigrationAnswer)
@api_view(["GET", "DELETE"])
def migration(request: Request, subject: str, number: int) -> Response:
    """One migration, retired ones too; DELETE takes it out of use and keeps it to be looked at."""
    do = find_migration if request.method == "GET" else retire_migration
    return Response(MigrationAnswer(do(actor=caller(request), subject=meant(subject), number=number)).data)


@extend_schema(operation_id="migrations_approve", request=None, responses=MigrationAnswer)
@api_view(["POST"])
def approve(request: Request, subject: str, number: int) -> Response:
    """Puts a waiting one into use; only for somebody else than who registered it."""
    found = approve_migration(actor=caller(request), subject=meant(subject), number=number)
    return Response(MigrationAnswer(found).data)
