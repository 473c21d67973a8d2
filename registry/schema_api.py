"""Schemas by id and by guid over REST. An id never changes its meaning, so its answers may be kept for ever by their reader."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.actor import Actor
from access.caller import caller
from registry import api_shapes as shapes
from registry import contexts
from registry.answers import IMMUTABLE, etag_of, schema_by_id, version_answer
from registry.by_id import find_by_id, highest_id, ids_of_guid, uses_of
from registry.deprecation import deprecated_among, headers_of, versions_speaking_for
from registry.fetches import fetches
from registry.list_schemas import listed_schemas
from registry.models import Version, VersionQuerySet
from registry.references import bundled
from registry.wire import accepts_extras, flag, wants_bundle, window


@extend_schema(operation_id="schemas_types", responses=shapes.NAMES)
@api_view(["GET"])
def types(request: Request) -> Response:
    """The schema languages this registry keeps."""
    return Response(["JSON"])


@extend_schema(
    operation_id="schemas_list",
    parameters=shapes.parameters(
        "subjectPrefix", "aliases", "deleted", "latestOnly", "ruleType", "offset", "limit"
    ),
    responses=shapes.listed(shapes.VERSION),
)
@api_view(["GET"])
def schemas(request: Request) -> Response:
    """Versions with their schemas, by subject and number; at most SCHEMAS_LIST_MAX in one answer."""
    extras = accepts_extras(request)
    found = listed_schemas(
        actor=caller(request),
        prefix=request.query_params.get("subjectPrefix", ""),
        aliases=flag(request, "aliases"),
        deleted=flag(request, "deleted"),
        latest_only=flag(request, "latestOnly"),
        rule_types=request.query_params.getlist("ruleType"),
        window=window(request),
    )
    return Response(
        [
            version_answer(version, extras=extras) | ({"aliases": aliases} if aliases else {})
            for version, aliases in found
        ]
    )


@extend_schema(
    operation_id="schemas_read",
    parameters=shapes.parameters("subjectOfId", "fetchMaxId", "format"),
    responses=shapes.SCHEMA,
)
@api_view(["GET"])
def schema(request: Request, schema_id: int) -> Response:
    """The schema with this id, to whoever may read a subject that uses it. `fastpath.py` answers most of these."""
    version = _version(request, schema_id)
    answer = schema_by_id(version, whole_for=_bundling(request))
    if flag(request, "fetchMaxId"):
        answer["maxId"] = highest_id(version.identity.context)
        fetches.note(version.content_id, caller(request).label)
        return Response(answer, headers=_deprecation(request, version))
    if contexts.split(request.query_params.get("subject", ""))[1]:
        answer |= {"subject": version.subject.name, "version": version.number}
    return _kept(request, version, answer)


@extend_schema(
    operation_id="schemas_text",
    parameters=shapes.parameters("subjectOfId", "format"),
    responses={200: dict[str, Any]},
)
@api_view(["GET"])
def schema_text(request: Request, schema_id: int) -> Response:
    """The text of the schema as it was uploaded, or bundled with what it refers to."""
    version = _version(request, schema_id)
    text = bundled(caller(request), version.content) if wants_bundle(request) else version.content.text
    return _kept(request, version, text.encode())


def _version(request: Request, schema_id: int) -> Version:
    subject = contexts.normal(request.query_params.get("subject", ""))
    return find_by_id(actor=caller(request), number=schema_id, subject=subject)


def _bundling(request: Request) -> Actor | None:
    """For whom the schema is to hold what it refers to."""
    return caller(request) if wants_bundle(request) else None


def _deprecation(request: Request, version: Version) -> dict[str, str]:
    return headers_of(deprecated_among(versions_speaking_for(version)), caller(request))


def _kept(request: Request, version: Version, answer: dict[str, Any] | bytes) -> Response:
    fetches.note(version.content_id, caller(request).label)
    headers = {
        **IMMUTABLE,
        "ETag": etag_of(version, whole=wants_bundle(request)),
        **_deprecation(request, version),
    }
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return Response(status=304, headers=headers)
    return Response(answer, headers=headers)


@extend_schema(
    operation_id="schemas_subjects",
    parameters=shapes.parameters("subject", "deleted", "offset", "limit"),
    responses=shapes.NAMES,
)
@api_view(["GET"])
def schema_subjects(request: Request, schema_id: int) -> Response:
    """Names of the subjects that use this schema."""
    names = sorted({version.subject.name for version in _uses(request, schema_id)})
    return Response(names[window(request)])


@extend_schema(
    operation_id="schemas_versions",
    parameters=shapes.parameters("subject", "deleted", "offset", "limit"),
    responses=shapes.listed(shapes.USE),
)
@api_view(["GET"])
def schema_versions(request: Request, schema_id: int) -> Response:
    """The versions that are this schema."""
    pairs = [{"subject": v.subject.name, "version": v.number} for v in _uses(request, schema_id)]
    return Response(pairs[window(request)])


def _uses(request: Request, schema_id: int) -> VersionQuerySet:
    """With a subject in the query, its own versions only."""
    version = _version(request, schema_id)
    found = uses_of(caller(request), version, deleted=flag(request, "deleted"))
    name = contexts.split(request.query_params.get("subject", ""))[1]
    if not name:
        return found
    return found.filter(subject__name=contexts.within(version.identity.context, name))


@extend_schema(
    operation_id="schemas_by_guid", parameters=shapes.parameters("format"), responses=shapes.SCHEMA
)
@api_view(["GET"])
def schema_by_guid(request: Request, guid: str) -> Response:
    """The schema with this guid, which is the same in every context."""
    actor = caller(request)
    first = ids_of_guid(actor=actor, guid=guid)[0]
    version = find_by_id(actor=actor, number=first.number, subject=contexts.qualifier(first.context))
    return _kept(request, version, schema_by_id(version, whole_for=_bundling(request)))


@extend_schema(operation_id="schemas_ids_of_guid", responses=shapes.listed(shapes.CONTEXT_ID))
@api_view(["GET"])
def ids_by_guid(request: Request, guid: str) -> Response:
    """The ids of this schema, one for each context that has it."""
    found = ids_of_guid(actor=caller(request), guid=guid)
    return Response([{"context": row.context, "id": row.number} for row in found])
