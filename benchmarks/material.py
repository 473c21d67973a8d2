"""A catalogue of a given size for measuring: subjects of some areas with event types of 8 to 24 fields, two versions each."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

AREAS = ["shop", "billing", "shipping", "identity", "catalog", "search", "support", "fraud", "media", "ads"]
THINGS = ["order", "invoice", "parcel", "user", "product", "query", "ticket", "payment", "video", "campaign"]
DEEDS = [
    "placed",
    "changed",
    "cancelled",
    "closed",
    "reopened",
    "moved",
    "rated",
    "shared",
    "failed",
    "expired",
]
PARTS = ["id", "at", "by", "amount", "count", "status", "code", "name", "url", "note", "kind", "source"]
TYPES = ["string", "string", "string", "integer", "number", "boolean"]


@dataclass(frozen=True)
class Upload:
    """One version to publish."""

    subject: str
    schema: str
    metadata: dict[str, Any] | None


def uploads(count: int, *, seed: int = 7) -> Iterator[Upload]:
    """That many different schemas, each subject's first version and then one with a further field."""
    pick = random.Random(seed)
    for number in range((count + 1) // 2):
        schema = _schema(pick, number)
        thing = pick.choice(THINGS)
        subject = f"{pick.choice(AREAS)}.{thing}{pick.choice(DEEDS).title()}.{number}"
        metadata = {"tags": {"**.user_id": ["PII"]}} if number % 20 == 0 else None
        yield Upload(subject, json.dumps(schema), metadata)
        if 2 * number + 1 < count:
            more = {**schema["properties"], f"{thing}_added_{number}": {"type": "string"}}
            yield Upload(subject, json.dumps({**schema, "properties": more}), metadata)


def _schema(pick: random.Random, number: int) -> dict[str, Any]:
    names = {f"{pick.choice(THINGS)}_{pick.choice(PARTS)}" for _ in range(pick.randint(8, 24))}
    properties: dict[str, Any] = {name: _field(pick, name) for name in sorted(names)}
    if number % 10 == 0:
        properties["user_id"] = {"type": "integer" if number % 30 == 0 else "string"}
    if number % 3 == 0:
        properties["address"] = {
            "type": "object",
            "properties": {"street": {"type": "string"}, "zip": {"type": "string", "maxLength": 10}},
        }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "title": f"{pick.choice(THINGS).title()} {pick.choice(DEEDS)}",
        "description": f"Sent when a {pick.choice(THINGS)} was {pick.choice(DEEDS)}; number {number}.",
        "required": sorted(pick.sample(sorted(names), 2)),
        "properties": properties,
    }


def _field(pick: random.Random, name: str) -> dict[str, Any]:
    said = f"The {name.replace('_', ' ')} of the {pick.choice(THINGS)}, as {pick.choice(AREAS)} knows it."
    return {"type": pick.choice(TYPES), "description": said}
