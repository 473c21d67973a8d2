"""Rules as code over REST: all of them out, what a document says in, and tests of rules."""

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import api_view, parser_classes
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from access.caller import caller
from alerts.edition_serializers import EditionDifference
from alerts.rule_documents import read_text
from alerts.rule_tests import run_tests
from alerts.rules_as_code import export_rules, import_rules
from registry.taxonomy_errors import TaxonomyTooLarge
from registry.taxonomy_requests import YAML, form_asked
from registry.taxonomy_text import write_document
from registry.wire import flag


class RulesParser(BaseParser):
    """A document, whatever it says it is: JSON by its first character, else YAML."""

    media_type = "*/*"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        raw: bytes = stream.read(settings.TAXONOMY_MAX_BYTES + 1)
        if len(raw) > settings.TAXONOMY_MAX_BYTES:
            raise TaxonomyTooLarge.bytes(len(raw), settings.TAXONOMY_MAX_BYTES)
        return read_text(raw)


class PlannedRuleAnswer(serializers.Serializer[Any]):
    name = serializers.CharField()
    what = serializers.CharField(help_text="created, changed, unchanged or removed.")
    changes = EditionDifference(many=True)


class RulesImportAnswer(serializers.Serializer[Any]):
    dry_run = serializers.BooleanField()
    rules = PlannedRuleAnswer(many=True)


class RuleTestAnswer(serializers.Serializer[Any]):
    name = serializers.CharField()
    passed = serializers.BooleanField()
    differences = serializers.ListField(child=serializers.CharField())


class RuleTestsAnswer(serializers.Serializer[Any]):
    passed = serializers.IntegerField()
    failed = serializers.IntegerField()
    tests = RuleTestAnswer(many=True)


@extend_schema(
    operation_id="alerts_rules_export",
    parameters=[OpenApiParameter("format", str, description="json, or yaml; also by `Accept`.")],
    responses={(200, "application/json"): OpenApiTypes.OBJECT, (200, YAML): OpenApiTypes.STR},
)
@api_view(["GET"])
def rules_export(request: Request) -> HttpResponse:
    """All rules that the caller may read as one document, channels by name, and without what is as by default."""
    document = export_rules(actor=caller(request))
    if form_asked(request) == "yaml":
        return HttpResponse(write_document(document, form="yaml"), content_type=f"{YAML}; charset=utf-8")
    return Response(document)


@extend_schema(
    operation_id="alerts_rules_import",
    parameters=[
        OpenApiParameter("dryRun", bool, description="Says what would happen, and changes nothing."),
        OpenApiParameter("remove", bool, description="Deletes rules that the document does not name."),
    ],
    request={"application/json": OpenApiTypes.OBJECT, YAML: OpenApiTypes.STR},
    responses=RulesImportAnswer,
)
@api_view(["POST"])
@parser_classes([RulesParser])
def rules_import(request: Request) -> Response:
    """Makes the rules as a document says, found by name: all of them, or none where one cannot be."""
    dry_run, actor = flag(request, "dryRun"), caller(request)
    actor.require("alert")
    planned = import_rules(
        actor=actor, document=request.data, remove=flag(request, "remove"), dry_run=dry_run
    )
    return Response(RulesImportAnswer({"dry_run": dry_run, "rules": planned}).data)


@extend_schema(
    operation_id="alerts_rules_test",
    request={"application/json": OpenApiTypes.OBJECT, YAML: OpenApiTypes.STR},
    responses=RuleTestsAnswer,
)
@api_view(["POST"])
@parser_classes([RulesParser])
def rules_test(request: Request) -> Response:
    """Runs tests of a rule: events, and the episodes they have to make. Nothing is stored."""
    caller(request).require("read")
    outcomes = run_tests(request.data)
    passed = sum(one.passed for one in outcomes)
    told = {"passed": passed, "failed": len(outcomes) - passed, "tests": outcomes}
    return Response(RuleTestsAnswer(told).data)
