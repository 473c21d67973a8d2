"""The state of a version and the approvals that uploads wait for, over REST."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from access.keyset import PAGING, page_answer, page_of, page_schema
from registry.answers import published_answer
from registry.api_requests import meant
from registry.approve import approve, find_approval, reject
from registry.change_state import Deprecation, change_state, next_states
from registry.deprecation import readable_successor
from registry.lookup import find_any_version
from registry.models import Approval, Version


class StateRequest(serializers.Serializer[Any]):
    """What a version shall become. The other members count for `deprecated`; without any of them, they stay."""

    state = serializers.ChoiceField(Version.State.choices)
    sunset = serializers.DateField(required=False, allow_null=True)
    replaced_by = serializers.CharField(
        required=False, allow_blank=True, max_length=60, help_text="A number, an exact SemVer, or latest."
    )
    replaced_by_subject = serializers.CharField(
        required=False, allow_blank=True, max_length=255, help_text="When it is another subject's version."
    )
    note = serializers.CharField(required=False, allow_blank=True, max_length=10_000)


STATE = inline_serializer(
    "VersionState",
    {
        "subject": serializers.CharField(),
        "version": serializers.IntegerField(),
        "semver": serializers.CharField(),
        "state": serializers.ChoiceField(Version.State.choices),
        "next": serializers.ListField(child=serializers.CharField(), help_text="What it can become."),
        "deprecated_at": serializers.DateTimeField(allow_null=True),
        "sunset": serializers.DateField(allow_null=True),
        "replaced_by": serializers.DictField(allow_null=True),
        "note": serializers.CharField(),
        "notices": serializers.ListField(child=serializers.DictField()),
    },
)


@extend_schema(methods=["GET"], operation_id="version_state_read", responses=STATE)
@extend_schema(methods=["POST"], operation_id="version_state_change", request=StateRequest, responses=STATE)
@api_view(["GET", "POST"])
def version_state(request: Request, subject: str, version: str) -> Response:
    """Draft, active, deprecated or archived; POST changes it. Activating a draft judges it as an upload."""
    actor, subject = caller(request), meant(subject)
    actor.require("read", subject)
    if request.method == "GET":
        return Response(_state(request, find_any_version(subject, version)))
    wanted = StateRequest(data=request.data)
    wanted.is_valid(raise_exception=True)
    asked = dict(wanted.validated_data)
    state = asked.pop("state")
    deprecation = Deprecation(**asked) if asked else None
    changed = change_state(
        actor=actor, subject=subject, version=version, state=state, deprecation=deprecation
    )
    return Response(_state(request, changed))


def _state(request: Request, version: Version) -> dict[str, Any]:
    successor = readable_successor(caller(request), version)
    return {
        "subject": version.subject.name,
        "version": version.number,
        "semver": version.semver,
        "state": version.state,
        "next": next_states(version),
        "deprecated_at": version.deprecated_at,
        "sunset": version.sunset,
        "replaced_by": _named(successor) if successor else None,
        "note": version.deprecation_note,
        "notices": list(
            version.notices.order_by("pk").values("sunset", "days_before", "noticed_at", "mailed_at")
        ),
    }


def _named(version: Version) -> dict[str, Any]:
    return {"subject": version.subject.name, "version": version.number, "semver": version.semver}


class ApprovalAnswer(serializers.ModelSerializer[Approval]):
    subject = serializers.CharField(source="version.subject.name")
    version = serializers.IntegerField(source="version.number")
    semver = serializers.CharField(source="version.semver")
    schema_id = serializers.IntegerField(source="version.identity.number")
    verdict = serializers.DictField(source="version.verdict")
    withdrawn = serializers.SerializerMethodField()

    class Meta:
        model = Approval
        fields = (
            "id",
            "state",
            "withdrawn",
            "subject",
            "version",
            "semver",
            "schema_id",
            "requested_by",
            "requested_at",
            "decided_by",
            "decided_at",
            "reason",
            "verdict",
        )

    def get_withdrawn(self, approval: Approval) -> bool:
        """The draft was deleted before anybody decided."""
        return approval.state == Approval.State.PENDING and approval.version.deleted_at is not None


class ApproveRequest(serializers.Serializer[Any]):
    reason = serializers.CharField(required=False, default="", allow_blank=True, max_length=10_000)
    seen = serializers.IntegerField(
        required=False,
        default=None,
        allow_null=True,
        help_text="The latest version beside which it was judged: refused when another one is the latest by now.",
    )


class RejectRequest(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=10_000)


@extend_schema(
    operation_id="approvals_list",
    parameters=[
        OpenApiParameter("state", str, enum=Approval.State.values),
        OpenApiParameter("subject", str, description="Only of this subject."),
        *PAGING,
    ],
    responses=page_schema("ApprovalPage", ApprovalAnswer),
)
@api_view(["GET"])
def approvals(request: Request) -> Response:
    """Uploads that wait, or waited, for a second person, the newest first."""
    rows = Approval.objects.select_related("version__subject", "version__identity").readable_by(
        caller(request)
    )
    page = page_of(request, rows.matching(request.query_params))
    return page_answer(page, ApprovalAnswer(page.items, many=True).data)


@extend_schema(operation_id="approvals_read", responses=ApprovalAnswer)
@api_view(["GET"])
def approval(request: Request, approval_id: int) -> Response:
    """One upload that waits, with the verdict it got."""
    return Response(ApprovalAnswer(find_approval(caller(request), approval_id)).data)


@extend_schema(
    operation_id="approvals_approve",
    request=ApproveRequest,
    responses=inline_serializer(
        "Approved", {"id": serializers.IntegerField(), "version": serializers.IntegerField()}
    ),
)
@api_view(["POST"])
def approve_upload(request: Request, approval_id: int) -> Response:
    """Publishes it, judged anew; only for somebody else than the uploader."""
    asked = ApproveRequest(data=request.data)
    asked.is_valid(raise_exception=True)
    published = approve(actor=caller(request), approval_id=approval_id, **asked.validated_data)
    return Response(published_answer(published, extras=True))


@extend_schema(operation_id="approvals_reject", request=RejectRequest, responses=ApprovalAnswer)
@api_view(["POST"])
def reject_upload(request: Request, approval_id: int) -> Response:
    """Says no, and why; the draft stays for its author to mend."""
    asked = RejectRequest(data=request.data)
    asked.is_valid(raise_exception=True)
    rejected = reject(actor=caller(request), approval_id=approval_id, **asked.validated_data)
    return Response(ApprovalAnswer(rejected).data)
