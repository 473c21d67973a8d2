"""ONEX events for the real product, and reading its answers."""

import uuid
from datetime import UTC, datetime
from typing import Any

import httpx


def an_event(event_type: str, metadata: object, **more: object) -> dict[str, Any]:
    """An ONEX event that happens now, in a correlation of its own unless one is given."""
    return {
        "event_id": str(uuid.uuid4()),
        "timestamp": datetime.now(UTC).isoformat(),
        "node_id": "node-1",
        "event_type": event_type,
        "correlation_id": str(uuid.uuid4()),
        "metadata": metadata,
        **more,
    }


def ok(answer: httpx.Response) -> Any:
    """The JSON of an answer that must not be an error."""
    assert answer.is_success, f"{answer.status_code}: {answer.text}"
    return answer.json()
