"""A schema file as the registry takes it."""

from __future__ import annotations

from typing import Any

from onex_sdk._cli.collection import Collection, SchemaFile
from onex_sdk._cli.exits import Impossible
from onex_sdk._cli.schema_text import written_schema
from onex_sdk._cli.verdicts import verdicts

_LATEST = -1


def body_of(file: SchemaFile, everything: Collection) -> dict[str, Any]:
    """The upload; what the schema refers to is meant in its latest version, which the registry pins."""
    references = [
        {"name": name, "subject": other.subject, "version": _LATEST}
        for name, other in sorted(everything.references(file).items())
    ]
    return {"schema": file.text, "schemaType": "JSON", "references": references}


def whole_body_of(file: SchemaFile, everything: Collection) -> dict[str, Any]:
    """For questions: with what the schema refers to inside, as it stands here and whether or not it is registered yet.

    Raises Impossible where nothing is installed that can put it together.
    """
    store = everything.store(file)
    if not store:
        return body_of(file, everything)
    answer = verdicts().bundle(file.schema.value, store=store)
    if answer["status"] == "invalid":
        raise Impossible(f"{file.path} cannot be put together with what it refers to: {answer['message']}.")
    return {"schema": written_schema(answer["schema"]), "schemaType": "JSON"}
