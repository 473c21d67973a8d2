"""The profile `onex-v1`: what the original ONEX validator and its model refused, no more and no less.

It looked at fewer things than the documents say: a null where text is required, or a negative duration, passes.
"""

import json
import uuid
from collections.abc import Iterator
from typing import Any

from events.envelope import Envelope

Problem = dict[str, str]

PROFILE = "onex-v1"
_CODE = "violates_profile"
# Required members of `metadata` by event type; a type that is not here was in nobody's enumeration.
_REQUIRED: dict[str, tuple[str, ...]] = {
    "NODE_START": ("input_state",),
    "NODE_SUCCESS": ("input_state", "output_state"),
    "NODE_FAILURE": ("input_state", "error"),
    "TELEMETRY_OPERATION_START": ("operation", "function"),
    "TELEMETRY_OPERATION_SUCCESS": ("operation", "function", "execution_time_ms"),
    "TELEMETRY_OPERATION_ERROR": (
        "operation",
        "function",
        "execution_time_ms",
        "error_type",
        "error_message",
    ),
}
# Types of members whenever they are there, on every event type, as Python tells them: a boolean passes as a number.
_NOT_A_NUMBER = (str, list, dict, type(None))
# Characters of `metadata` written with ASCII escapes.
_MOST_CHARACTERS = 1_048_576
# No byte of JSON text becomes more characters than this when it is written again.
_LONGEST_ESCAPE = 6


def problems(event: Envelope) -> list[Problem]:
    """Everything that the original refused about this event."""
    document = event.document
    found = list(_of_envelope(event))
    if event.event_type not in _REQUIRED:
        # As the original: what an unknown type has to carry is not known.
        return [
            *found,
            _refused("/event_type", "enum", f"'{event.event_type}' is no event type of ONEX 1.0.0"),
        ]
    metadata = document.get("metadata")
    if metadata is None or metadata == {}:
        return [*found, _refused("/metadata", "required", f"{event.event_type} needs metadata")]
    if isinstance(metadata, dict):
        found += _of_metadata(metadata, _REQUIRED[event.event_type])
        if len(event.raw) * _LONGEST_ESCAPE > _MOST_CHARACTERS:
            found += _of_size(metadata)
    return found


def _of_envelope(event: Envelope) -> Iterator[Problem]:
    """The model filled in an id and a time that are absent, and read what is there."""
    document = event.document
    if not _is_uuid(document["event_id"]):
        yield _refused("/event_id", "format", "event_id is no UUID")
    if "timestamp" in document and not {"no_timestamp", "unreadable_timestamp"}.isdisjoint(event.lints):
        yield _refused("/timestamp", "format", "timestamp is no time")
    node = document.get("node_id")
    if not isinstance(node, str) or not node:
        yield _refused("/node_id", "required", "node_id is text that is not empty")
    for name, kind, told in (("correlation_id", str, "text"), ("metadata", dict, "an object")):
        if document.get(name) is not None and not isinstance(document[name], kind):
            yield _refused(f"/{name}", "type", f"{name} is {told} or null")


def _is_uuid(value: Any) -> bool:
    try:
        uuid.UUID(value)
    except (ValueError, AttributeError, TypeError):
        return False
    return True


def _of_metadata(metadata: dict[str, Any], required: tuple[str, ...]) -> Iterator[Problem]:
    for name in required:
        if name not in metadata:
            yield _refused("/metadata", "required", f'"{name}" is a required property')
    if "execution_time_ms" in metadata and isinstance(metadata["execution_time_ms"], _NOT_A_NUMBER):
        yield _refused("/metadata/execution_time_ms", "type", "execution_time_ms is no number")
    for name, kind, told in (
        ("success", bool, "boolean"),
        ("args_count", int, "integer"),
        ("kwargs_keys", list, "array"),
    ):
        if name in metadata and not isinstance(metadata[name], kind):
            yield _refused(f"/metadata/{name}", "type", f"{name} is no {told}")


def _of_size(metadata: dict[str, Any]) -> Iterator[Problem]:
    if len(json.dumps(metadata, default=str)) > _MOST_CHARACTERS:
        told = f"metadata has more than {_MOST_CHARACTERS:,} characters, written with ASCII escapes"
        yield _refused("/metadata", "maxLength", told)


def _refused(pointer: str, keyword: str, message: str) -> Problem:
    return {"code": _CODE, "pointer": pointer, "keyword": keyword, "message": message}
