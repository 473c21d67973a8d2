"""Taxonomies over REST: editions as uploaded, and codes in any spelling."""

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from registry.models import TaxonomyVersion
from registry.taxonomy import find_code, find_taxonomy_version, readable_taxonomies
from registry.taxonomy_errors import TaxonomyNotFound
from registry.taxonomy_tree import Code, Tree

VERSION = inline_serializer(
    "TaxonomyVersion",
    {
        "taxonomy": serializers.CharField(),
        "number": serializers.IntegerField(),
        "version": serializers.CharField(),
        "note": serializers.CharField(),
        "published_by": serializers.CharField(),
        "published_at": serializers.DateTimeField(),
    },
)
CODE = inline_serializer(
    "TaxonomyCode",
    {
        "code": serializers.CharField(),
        "long": serializers.CharField(),
        "area": serializers.CharField(),
        "number": serializers.IntegerField(),
        "slug": serializers.CharField(),
        "meaning": serializers.CharField(),
        "description": serializers.CharField(),
        "severity": serializers.ChoiceField(["CRITICAL", "ERROR", "WARNING", "INFO"]),
        "recoverable": serializers.ChoiceField(["no", "yes", "retry"]),
        "http_status": serializers.IntegerField(allow_null=True),
        "exit_code": serializers.IntegerField(allow_null=True),
        "owner": serializers.CharField(),
        "since": serializers.CharField(),
        "deprecated": serializers.CharField(allow_null=True),
        "replaced_by": serializers.CharField(allow_null=True),
        "parent": serializers.CharField(allow_null=True),
        "aliases": serializers.ListField(child=serializers.CharField()),
        "ancestors": serializers.ListField(child=serializers.CharField()),
        "taxonomy": serializers.CharField(),
        "version": serializers.CharField(),
    },
)


@extend_schema(
    responses=serializers.ListSerializer(child=serializers.CharField()), operation_id="taxonomies_list"
)
@api_view(["GET"])
def taxonomies(request: Request) -> Response:
    """The names of the taxonomies that the caller may read."""
    names = readable_taxonomies(actor=caller(request)).values_list("name", flat=True)
    return Response(list(names))


@extend_schema(responses=serializers.ListSerializer(child=VERSION), operation_id="taxonomies_versions_list")
@api_view(["GET"])
def versions(request: Request, name: str) -> Response:
    """The editions of a taxonomy, the oldest first."""
    caller(request).require("read", name)
    found = TaxonomyVersion.objects.filter(taxonomy__name=name).select_related("taxonomy").order_by("number")
    if not found:
        raise TaxonomyNotFound.named(name)
    return Response([_edition(version) for version in found])


@extend_schema(responses={200: dict[str, Any]}, operation_id="taxonomies_versions_read")
@api_view(["GET"])
def version(request: Request, name: str, wanted: str) -> Response:
    """One edition as it was uploaded: `latest`, a number or an exact SemVer."""
    found = find_taxonomy_version(actor=caller(request), name=name, wanted=wanted)
    return Response({**_edition(found), "document": found.document})


@extend_schema(responses=CODE, operation_id="taxonomies_codes_read")
@api_view(["GET"])
def code(request: Request, name: str, text: str) -> Response:
    """What a code means, in any of its spellings; `?version=` asks another edition than the latest."""
    wanted = request.query_params.get("version", "latest")
    found, tree = find_code(actor=caller(request), name=name, text=text, wanted=wanted)
    return Response(_code(found, tree))


def _edition(version: TaxonomyVersion) -> dict[str, object]:
    return {
        "taxonomy": version.taxonomy.name,
        "number": version.number,
        "version": version.semver,
        "note": version.note,
        "published_by": version.published_by,
        "published_at": version.published_at,
    }


def _code(code: Code, tree: Tree) -> dict[str, object]:
    facts = asdict(code)
    return {
        "code": facts.pop("short"),
        "long": code.long,
        **facts,
        "ancestors": [ancestor.short for ancestor in tree.ancestors(code)][1:],
        "taxonomy": tree.taxonomy,
        "version": tree.version,
    }
