"""The shapes of the wire API for the OpenAPI document. Requests are read by `api_requests.py`, answers made by `answers.py`."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers

_TEXT = serializers.CharField
_NUMBER = serializers.IntegerField


def parameters(*names: str) -> list[OpenApiParameter]:
    return [PARAMETERS[name] for name in names]


def _flag(name: str, says: str) -> OpenApiParameter:
    return OpenApiParameter(name, bool, description=says)


PARAMETERS = {
    "deleted": _flag("deleted", "Soft-deleted ones, drafts and archived ones, too."),
    "deletedOnly": _flag("deletedOnly", "Soft-deleted ones only."),
    "permanent": _flag("permanent", "For good; it has to be soft-deleted already."),
    "verbose": _flag("verbose", "With sentences that say why not."),
    "dryRun": _flag("dryRun", "Judge as an upload would, and store nothing."),
    "force": _flag(
        "force", "Let pass what is neither proven nor refuted. Needs the scope admin; is audited."
    ),
    "impact": OpenApiParameter(
        "impact",
        str,
        enum=["sample", "exact"],
        description="`exact` goes on with all stored events, in a study that the findings name.",
    ),
    "defaultToGlobal": _flag("defaultToGlobal", "What holds, if nothing is set for the subject itself."),
    "format": OpenApiParameter(
        "format", str, description="`bundled`: one self-contained schema with all it refers to."
    ),
    "subjectPrefix": OpenApiParameter("subjectPrefix", str, description="Names that begin so."),
    "subject": OpenApiParameter("subject", str, description="Only of this subject."),
    "offset": OpenApiParameter("offset", int, description="Leave out that many."),
    "limit": OpenApiParameter("limit", int, description="At most that many; negative is no limit."),
}

_REFERENCES = inline_serializer(
    "Reference", {"name": _TEXT(), "subject": _TEXT(), "version": _NUMBER()}, many=True, required=False
)
_WANTED = inline_serializer(
    "ReferenceWanted",
    {
        "name": _TEXT(help_text="What $ref says."),
        "subject": _TEXT(),
        "version": _TEXT(help_text="A number, -1, an exact SemVer or a range, which is pinned."),
    },
    many=True,
    required=False,
)
UPLOAD = inline_serializer(
    "Upload",
    {
        "schema": _TEXT(help_text="The JSON Schema as text; a JSON object is taken, too."),
        "schemaType": serializers.ChoiceField(["JSON"], required=False),
        "references": _WANTED,
        "metadata": serializers.DictField(
            required=False, help_text="properties.semver declares the version."
        ),
        "ruleSet": serializers.DictField(required=False),
        "semver": _TEXT(required=False, help_text="The declared version; computed when absent."),
        "note": _TEXT(required=False, help_text="What changed, for people."),
        "state": serializers.ChoiceField(
            ["active", "draft"], required=False, help_text="A draft is kept outside of all that readers see."
        ),
    },
)
VERSION = inline_serializer(
    "Version",
    {
        "subject": _TEXT(),
        "version": _NUMBER(),
        "id": _NUMBER(),
        "schemaType": _TEXT(),
        "schema": _TEXT(),
        "references": _REFERENCES,
        "metadata": serializers.DictField(required=False),
        "ruleSet": serializers.DictField(required=False),
        "guid": serializers.UUIDField(required=False),
        "ts": _NUMBER(required=False),
        "deleted": serializers.BooleanField(required=False),
        "semver": _TEXT(required=False),
        "state": _TEXT(required=False),
        "sunset": serializers.DateField(required=False),
        "deprecationNote": _TEXT(required=False),
        "publishedBy": _TEXT(required=False),
        "dialect": _TEXT(required=False),
        "assertFormats": serializers.BooleanField(required=False),
    },
)
SCHEMA = inline_serializer(
    "SchemaById",
    {"schema": _TEXT(), "schemaType": _TEXT(), "guid": serializers.UUIDField(), "references": _REFERENCES},
)
PUBLISHED = inline_serializer(
    "Published",
    {
        "id": _NUMBER(allow_null=True, help_text="null only in the dry run of a schema never seen."),
        "version": _NUMBER(required=False),
        "semver": _TEXT(required=False),
        "created": serializers.BooleanField(required=False),
        "state": _TEXT(required=False),
        "approval_needed": serializers.BooleanField(
            required=False, help_text="Of a dry run: publishing it would wait for a second person."
        ),
        "guid": serializers.UUIDField(required=False),
        "verdict": serializers.DictField(required=False),
        "notes": serializers.ListField(child=serializers.DictField(), required=False),
    },
)
COMPATIBILITY = inline_serializer(
    "Compatibility",
    {
        "is_compatible": serializers.BooleanField(),
        "messages": serializers.ListField(child=_TEXT(), required=False),
        "details": serializers.DictField(required=False),
    },
)
CONFIG = inline_serializer(
    "Config",
    {
        "compatibilityLevel": _TEXT(required=False),
        "compatibilityPolicy": _TEXT(required=False),
        "normalize": serializers.BooleanField(required=False),
    },
)
CONFIG_CHANGE = inline_serializer(
    "ConfigChange",
    {
        "compatibility": _TEXT(required=False),
        "compatibilityPolicy": serializers.ChoiceField(
            ["DECLARED", "OPEN", "STRICT", "LENIENT"], required=False
        ),
        "normalize": serializers.BooleanField(required=False),
    },
)
MODE = inline_serializer("Mode", {"mode": serializers.ChoiceField(["READWRITE", "READONLY"])})
USE = inline_serializer("SubjectVersion", {"subject": _TEXT(), "version": _NUMBER()})
EMPTY = inline_serializer("Nothing", {})


def listed(child: serializers.Field[Any, Any, Any, Any]) -> serializers.ListSerializer[Any]:
    return serializers.ListSerializer(child=child)


NAMES = listed(_TEXT())
NUMBERS = listed(_NUMBER())
