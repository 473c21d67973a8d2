"""Answers about taxonomies, and their shapes for the OpenAPI document."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers

from registry.models import TaxonomyVersion
from registry.taxonomy import PublishedTaxonomy
from registry.taxonomy_rules import Change, required_bump
from registry.taxonomy_tree import Code, Tree
from registry.taxonomy_usage import Usage

_TEXT = serializers.CharField
_NUMBER = serializers.IntegerField
_FLAG = serializers.BooleanField


def listed(child: serializers.Field[Any, Any, Any, Any]) -> serializers.ListSerializer[Any]:
    return serializers.ListSerializer(child=child)


EDITION_PARAMETER = OpenApiParameter(
    "version", str, description="Of which edition: latest (the default), a number, a SemVer or a range."
)
FORMAT = OpenApiParameter("format", str, description="json or yaml: the document alone, as a file.")
DRY_RUN = OpenApiParameter("dryRun", bool, description="Judge as an upload would, and store nothing.")
NOTE = OpenApiParameter("note", str, description="What changed, for people.")
SINCE = OpenApiParameter("since", str, description="By the producers' clocks; a week ago by default.")
UNTIL = OpenApiParameter("until", str, description="Now by default.")
SEARCH = [
    EDITION_PARAMETER,
    OpenApiParameter("q", str, description="A code in any spelling, an area, or words."),
    OpenApiParameter("area", str, description="Token or alias of an area."),
    OpenApiParameter("severity", str),
    OpenApiParameter("recoverable", str),
    OpenApiParameter("deprecated", bool),
    OpenApiParameter("http_status", int, description="Codes that an answer with this status may carry."),
    OpenApiParameter("exit_code", int, description="Codes that a command may end with in this way."),
]

VERSION = inline_serializer(
    "TaxonomyVersion",
    {
        "taxonomy": _TEXT(),
        "number": _NUMBER(),
        "version": _TEXT(),
        "note": _TEXT(),
        "published_by": _TEXT(),
        "published_at": serializers.DateTimeField(),
    },
)
CODE = inline_serializer(
    "TaxonomyCode",
    {
        "code": _TEXT(),
        "long": _TEXT(),
        "area": _TEXT(),
        "number": _NUMBER(),
        "slug": _TEXT(),
        "meaning": _TEXT(),
        "description": _TEXT(),
        "severity": serializers.ChoiceField(["CRITICAL", "ERROR", "WARNING", "INFO"]),
        "recoverable": serializers.ChoiceField(["no", "yes", "retry"]),
        "http_status": _NUMBER(allow_null=True),
        "exit_code": _NUMBER(allow_null=True),
        "owner": _TEXT(),
        "since": _TEXT(),
        "deprecated": _TEXT(allow_null=True),
        "replaced_by": _TEXT(allow_null=True),
        "parent": _TEXT(allow_null=True),
        "aliases": serializers.ListField(child=_TEXT()),
        "ancestors": serializers.ListField(child=_TEXT()),
        "taxonomy": _TEXT(),
        "version": _TEXT(),
    },
)
_CHANGE: dict[str, serializers.Field[Any, Any, Any, Any]] = {
    "kind": _TEXT(),
    "about": _TEXT(help_text="A short code, an area token, or empty for the document."),
    "weight": serializers.ChoiceField(["patch", "minor", "major", "forbidden"]),
    "sentence": _TEXT(),
    "pointer": _TEXT(),
    "rule": _TEXT(help_text="Which rule it breaks, if any."),
    "remedy": _TEXT(),
}
CHANGES = inline_serializer("TaxonomyChange", _CHANGE, many=True)
PUBLISHED = inline_serializer(
    "PublishedTaxonomy",
    {
        "taxonomy": _TEXT(),
        "number": _NUMBER(),
        "version": _TEXT(),
        "created": _FLAG(help_text="false: this very document was there already."),
        "bump": serializers.ChoiceField(["first", "none", "patch", "minor", "major"]),
        "changes": CHANGES,
        "findings": serializers.ListField(child=serializers.DictField()),
    },
)
DIFF = inline_serializer(
    "TaxonomyDiff",
    {
        "taxonomy": _TEXT(),
        "from": _TEXT(),
        "to": _TEXT(),
        "bump": serializers.ChoiceField(["patch", "minor", "major", "forbidden"]),
        "changes": CHANGES,
    },
)
RECOGNITION = inline_serializer(
    "RecognisedCode",
    {
        "text": _TEXT(),
        "code": _TEXT(allow_null=True),
        "long": _TEXT(allow_null=True),
        "how": serializers.ChoiceField(["short", "long", "area_alias", "alias"], allow_null=True),
        "deprecated": _FLAG(),
        "replaced_by": _TEXT(allow_null=True),
        "candidates": serializers.ListField(child=serializers.DictField()),
    },
    many=True,
)
RECOGNISED = inline_serializer(
    "RecognisedCodes",
    {
        "taxonomy": _TEXT(),
        "version": _TEXT(),
        "results": RECOGNITION,
        "counts": serializers.DictField(child=_NUMBER()),
    },
)
CODES_ASKED = inline_serializer("CodesToNormalise", {"codes": serializers.ListField(child=_TEXT())})
USAGE = inline_serializer(
    "TaxonomyUsage",
    {
        "taxonomy": _TEXT(),
        "version": _TEXT(),
        "since": serializers.DateTimeField(),
        "until": serializers.DateTimeField(),
        "finished": _FLAG(),
        "codes": inline_serializer(
            "CodeUse",
            {
                "code": _TEXT(),
                "events": _NUMBER(),
                "weighted": serializers.FloatField(),
                "spellings": serializers.DictField(child=_NUMBER(), help_text="Text as sent: events."),
            },
            many=True,
        ),
        "unknown": inline_serializer(
            "UnknownCodeUse",
            {"text": _TEXT(), "events": _NUMBER(), "weighted": serializers.FloatField()},
            many=True,
        ),
    },
)
DEPENDENTS = inline_serializer(
    "TaxonomyDependents",
    {
        "taxonomy": _TEXT(),
        "version": _TEXT(),
        "schemas": inline_serializer(
            "BoundSchema",
            {
                "subject": _TEXT(),
                "version": _NUMBER(),
                "semver": _TEXT(),
                "pointer": _TEXT(),
                "range": _TEXT(),
                "follows": _FLAG(help_text="Whether this edition lies in the range."),
            },
            many=True,
        ),
        "hidden": _NUMBER(help_text="How many more there are that the caller may not read."),
    },
)


def edition_answer(version: TaxonomyVersion) -> dict[str, object]:
    return {
        "taxonomy": version.taxonomy.name,
        "number": version.number,
        "version": version.semver,
        "note": version.note,
        "published_by": version.published_by,
        "published_at": version.published_at,
    }


def code_answer(code: Code, tree: Tree) -> dict[str, object]:
    facts = asdict(code)
    return {
        "code": facts.pop("short"),
        "long": code.long,
        **facts,
        "ancestors": [ancestor.short for ancestor in tree.ancestors(code)][1:],
        "taxonomy": tree.taxonomy,
        "version": tree.version,
    }


def published_answer(published: PublishedTaxonomy) -> dict[str, object]:
    return {
        "taxonomy": published.taxonomy,
        "number": published.number,
        "version": published.semver,
        "created": published.created,
        "bump": published.bump,
        "changes": [change.as_dict() for change in published.changes],
        "findings": [finding.as_dict() for finding in published.findings],
    }


def diff_answer(old: Tree, new: Tree, changes: Sequence[Change]) -> dict[str, object]:
    return {
        "taxonomy": new.taxonomy,
        "from": old.version,
        "to": new.version,
        "bump": required_bump(changes),
        "changes": [change.as_dict() for change in changes],
    }


def usage_answer(usage: Usage, tree: Tree) -> dict[str, object]:
    codes = sorted(usage.codes.items(), key=lambda item: (-item[1].events, item[0]))
    return {
        "taxonomy": tree.taxonomy,
        "version": tree.version,
        "since": usage.since,
        "until": usage.until,
        "finished": usage.finished,
        "codes": [
            {
                "code": code,
                "events": use.events,
                "weighted": use.weighted,
                "spellings": {spelling.text: spelling.events for spelling in use.spellings},
            }
            for code, use in codes
        ],
        "unknown": [
            {"text": use.text, "events": use.events, "weighted": use.weighted} for use in usage.unknown
        ],
    }
