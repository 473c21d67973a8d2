"""Reading the bodies of the wire API. Members that are not known are ignored, as registries of the field do."""

from typing import Any

from rest_framework.request import Request

from access.actor import Actor
from registry import contexts
from registry.configure import aliased
from registry.errors import InvalidReference, InvalidSchema
from registry.identify import MAX_ID
from registry.lookup import LATEST, MAX_NUMBER
from registry.names import check_subject_name
from registry.problems import Malformed
from registry.references import ReferenceTo
from registry.schema_tags import with_tags
from registry.upload import Asked, Upload, read_upload
from registry.wire import flag

_LONGEST_NOTE = 10_000


def body_of_request(request: Request) -> dict[str, Any]:
    """Raises Malformed for anything but a JSON object."""
    body = request.data
    if not isinstance(body, dict):
        raise Malformed("The body has to be a JSON object.")
    return body


def asked_of(request: Request) -> Asked:
    """Raises Malformed, InvalidSchema, InvalidReference."""
    body = body_of_request(request)
    _check_type(body.get("schemaType"))
    schema = body.get("schema")
    if isinstance(schema, bool):
        schema = "true" if schema else "false"
    if not isinstance(schema, str) or not schema.strip():
        raise InvalidSchema(
            'Empty schema: the member "schema" has to hold the JSON Schema as a string.', pointer="/schema"
        )
    return Asked(
        schema=with_tags(
            schema, add=list_of(body, "schemaTagsToAdd"), remove=list_of(body, "schemaTagsToRemove")
        ),
        references=[_reference(given) for given in list_of(body, "references")],
        metadata=body.get("metadata"),
        rule_set=body.get("ruleSet"),
        semver=_text(body, "semver", 100) or None,
        note=_text(body, "note", _LONGEST_NOTE),
        normalize=flag(request, "normalize"),
        id=number_in(body, "id", MAX_ID),
        number=number_in(body, "version", MAX_NUMBER),
    )


def wants_draft(request: Request) -> bool:
    """Whether the member `state` asks for a draft. Raises Malformed for any other state but `active`."""
    state = body_of_request(request).get("state") or "active"
    if state not in {"active", "draft"}:
        raise Malformed(
            "'state' of an upload is active or draft; the address …/versions/{version}/state changes it later.",
            pointer="/state",
        )
    return bool(state == "draft")


def upload_of(request: Request, actor: Actor, subject: str) -> Upload:
    """For questions about a schema. Raises as `asked_of` and `read_upload` do, and InvalidSubject."""
    check_subject_name(subject)
    asked = asked_of(request)
    # An id and a number are wishes about a publication, and this is none.
    asked["id"] = asked["number"] = None
    return read_upload(actor=actor, subject=subject, **asked)


def meant(subject: str) -> str:
    """The subject that an address of the wire API means: `:.:orders` is `orders`, and an alias is what it stands for."""
    return aliased(contexts.normal(subject))


def number_in(body: dict[str, Any], name: str, highest: int) -> int | None:
    """None for what clients send when they mean none: nothing, null, 0. Raises Malformed."""
    given = body.get(name) or 0
    if type(given) is not int or not LATEST <= given <= highest:
        raise Malformed(f"'{name}' has to be an integer between 1 and {highest}.", pointer=f"/{name}")
    if given == LATEST:
        return LATEST if name == "version" else None
    return given or None


def _check_type(given: Any) -> None:
    """Absent means JSON here. Clients that mean Avro send nothing, so their schema has to look like JSON Schema."""
    if given is not None and str(given).upper() != "JSON":
        raise InvalidSchema(
            f"Invalid schema type {given}: this registry keeps JSON Schema. Send schemaType JSON.",
            schemaType=str(given),
        )


def list_of(body: dict[str, Any], name: str) -> list[Any]:
    given = body.get(name) or []
    if not isinstance(given, list):
        raise Malformed(f"'{name}' has to be a list.", pointer=f"/{name}")
    return given


def _text(body: dict[str, Any], name: str, longest: int) -> str:
    given = body.get(name) or ""
    if not isinstance(given, str) or len(given) > longest or "\0" in given:
        raise Malformed(f"'{name}' has to be a text of up to {longest} characters.", pointer=f"/{name}")
    return given


def _reference(given: Any) -> ReferenceTo:
    if isinstance(given, dict):
        name, subject, version = given.get("name"), given.get("subject"), given.get("version")
        if (
            isinstance(name, str)
            and isinstance(subject, str)
            and isinstance(version, int | str)
            and _names_versions(version)
            and 0 < len(name) <= 500
            and "\0" not in name + subject
        ):
            return ReferenceTo(name, subject, version)
    raise InvalidReference(
        "A reference has a name (up to 500 characters), a subject and a version: a number, -1 for the latest, an exact "
        "SemVer or a range such as ^1.2."
    )


def _names_versions(version: Any) -> bool:
    return type(version) is int or (
        isinstance(version, str) and bool(version.strip()) and "\0" not in version
    )
