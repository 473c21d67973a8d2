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
    "force": _flag("force", "Let pass what the level refuses. Needs the scope admin; is audited."),
    "forceMode": _flag("force", "Begin an import although there are versions already."),
    "normalize": _flag("normalize", "Keep the text with its keys sorted; it is compared so in any case."),
    "recursive": _flag("recursive", "Of all subjects of the context, too."),
    "deletedAsNegative": _flag("deletedAsNegative", "Soft-deleted ones too, as negative numbers."),
    "latestOnly": _flag("latestOnly", "Of each subject only the latest version."),
    "aliases": _flag("aliases", "Of aliases the subject that they stand for, with their names."),
    "fetchMaxId": _flag("fetchMaxId", "With the highest id of the context."),
    "ruleType": OpenApiParameter(
        "ruleType", str, many=True, description="Only with a rule of one of these types."
    ),
    "key": OpenApiParameter("key", str, many=True, description="The name of a property."),
    "value": OpenApiParameter("value", str, many=True, description="Its value, in the same order."),
    "contextPrefix": OpenApiParameter("contextPrefix", str, description="Contexts that begin so."),
    "subjectOfId": OpenApiParameter(
        "subject",
        str,
        description="A subject that uses the id, or `:.context:`, where it is not the default one.",
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
    "subjectPrefix": OpenApiParameter(
        "subjectPrefix",
        str,
        description="Names that begin so: of the default context, of the one that it begins with, or after `:*:` of all.",
    ),
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
        "id": _NUMBER(required=False, help_text="Given by an import only."),
        "version": _NUMBER(required=False, help_text="The next number, or any in an import."),
        "schemaTagsToAdd": serializers.ListField(child=serializers.DictField(), required=False),
        "schemaTagsToRemove": serializers.ListField(child=serializers.DictField(), required=False),
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
        "versionWhenAbsent": _TEXT(required=False),
        "eventProfile": _TEXT(required=False),
        "renameAliases": serializers.BooleanField(required=False),
    },
)
SCHEMA = inline_serializer(
    "SchemaById",
    {
        "schema": _TEXT(),
        "schemaType": _TEXT(),
        "guid": serializers.UUIDField(),
        "references": _REFERENCES,
        "metadata": serializers.DictField(required=False),
        "ruleSet": serializers.DictField(required=False),
        "subject": _TEXT(required=False),
        "version": _NUMBER(required=False),
        "maxId": _NUMBER(required=False),
    },
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
_CONFIG_MEMBERS: dict[str, Any] = {
    "compatibilityPolicy": serializers.ChoiceField(["DECLARED", "OPEN", "STRICT", "LENIENT"], required=False),
    "normalize": serializers.BooleanField(required=False),
    "validateFields": serializers.BooleanField(required=False),
    "validateRules": serializers.BooleanField(required=False),
    "alias": _TEXT(required=False, help_text="Requests about this subject mean that one."),
    "compatibilityGroup": _TEXT(
        required=False, help_text="A property of metadata: only versions with the same value are compared."
    ),
    "defaultMetadata": serializers.DictField(required=False),
    "overrideMetadata": serializers.DictField(required=False),
    "defaultRuleSet": serializers.DictField(required=False),
    "overrideRuleSet": serializers.DictField(required=False),
}
CONFIG = inline_serializer("Config", {"compatibilityLevel": _TEXT(required=False), **_CONFIG_MEMBERS})
CONFIG_CHANGE = inline_serializer("ConfigChange", {"compatibility": _TEXT(required=False), **_CONFIG_MEMBERS})
MODE = inline_serializer(
    "Mode",
    {"mode": serializers.ChoiceField(["READWRITE", "READONLY", "IMPORT", "FORWARD"], allow_null=True)},
)
TAGGING = inline_serializer(
    "Tagging",
    {
        "newVersion": _NUMBER(required=False),
        "tagsToAdd": serializers.ListField(child=serializers.DictField(), required=False),
        "tagsToRemove": serializers.ListField(child=serializers.DictField(), required=False),
        "metadata": serializers.DictField(required=False),
        "ruleSet": serializers.DictField(required=False),
        "rulesToMerge": serializers.DictField(required=False),
        "rulesToRemove": serializers.ListField(child=_TEXT(), required=False),
    },
)
CONTEXT_ID = inline_serializer("ContextId", {"context": _TEXT(), "id": _NUMBER()})
SERVER_ID = inline_serializer("ServerId", {"scope": serializers.DictField(), "id": _TEXT()})
SERVER_VERSION = inline_serializer("ServerVersion", {"version": _TEXT(), "commitId": _TEXT()})
SERVER_DEPLOYMENT = inline_serializer(
    "ServerDeployment", {"attributes": serializers.ListField(child=_TEXT())}
)
USE = inline_serializer("SubjectVersion", {"subject": _TEXT(), "version": _NUMBER()})
EMPTY = inline_serializer("Nothing", {})


def listed(child: serializers.Field[Any, Any, Any, Any]) -> serializers.ListSerializer[Any]:
    return serializers.ListSerializer(child=child)


NAMES = listed(_TEXT())
NUMBERS = listed(_NUMBER())
