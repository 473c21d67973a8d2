"""Taxonomies over REST: editions in and out, codes in any spelling, what changed, who depends on it, generated enums."""

from collections import Counter
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view, parser_classes
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from registry import enums
from registry import taxonomy_shapes as shapes
from registry.models import TaxonomyVersion
from registry.taxonomy import (
    find_code,
    find_taxonomy_version,
    find_two_editions,
    publish_taxonomy,
    readable_taxonomies,
)
from registry.taxonomy_bindings import dependents_of
from registry.taxonomy_codes import normalize_codes
from registry.taxonomy_draft import in_reading_order
from registry.taxonomy_errors import LanguageNotFound, TaxonomyNotFound
from registry.taxonomy_requests import (
    YAML,
    TaxonomyParser,
    form_asked,
    search_asked,
    texts_asked,
    time_asked,
)
from registry.taxonomy_rules import compare
from registry.taxonomy_text import Format, write_document
from registry.taxonomy_tree import Tree
from registry.taxonomy_usage import usage_of
from registry.wire import JSON, InvalidParameter, flag

_LONGEST_NOTE = 10_000


@extend_schema(
    responses=serializers.ListSerializer(child=serializers.CharField()), operation_id="taxonomies_list"
)
@api_view(["GET"])
def taxonomies(request: Request) -> Response:
    """The names of the taxonomies that the caller may read."""
    names = readable_taxonomies(actor=caller(request)).values_list("name", flat=True)
    return Response(list(names))


@extend_schema(
    methods=["GET"], responses=shapes.listed(shapes.VERSION), operation_id="taxonomies_versions_list"
)
@extend_schema(
    methods=["POST"],
    operation_id="taxonomies_versions_publish",
    parameters=[shapes.DRY_RUN, shapes.NOTE],
    request={JSON: OpenApiTypes.OBJECT, YAML: OpenApiTypes.STR},
    responses=shapes.PUBLISHED,
)
@api_view(["GET", "POST"])
@parser_classes([TaxonomyParser])
def versions(request: Request, name: str) -> Response:
    """GET lists editions, the oldest first; POST publishes a document, JSON or YAML, as the next one."""
    actor = caller(request)
    if request.method == "POST":
        actor.require("write", name)
        published = publish_taxonomy(
            actor=actor,
            document=request.data,
            name=name,
            note=_note(request),
            dry_run=flag(request, "dryRun"),
        )
        return Response(shapes.published_answer(published))
    actor.require("read", name)
    editions = TaxonomyVersion.objects.filter(taxonomy__name=name).select_related("taxonomy")
    found = editions.defer("document").order_by("number")
    if not found:
        raise TaxonomyNotFound.named(name)
    return Response([shapes.edition_answer(version) for version in found])


def _note(request: Request) -> str:
    note = request.query_params.get("note", "")
    if len(note) > _LONGEST_NOTE or "\0" in note:
        raise InvalidParameter(f"'note' has up to {_LONGEST_NOTE:,} characters.", parameter="note")
    return note


@extend_schema(
    parameters=[shapes.FORMAT],
    responses={200: dict[str, Any], (200, YAML): OpenApiTypes.STR},
    operation_id="taxonomies_versions_read",
)
@api_view(["GET"])
def version(request: Request, name: str, wanted: str) -> HttpResponseBase:
    """One edition: `latest`, a number, an exact SemVer or a range. With `format`, or `Accept: application/yaml`, its document alone."""
    found = find_taxonomy_version(actor=caller(request), name=name, wanted=wanted)
    form = form_asked(request)
    if form is None:
        return Response({**shapes.edition_answer(found), "document": in_reading_order(found.document)})
    return document_file(found, form)


def document_file(version: TaxonomyVersion, form: Format) -> HttpResponse:
    """The document as a file that an upload takes back."""
    content_type = JSON if form == "json" else f"{YAML}; charset=utf-8"
    answer = HttpResponse(
        write_document(in_reading_order(version.document), form=form), content_type=content_type
    )
    stem = "".join(c if c.isascii() and c.isalnum() else "-" for c in version.taxonomy.name)
    answer["Content-Disposition"] = f'inline; filename="{stem}-{version.semver}.{form}"'
    return answer


@extend_schema(
    operation_id="taxonomies_enum",
    parameters=[
        OpenApiParameter("package", str, description="Go and Java: the package that the file is to be in."),
    ],
    responses={(200, "text/plain"): OpenApiTypes.STR},
)
@api_view(["GET"])
def enum(request: Request, name: str, wanted: str, language: str) -> HttpResponse:
    """An edition as source code: codes.py, codes.ts, codes.go or codes.java, an enumeration with docs."""
    found = find_taxonomy_version(actor=caller(request), name=name, wanted=wanted)
    generate = enums.GENERATORS.get(language)
    if generate is None:
        raise LanguageNotFound.named(language, list(enums.GENERATORS))
    asked = enums.Request(
        Tree.of(found.document), bytes(found.digest).hex(), request.query_params.get("package", "")
    )
    source = generate(asked)
    answer = HttpResponse(source.text, content_type=f"{source.content_type}; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{source.file}"'
    return answer


@extend_schema(
    parameters=shapes.SEARCH, responses=shapes.listed(shapes.CODE), operation_id="taxonomies_codes_list"
)
@api_view(["GET"])
def codes(request: Request, name: str) -> Response:
    """The codes of an edition that answer to a search: by words, area, severity, deprecation, HTTP status or exit code."""
    tree = _tree(request, name)
    search = search_asked(request)
    return Response([shapes.code_answer(code, tree) for code in tree.codes if search.finds(tree, code)])


@extend_schema(
    parameters=[shapes.EDITION_PARAMETER], responses=shapes.CODE, operation_id="taxonomies_codes_read"
)
@api_view(["GET"])
def code(request: Request, name: str, text: str) -> Response:
    """What a code means, in any of its spellings; `?version=` asks another edition than the latest."""
    wanted = request.query_params.get("version", "latest")
    found, tree = find_code(actor=caller(request), name=name, text=text, wanted=wanted)
    return Response(shapes.code_answer(found, tree))


@extend_schema(
    methods=["GET"],
    operation_id="taxonomies_normalize_one",
    parameters=[
        shapes.EDITION_PARAMETER,
        OpenApiParameter("code", str, many=True, description="A text; may be given several times."),
    ],
    responses=shapes.RECOGNISED,
)
@extend_schema(
    methods=["POST"],
    operation_id="taxonomies_normalize",
    parameters=[shapes.EDITION_PARAMETER],
    request=shapes.CODES_ASKED,
    responses=shapes.RECOGNISED,
)
@api_view(["GET", "POST"])
def normalize(request: Request, name: str) -> Response:
    """Codes as they were written → the codes that they mean, with how each was recognised, or the likeliest candidates."""
    found, tree = normalize_codes(
        actor=caller(request),
        name=name,
        texts=texts_asked(request),
        wanted=request.query_params.get("version", "latest"),
    )
    counts = Counter(one.how or "unknown" for one in found)
    results = [one.as_dict() for one in found]
    return Response({"taxonomy": name, "version": tree.version, "results": results, "counts": dict(counts)})


@extend_schema(
    operation_id="taxonomies_diff",
    parameters=[
        OpenApiParameter("from", str, description="An edition; the one before `to` by default."),
        OpenApiParameter("to", str, description="An edition; latest by default."),
    ],
    responses=shapes.DIFF,
)
@api_view(["GET"])
def diff(request: Request, name: str) -> Response:
    """What changed between two editions, in words, the heaviest change first."""
    asked = request.query_params
    old, new = find_two_editions(
        actor=caller(request), name=name, before=asked.get("from", ""), after=asked.get("to", "")
    )
    changes = compare(Tree.of(old.document), Tree.of(new.document))
    return Response(shapes.diff_answer(Tree.of(old.document), Tree.of(new.document), changes))


@extend_schema(
    operation_id="taxonomies_usage",
    parameters=[shapes.EDITION_PARAMETER, shapes.SINCE, shapes.UNTIL],
    responses=shapes.USAGE,
)
@api_view(["GET"])
def usage(request: Request, name: str) -> Response:
    """How many stored events carry each code, and how many they stand for where producers sample."""
    tree = _tree(request, name)
    found = usage_of(
        actor=caller(request),
        tree=tree,
        since=time_asked(request.query_params, "since"),
        until=time_asked(request.query_params, "until"),
    )
    return Response(shapes.usage_answer(found, tree))


@extend_schema(
    operation_id="taxonomies_dependents",
    parameters=[shapes.EDITION_PARAMETER],
    responses=shapes.DEPENDENTS,
)
@api_view(["GET"])
def dependents(request: Request, name: str) -> Response:
    """The live schemas with a field that is bound to the taxonomy, and whether the edition lies in their range."""
    tree = _tree(request, name)
    found, hidden = dependents_of(actor=caller(request), taxonomy=name, version=tree.version)
    schemas = [dependent.as_dict() for dependent in found]
    return Response({"taxonomy": name, "version": tree.version, "schemas": schemas, "hidden": hidden})


def _tree(request: Request, name: str) -> Tree:
    wanted = request.query_params.get("version", "latest")
    return Tree.of(find_taxonomy_version(actor=caller(request), name=name, wanted=wanted).document)
