"""Subjects and versions over REST, in the shape that Confluent Schema Registry's clients speak."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from registry import api_shapes as shapes
from registry import contexts
from registry.answers import published_answer, version_answer
from registry.api_requests import asked_of, meant, upload_of, wants_draft
from registry.check import find_same, judge_against
from registry.delete import delete_subject, delete_version
from registry.deprecation import headers_of
from registry.errors import InvalidSchema
from registry.fetches import fetches
from registry.judge import Judgement
from registry.lookup import find_subject, referrers_of
from registry.models import Subject, Version
from registry.other_contexts import find_anywhere, found_in
from registry.publish import publish_version
from registry.references import bundled
from registry.wire import accepts_extras, flag, wants_bundle, window


@extend_schema(operation_id="root", responses=shapes.EMPTY)
@api_view(["GET"])
def root(request: Request) -> Response:
    """Whether there is a registry at this address."""
    return Response({})


@extend_schema(
    operation_id="subjects_list",
    parameters=shapes.parameters("subjectPrefix", "deleted", "deletedOnly", "offset", "limit"),
    responses=shapes.NAMES,
)
@api_view(["GET"])
def subjects(request: Request) -> Response:
    """Names of the subjects that the caller may read, sorted."""
    found = Subject.objects.readable_by(caller(request))
    if flag(request, "deletedOnly"):
        found = found.wholly_deleted()
    elif not flag(request, "deleted"):
        found = found.with_live_versions()
    found = found.named_like(request.query_params.get("subjectPrefix", contexts.ALL))
    return Response(list(found.order_by("name").values_list("name", flat=True)[window(request)]))


@extend_schema(
    methods=["POST"],
    operation_id="subjects_lookup",
    request=shapes.UPLOAD,
    parameters=shapes.parameters("normalize", "deleted"),
    responses=shapes.VERSION,
)
@extend_schema(
    methods=["DELETE"],
    operation_id="subjects_delete",
    parameters=shapes.parameters("permanent"),
    responses=shapes.NUMBERS,
)
@api_view(["POST", "DELETE"])
def subject(request: Request, subject: str) -> Response:
    """POST finds the version that is this very schema; DELETE takes the subject away."""
    actor, subject = caller(request), meant(subject)
    if request.method == "DELETE":
        return Response(delete_subject(actor=actor, subject=subject, permanent=flag(request, "permanent")))
    deleted = flag(request, "deleted")
    subject = found_in(actor, subject, deleted=deleted)
    actor.require("read", subject)
    find_subject(subject, deleted=deleted)
    found = find_same(actor=actor, upload=upload_of(request, actor, subject), deleted=deleted)
    # Clients that send without registering ask here, and nowhere else.
    fetches.note(found.content_id, actor.label)
    return Response(version_answer(found, extras=accepts_extras(request)), headers=headers_of(found, actor))


@extend_schema(
    methods=["GET"],
    operation_id="versions_list",
    parameters=shapes.parameters("deleted", "deletedOnly", "deletedAsNegative", "offset", "limit"),
    responses=shapes.NUMBERS,
)
@extend_schema(
    methods=["POST"],
    operation_id="versions_publish",
    request=shapes.UPLOAD,
    parameters=shapes.parameters("normalize", "dryRun", "force", "impact"),
    responses=shapes.PUBLISHED,
)
@api_view(["GET", "POST"])
def versions(request: Request, subject: str) -> Response:
    """GET lists version numbers; POST publishes a schema, or says what publishing it would come to."""
    subject = meant(subject)
    if request.method == "POST":
        published = publish_version(
            actor=caller(request),
            subject=subject,
            dry_run=flag(request, "dryRun"),
            force=flag(request, "force"),
            draft=wants_draft(request),
            exact=request.query_params.get("impact", "").lower() == "exact",
            **asked_of(request),
        )
        return Response(
            published_answer(published, extras=accepts_extras(request) or flag(request, "dryRun"))
        )
    caller(request).require("read", subject)
    return Response(_numbers(request, subject)[window(request)])


def _numbers(request: Request, name: str) -> list[int]:
    deleted, deleted_only = flag(request, "deleted"), flag(request, "deletedOnly")
    negative = flag(request, "deletedAsNegative")
    found = Version.objects.filter(subject=find_subject(name, deleted=deleted or deleted_only or negative))
    if deleted_only:
        found = found.filter(deleted_at__isnull=False)
    elif not (deleted or negative):
        found = found.live()
    rows = found.order_by("number").values_list("number", "deleted_at")
    return [-number if negative and deleted_at else number for number, deleted_at in rows]


@extend_schema(
    methods=["GET"],
    operation_id="versions_read",
    parameters=shapes.parameters("deleted", "format"),
    responses=shapes.VERSION,
)
@extend_schema(
    methods=["DELETE"],
    operation_id="versions_delete",
    parameters=shapes.parameters("permanent"),
    responses=int,
)
@api_view(["GET", "DELETE"])
def version(request: Request, subject: str, version: str) -> Response:
    """`version` is `latest`, a number, an exact SemVer, or a range such as `^1.2`, of which the highest is taken."""
    if request.method == "DELETE":
        permanent, subject = flag(request, "permanent"), meant(subject)
        number = delete_version(actor=caller(request), subject=subject, version=version, permanent=permanent)
        return Response(number)
    found = _version(request, subject, version)
    headers = headers_of(found, caller(request))
    whole_for = caller(request) if wants_bundle(request) else None
    answer = version_answer(found, extras=accepts_extras(request), whole_for=whole_for)
    fetches.note(found.content_id, caller(request).label)
    return Response(answer, headers=headers)


@extend_schema(
    operation_id="versions_schema",
    parameters=shapes.parameters("deleted", "format"),
    responses={200: dict[str, Any]},
)
@api_view(["GET"])
def version_schema(request: Request, subject: str, version: str) -> Response:
    """The schema text as it was uploaded, or bundled with what it refers to."""
    found = _version(request, subject, version)
    text = bundled(caller(request), found.content) if wants_bundle(request) else found.content.text
    fetches.note(found.content_id, caller(request).label)
    return Response(text.encode(), headers=headers_of(found, caller(request)))


@extend_schema(
    operation_id="versions_referencedby",
    parameters=shapes.parameters("deleted", "offset", "limit"),
    responses=shapes.NUMBERS,
)
@api_view(["GET"])
def referenced_by(request: Request, subject: str, version: str) -> Response:
    """Ids of the schemas that refer to this version."""
    users = referrers_of(_version(request, subject, version), deleted=flag(request, "deleted"))
    readable = users.readable_by(caller(request))
    ids = readable.order_by("identity__number").values_list("identity__number", flat=True).distinct()
    return Response(list(ids[window(request)]))


def _version(request: Request, name: str, wanted: str) -> Version:
    return find_anywhere(caller(request), meant(name), wanted, deleted=flag(request, "deleted"))


@extend_schema(
    operation_id="compatibility_with_version",
    request=shapes.UPLOAD,
    parameters=shapes.parameters("normalize", "verbose"),
    responses=shapes.COMPATIBILITY,
)
@api_view(["POST"])
def compatibility(request: Request, subject: str, version: str) -> Response:
    """Whether the schema would be compatible with one version, by the subject's level and policy."""
    return _compatibility(request, subject, version)


@extend_schema(
    operation_id="compatibility_with_subject",
    request=shapes.UPLOAD,
    parameters=shapes.parameters("normalize", "verbose"),
    responses=shapes.COMPATIBILITY,
)
@api_view(["POST"])
def compatibility_with_all(request: Request, subject: str) -> Response:
    """Whether the schema would be accepted: against the versions that the subject's level names."""
    return _compatibility(request, subject, None)


def _compatibility(request: Request, name: str, version: str | None) -> Response:
    actor, name = caller(request), meant(name)
    actor.require("read", name)
    verbose = flag(request, "verbose")
    try:
        judgement = judge_against(actor=actor, upload=upload_of(request, actor, name), version=version)
    except InvalidSchema as wrong:
        if not verbose:
            raise
        return Response({"is_compatible": False, "messages": [wrong.message]})
    return Response(_verdict(judgement, verbose=verbose, extras=accepts_extras(request)))


def _verdict(judgement: Judgement, *, verbose: bool, extras: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {"is_compatible": judgement.status in {"first", "compatible"}}
    if verbose:
        answer["messages"] = judgement.messages()
    if extras:
        answer["details"] = judgement.as_dict()
    return answer
