"""A generated ONEX workload that keeps its own record: what really happened, which the events only tell by lying clocks.

Each operation is a tree of correlations, one node's work each, which start one another and wait for what they
started. Some nodes' clocks are wrong, some stamp START in local time, parents' events arrive after their children's.
"""

import random
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

# By how many hours nodes stamp START ahead, because they stamp it in local time.
LOCAL_TIME = {"node-03": 2.0, "node-07": -5.0, "node-11": 5.75}
_SKEWS = {"node-02": -40.0, "node-05": 95.0, "node-07": 12.0, "node-13": -3.5, "node-17": 240.0}
NODES = [f"node-{number:02}" for number in range(20)]
# What begins an operation has a right clock: against it the others' are seen to be wrong.
_RIGHT = [node for node in NODES if node not in _SKEWS]


@dataclass
class Work:
    """One thing that a node did, as it truly was; times in milliseconds since the operation began."""

    correlation: str
    parent: str | None
    node: str
    kind: str
    operation: str
    began: float
    took: float
    status: str = "succeeded"


@dataclass
class Operation:
    root: str
    trace: str
    began: datetime
    record: list[Work] = field(default_factory=list)


@dataclass
class Workload:
    operations: list[Operation] = field(default_factory=list)
    # In order of arrival.
    events: list[dict[str, Any]] = field(default_factory=list)


def skew(node: str) -> float:
    """By how many seconds the node's clock is ahead."""
    return _SKEWS.get(node, 0.0)


def workload(
    seed: int, *, operations: int, now: datetime | None = None, failures: float = 0.01, width: int = 3
) -> Workload:
    """Everything has happened during the minutes before `now`."""
    dice, made = random.Random(seed), Workload()
    at = (now or datetime.now(UTC)) - timedelta(seconds=operations * 2 + 5)
    for number in range(operations):
        root = f"op-{seed}-{number}"
        trace = f"{dice.getrandbits(128):032x}"
        operation = Operation(root, trace, at + timedelta(seconds=number * 2))
        _work(
            operation,
            dice,
            correlation=root,
            parent=None,
            began=0.0,
            took=dice.uniform(900, 1500),
            failures=failures,
            width=width,
        )
        made.operations.append(operation)
        made.events += _sent(operation, dice)
    return made


def _work(
    operation: Operation,
    dice: random.Random,
    *,
    correlation: str,
    parent: str | None,
    began: float,
    took: float,
    failures: float,
    width: int,
    depth: int = 0,
) -> None:
    """A node's work: it does something itself, then starts others one after the other and waits for each."""
    node = dice.choice(NODES if depth else _RIGHT)
    whole = Work(correlation, parent, node, "NODE", "", began, took, _status(dice, failures))
    operation.record.append(whole)
    parts = dice.randint(2, width) if depth < 3 else 0
    slot = took / (parts + 1)
    own = Work(
        correlation,
        parent,
        node,
        "TELEMETRY_OPERATION",
        "prepare",
        began + 0.05 * slot,
        0.8 * slot,
        _status(dice, failures),
    )
    operation.record.append(own)
    for part in range(1, parts + 1):
        length = slot * dice.uniform(0.5, 0.8)
        start = began + part * slot + dice.uniform(0.05, 0.15) * slot
        _work(
            operation,
            dice,
            correlation=f"{correlation}.{part}",
            parent=correlation,
            began=start,
            took=length,
            failures=failures,
            width=width,
            depth=depth + 1,
        )


def _status(dice: random.Random, failures: float) -> str:
    drawn = dice.random()
    return "failed" if drawn < failures else "running" if drawn < 1.5 * failures else "succeeded"


def _sent(operation: Operation, dice: random.Random) -> list[dict[str, Any]]:
    """Its events as they arrive: in true order, but of every tenth correlation that started others after all else."""
    starts_others = {work.parent for work in operation.record}
    late = {name for name in starts_others if name is not None and dice.random() < 0.1}
    arriving = [
        (work.correlation in late, at, event)
        for work in operation.record
        for at, event in _events(operation, work)
    ]
    return [event for _, _, event in sorted(arriving, key=lambda one: one[:2])]


def _events(operation: Operation, work: Work) -> list[tuple[float, dict[str, Any]]]:
    local = timedelta(hours=LOCAL_TIME.get(work.node, 0.0))
    start = _event(operation, work, "START", _start_of(work), at=work.began, local=local)
    if work.status == "running":
        return [(work.began, start)]
    failed = work.status == "failed"
    phase = ("FAILURE" if work.kind == "NODE" else "ERROR") if failed else "SUCCESS"
    ended = work.began + work.took
    end = _event(operation, work, phase, _end_of(work, failed=failed), at=ended, local=timedelta(0))
    return [(work.began, start), (ended, end)]


def _event(
    operation: Operation, work: Work, phase: str, metadata: dict[str, Any], *, at: float, local: timedelta
) -> dict[str, Any]:
    clock = operation.began + timedelta(milliseconds=at, seconds=skew(work.node)) + local
    return {
        "event_id": str(uuid.uuid4()),
        # Without a zone, as ONEX stamps them.
        "timestamp": clock.replace(tzinfo=None).isoformat(),
        "node_id": work.node,
        "event_type": f"{work.kind}_{phase}",
        "schema_version": "1.1.0",
        "correlation_id": work.correlation,
        "parent_correlation_id": work.parent,
        "trace_id": operation.trace,
        "metadata": metadata,
    }


def _start_of(work: Work) -> dict[str, Any]:
    if work.kind == "NODE":
        return {"input_state": {}}
    return {"operation": work.operation, "function": work.operation}


def _end_of(work: Work, *, failed: bool) -> dict[str, Any]:
    error = {"error_code": "ONEX_STAMP_002", "error_type": "OSError"} if failed else {}
    took = {"execution_time_ms": round(work.took, 3)}
    if work.kind == "NODE":
        result = {"error": "not readable"} if failed else {"output_state": {}}
        return {"input_state": {}, **result, **took, **error}
    message = {"error_message": "not readable"} if failed else {}
    return {"operation": work.operation, "function": work.operation, **took, **message, **error}
