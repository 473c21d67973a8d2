"""Real material: GitHub's webhook schemas (5.8.0 and 7.6.1) and the example payloads of 7.6.1.

Subjects are `github.<definition>`; a payload belongs to the definition `name$action`, else `name$event`.
"""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import compat
from registry.local.demo.material import Material, Upload

OLDER, NEWER = "5.8.0", "7.6.1"
# Apart from each other, so that a replay has a rhythm to keep.
_BETWEEN_EVENTS = timedelta(milliseconds=150)


def material(folder: Path) -> Material:
    """Raises FileNotFoundError naming the file that is not there."""
    older, newer = (_definitions(folder, version) for version in (OLDER, NEWER))
    payloads = list(_payloads(folder, newer))
    used = sorted({key for key, _ in payloads})
    uploads = [Upload(f"github.{key}", _alone(newer, key)) for key in used]
    validators = {u.subject: compat.compile_validator(u.schema) for u in uploads}
    run = uuid.uuid4().hex[:8]
    events = _as_events(payloads, run)
    return Material(
        name=f"GitHub webhooks {OLDER} → {NEWER}",
        older=[Upload(f"github.{key}", _alone(older, key)) for key in used if key in older],
        newer=uploads,
        events=events,
        expected_violations=sum(
            not validators[str(event["event_type"])].is_valid(event["metadata"]) for event in events
        ),
        alert_name="Many things created on GitHub",
        alert={
            "all": [
                {"field": "event_type", "op": "prefix", "value": "github."},
                {"field": "metadata.action", "op": "eq", "value": "created"},
            ]
        },
        alert_threshold=10,
        replayed=f"github-{run}-pull_request",
    )


def _definitions(folder: Path, version: str) -> dict[str, dict[str, object]]:
    file = folder / "schemas" / version / "schema.json"
    definitions: dict[str, dict[str, object]] = json.loads(file.read_text(encoding="utf-8"))["definitions"]
    return definitions


def _payloads(
    folder: Path, definitions: dict[str, dict[str, object]]
) -> Iterator[tuple[str, dict[str, object]]]:
    file = folder / "examples" / NEWER / "api.github.com" / "index.json"
    for event in json.loads(file.read_text(encoding="utf-8")):
        for payload in event["examples"]:
            by_action = f"{event['name']}${payload.get('action')}"
            yield by_action if by_action in definitions else f"{event['name']}$event", payload


def _alone(definitions: dict[str, dict[str, object]], key: str) -> dict[str, object]:
    """One definition as a schema of its own, with just the definitions it reaches."""
    reached: dict[str, object] = {}
    waiting = [key]
    while waiting:
        for name in _refs(definitions[waiting.pop()]):
            if name not in reached:
                reached[name] = definitions[name]
                waiting.append(name)
    root = {name: value for name, value in definitions[key].items() if name != "$schema"}
    schema: dict[str, object] = {"$schema": "http://json-schema.org/draft-07/schema#", **root}
    return {**schema, "definitions": dict(sorted(reached.items()))} if reached else schema


def _refs(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].removeprefix("#/definitions/")
        for value in node.values():
            yield from _refs(value)
    elif isinstance(node, list):
        for value in node:
            yield from _refs(value)


def _as_events(payloads: list[tuple[str, dict[str, object]]], run: str) -> list[dict[str, object]]:
    start = datetime.now(UTC) - _BETWEEN_EVENTS * len(payloads)
    return [
        {
            "event_id": str(uuid.uuid4()),
            "timestamp": (start + _BETWEEN_EVENTS * i).isoformat(),
            "node_id": f"github-{run}",
            "event_type": f"github.{key}",
            "correlation_id": f"github-{run}-{key.partition('$')[0]}",
            "metadata": payload,
        }
        for i, (key, payload) in enumerate(payloads)
    ]
