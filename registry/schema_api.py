"""Schemas by id over REST. An id never changes its meaning, so these answers may be kept for ever by their reader."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from registry import api_shapes as shapes
from registry.answers import IMMUTABLE, etag_of, schema_by_id
from registry.deprecation import deprecated_among, headers_of, versions_speaking_for
from registry.fetches import fetches
from registry.lookup import content_for, uses_of
from registry.models import Content, VersionQuerySet
from registry.references import bundled
from registry.wire import flag, wants_bundle, window


@extend_schema(operation_id="schemas_types", responses=shapes.NAMES)
@api_view(["GET"])
def types(request: Request) -> Response:
    """The schema languages this registry keeps."""
    return Response(["JSON"])


@extend_schema(operation_id="schemas_read", parameters=shapes.parameters("format"), responses=shapes.SCHEMA)
@api_view(["GET"])
def schema(request: Request, content_id: int) -> Response:
    """The schema with this id, to whoever may read a subject that uses it. `fastpath.py` answers most of these."""
    content = content_for(caller(request), content_id)
    return _kept(request, content, schema_by_id(content, whole=wants_bundle(request)))


@extend_schema(
    operation_id="schemas_text",
    parameters=shapes.parameters("format"),
    responses={200: dict[str, Any]},
)
@api_view(["GET"])
def schema_text(request: Request, content_id: int) -> Response:
    """The text of the schema as it was uploaded, or bundled with what it refers to."""
    content = content_for(caller(request), content_id)
    text = bundled(content) if wants_bundle(request) else content.text
    return _kept(request, content, text.encode())


def _kept(request: Request, content: Content, answer: dict[str, Any] | bytes) -> Response:
    fetches.note(content.pk, caller(request).label)
    speaking = deprecated_among(versions_speaking_for(content))
    headers = {
        **IMMUTABLE,
        "ETag": etag_of(content, whole=wants_bundle(request)),
        **headers_of(speaking, caller(request)),
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
def schema_subjects(request: Request, content_id: int) -> Response:
    """Names of the subjects that use this schema."""
    names = sorted({version.subject.name for version in _uses(request, content_id)})
    return Response(names[window(request)])


@extend_schema(
    operation_id="schemas_versions",
    parameters=shapes.parameters("subject", "deleted", "offset", "limit"),
    responses=shapes.listed(shapes.USE),
)
@api_view(["GET"])
def schema_versions(request: Request, content_id: int) -> Response:
    """The versions that are this schema."""
    pairs = [{"subject": v.subject.name, "version": v.number} for v in _uses(request, content_id)]
    return Response(pairs[window(request)])


def _uses(request: Request, content_id: int) -> VersionQuerySet:
    actor = caller(request)
    found = uses_of(actor, content_for(actor, content_id), deleted=flag(request, "deleted"))
    only = request.query_params.get("subject")
    return found.filter(subject__name=only) if only else found
