"""Generated material: ONEX nodes that stamp files, one of them failing, some producers careless."""

import random
import uuid
from datetime import UTC, datetime, timedelta

from registry.local.demo.material import Material, Upload

_OPERATIONS = 60
_STEP = timedelta(milliseconds=250)
_NODES = 4
_FAILING_NODE = 3

_FILE_STAMPED: dict[str, object] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "A file was stamped",
    "type": "object",
    "required": ["path", "hash"],
    "properties": {
        "path": {"type": "string"},
        "hash": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "priority": {"type": "integer", "minimum": 0},
    },
}
_FILE_STAMPED_NEXT: dict[str, object] = {**_FILE_STAMPED, "required": ["path", "hash", "priority"]}


def material() -> Material:
    run = uuid.uuid4().hex[:8]
    dice = random.Random(run)  # noqa: S311 - a story, not a secret
    start = datetime.now(UTC) - _STEP * (2 * _OPERATIONS)
    events: list[dict[str, object]] = []
    violations = 0
    for number in range(_OPERATIONS):
        careless = number % 10 == 9
        violations += careless
        events += _operation(number, start + 2 * number * _STEP, run, dice, careless=careless)
    return Material(
        name="ONEX events, generated",
        older=[Upload("demo.file_stamped", _FILE_STAMPED)],
        newer=[Upload("demo.file_stamped", _FILE_STAMPED_NEXT)],
        events=events,
        expected_violations=violations,
        alert_name="A stamper node keeps failing to read files",
        alert={
            "all": [
                {"field": "event_type", "op": "eq", "value": "NODE_FAILURE"},
                {"field": "metadata.error_code", "op": "eq", "value": "ONEX_STAMP_002"},
            ]
        },
        alert_threshold=5,
        replayed=f"demo-{run}-0",
    )


def _operation(
    number: int, at: datetime, run: str, dice: random.Random, *, careless: bool
) -> list[dict[str, object]]:
    """START and its end. Ten operations share a correlation; a careless producer forgets `input_state`."""
    node = f"stamper_node-{run}{number % _NODES}"
    state = {"file_path": f"src/module_{number}.py"}
    took = round(dice.uniform(20, 240), 1)

    def event(event_type: str, after: timedelta, metadata: dict[str, object]) -> dict[str, object]:
        return {
            "event_id": str(uuid.uuid4()),
            "timestamp": (at + after).isoformat(),
            "node_id": node,
            "event_type": event_type,
            "schema_version": "1.1.0",
            "correlation_id": f"demo-{run}-{number // 10}",
            "metadata": metadata,
        }

    begin: dict[str, object] = {"operation_type": "stamp_file"} if careless else {"input_state": state}
    if number % _NODES == _FAILING_NODE:
        end = event(
            "NODE_FAILURE",
            _STEP,
            {
                "input_state": state,
                "error": "the disk did not answer",
                "error_code": "ONEX_STAMP_002",
                "execution_time_ms": took,
            },
        )
    else:
        end = event(
            "NODE_SUCCESS",
            _STEP,
            {"input_state": state, "output_state": {"status": "success"}, "execution_time_ms": took},
        )
    return [event("NODE_START", timedelta(0), begin), end]
