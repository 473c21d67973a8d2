"""The history of GitHub's webhook schemas (5.8.0, 7.3.1, 7.6.1), every definition a subject, imported with references."""

import json
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest

from access.actor import SYSTEM
from compat import compile_validator
from registry.configure import set_rules
from registry.lookup import find_version
from registry.models import Reference, Version
from registry.publish import publish_version
from registry.references import ReferenceTo, bundled
from tests.require import require

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]
VERSIONS = ("5.8.0", "7.3.1", "7.6.1")
LOCAL = "#/definitions/"


def definitions(version: str) -> dict[str, Any]:
    file = Path(require("data")) / "github-webhooks" / "schemas" / version / "schema.json"
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["definitions"]
    return found


def used(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].removeprefix(LOCAL)
        for value in node.values():
            yield from used(value)
    elif isinstance(node, list):
        for value in node:
            yield from used(value)


def by_name(node: Any, own: str) -> Any:
    """References to other definitions by their name; those to itself stay inside."""
    if isinstance(node, list):
        return [by_name(item, own) for item in node]
    if not isinstance(node, dict):
        return node
    copied = {key: by_name(value, own) for key, value in node.items()}
    if isinstance(copied.get("$ref"), str):
        name = copied["$ref"].removeprefix(LOCAL)
        copied["$ref"] = "#" if name == own else subject_of(name)
    return copied


def subject_of(name: str) -> str:
    return f"github.{name.replace('$', '.')}"


def publish_all(version: str) -> dict[str, Any]:
    found = definitions(version)
    uses = {name: set(used(schema)) - {name} for name, schema in found.items()}
    for name in TopologicalSorter(uses).static_order():
        schema = {"$schema": "http://json-schema.org/draft-07/schema#", **by_name(found[name], name)}
        references = [ReferenceTo(subject_of(other), subject_of(other), "*") for other in sorted(uses[name])]
        publish_version(
            actor=SYSTEM,
            subject=subject_of(name),
            schema=json.dumps(schema),
            references=references,
            note=version,
        )
    return found


def payloads() -> list[tuple[str, str, Any]]:
    file = Path(require("data")) / "github-webhooks" / "examples" / "7.6.1" / "api.github.com" / "index.json"
    listed = json.loads(file.read_text(encoding="utf-8"))
    return [
        (event["name"], payload.get("action"), payload) for event in listed for payload in event["examples"]
    ]


def test_imported_with_references_every_payload_is_judged_as_by_the_one_document(settings: Any) -> None:
    settings.UPLOAD_JUDGES = []
    set_rules(actor=SYSTEM, subject="", level="NONE")
    counts = [len(publish_all(version)) for version in VERSIONS]
    assert min(counts) >= 250
    assert Reference.objects.exclude(range="*").count() == 0
    assert Version.objects.values("subject").distinct().count() >= max(counts)
    last, judged, refused = definitions(VERSIONS[-1]), 0, 0
    validators: dict[str, Any] = {}
    for event, action, payload in payloads():
        key = f"{event}${action}" if f"{event}${action}" in last else f"{event}$event"
        if key not in validators:
            whole = {"$ref": f"{LOCAL}{key}", "definitions": last}
            alone = json.loads(bundled(SYSTEM, find_version(subject_of(key), "latest").content))
            validators[key] = (compile_validator(whole), compile_validator(alone))
        direct, ours = (validator.is_valid(payload) for validator in validators[key])
        assert ours == direct, key
        judged, refused = judged + 1, refused + (not ours)
    assert (judged, refused) == (329, 52)
