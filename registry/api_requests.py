"""Reading the bodies of the wire API. Members that are not known are ignored, as registries of the field do."""

from typing import Any, TypedDict

from rest_framework.request import Request

from access.actor import Actor
from registry.errors import InvalidReference, InvalidSchema
from registry.names import check_subject_name
from registry.problems import Malformed
from registry.references import ReferenceTo
from registry.upload import Upload, read_upload

_LONGEST_NOTE = 10_000


class Asked(TypedDict):
    """The keyword arguments of `publish_version` that a body gives."""

    schema: str
    references: list[ReferenceTo]
    metadata: dict[str, Any] | None
    rule_set: dict[str, Any] | None
    semver: str | None
    note: str


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
        schema=schema,
        references=[_reference(given) for given in _list(body, "references")],
        metadata=body.get("metadata"),
        rule_set=body.get("ruleSet"),
        semver=_text(body, "semver", 100) or None,
        note=_text(body, "note", _LONGEST_NOTE),
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
    return read_upload(actor=actor, subject=subject, **asked_of(request))


def _check_type(given: Any) -> None:
    """Absent means JSON here. Clients that mean Avro send nothing, so their schema has to look like JSON Schema."""
    if given is not None and str(given).upper() != "JSON":
        raise InvalidSchema(
            f"Invalid schema type {given}: this registry keeps JSON Schema. Send schemaType JSON.",
            schemaType=str(given),
        )


def _list(body: dict[str, Any], name: str) -> list[Any]:
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
