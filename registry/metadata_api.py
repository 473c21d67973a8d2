"""Versions by their metadata, and new versions that differ in tags, metadata or rules only."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from registry import api_shapes as shapes
from registry.answers import published_answer, version_answer
from registry.api_requests import body_of_request, list_of, meant, number_in
from registry.deprecation import headers_of
from registry.fetches import fetches
from registry.lookup import MAX_NUMBER, find_version_with
from registry.problems import Malformed
from registry.tag import TagChange, tag_version
from registry.wire import accepts_extras, flag


@extend_schema(
    operation_id="subjects_metadata",
    parameters=shapes.parameters("key", "value", "deleted"),
    responses=shapes.VERSION,
)
@api_view(["GET"])
def latest_with_metadata(request: Request, subject: str) -> Response:
    """The latest version whose metadata has all these properties: `?key=owner&value=shop`, repeated as needed."""
    actor, subject = caller(request), meant(subject)
    actor.require("read", subject)
    keys, values = request.query_params.getlist("key"), request.query_params.getlist("value")
    if len(keys) != len(values):
        raise Malformed("Each 'key' needs a 'value'.")
    wanted = dict(zip(keys, values, strict=True))
    found = find_version_with(subject, wanted, deleted=flag(request, "deleted"))
    fetches.note(found.content_id, actor.label)
    return Response(version_answer(found, extras=accepts_extras(request)), headers=headers_of(found, actor))


@extend_schema(operation_id="versions_tag", request=shapes.TAGGING, responses=shapes.PUBLISHED)
@api_view(["POST"])
def tags(request: Request, subject: str, version: str) -> Response:
    """Publishes the version again with other tags, metadata or rules."""
    published = tag_version(
        actor=caller(request), subject=meant(subject), version=version, change=_change(request)
    )
    return Response(published_answer(published, extras=accepts_extras(request)))


def _change(request: Request) -> TagChange:
    body = body_of_request(request)
    return TagChange(
        add=list_of(body, "tagsToAdd"),
        remove=list_of(body, "tagsToRemove"),
        metadata=_object(body, "metadata"),
        rule_set=_object(body, "ruleSet"),
        rules_to_merge=_object(body, "rulesToMerge"),
        rules_to_remove=[str(name) for name in list_of(body, "rulesToRemove")],
        number=number_in(body, "newVersion", MAX_NUMBER),
    )


def _object(body: dict[str, Any], name: str) -> dict[str, Any] | None:
    given = body.get(name)
    if given is not None and not isinstance(given, dict):
        raise Malformed(f"'{name}' has to be a JSON object.", pointer=f"/{name}")
    return given
