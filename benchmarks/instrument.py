"""What instrumenting a program costs it, in processor time of the whole process: sampling, judging, operations, profiles.

Nothing is sent: what an event costs on its way to the registry is the benchmark `sdk`.
"""

import json
import random
import statistics
import time
import uuid
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from benchmarks import harness
from benchmarks.harness import Report, percentile
from onex_sdk import SamplingRule, SamplingRules
from onex_sdk import _correlation as correlations
from onex_sdk._bundle import bundle_of
from onex_sdk._dead_letters import DeadLetters
from onex_sdk._judging import Judge
from onex_sdk._operations import Operation
from onex_sdk._profiling import Profile
from onex_sdk._rulings import ENVELOPE, Rulings
from onex_sdk._stats import Stats

ONEX = Path(__file__).parents[1] / "registry" / "onex"
TYPES = ("NODE_START", "NODE_SUCCESS", "TELEMETRY_OPERATION_START", "TELEMETRY_OPERATION_SUCCESS")
EVENTS, OPERATIONS = 20_000, 5_000
STEPS, STEP_MS = 300, 20


def measure(report: Report) -> None:
    events = _events()
    _each(report, "judge_event", _judge(), events)
    _each(report, "fill_event", _filled, [dict(event) for event in events])
    _each(report, "sample_event", _rules().decide, events)
    _empty(report, "operation", lambda: Operation(_sink, "benchmark"))
    _empty(report, "profile", lambda: Profile(_sink, "benchmark"))
    _profiles(report)


def _events() -> list[dict[str, Any]]:
    """The examples of ONEX's own schemas, each with the envelope a client gives it."""
    dice, made = random.Random(7), []
    for number in range(EVENTS):
        event_type = TYPES[number % len(TYPES)]
        schema = json.loads((ONEX / f"{event_type.lower()}-1.1.0.json").read_text(encoding="utf-8"))
        made.append(
            {
                "event_id": str(uuid.UUID(int=dice.getrandbits(128))),
                "timestamp": "2026-11-25T12:00:00.125000+00:00",
                "node_id": f"stamper_node-{number % 7:03}",
                "event_type": event_type,
                "schema_version": "1.1.0",
                "metadata": schema["examples"][0],
            }
        )
    return made


def _judge() -> Callable[[dict[str, Any]], object]:
    subjects = {
        name: {"versions": [_version(f"{file}-1.1.0.json")]}
        for name, file in [*((name, name.lower()) for name in TYPES), (ENVELOPE, "envelope")]
    }
    stats = Stats()
    judge = Judge(
        Rulings(None, bundle_of({"subjects": subjects})), stats, DeadLetters(None, 0, stats), strict=True
    )
    if judge.judge({"event_type": "NODE_START", "schema_version": "1.1.0"}).problems == ():
        raise SystemExit("A NODE_START without its input_state passed.")
    return judge


def _version(file: str) -> dict[str, Any]:
    return {"version": 1, "semver": "1.1.0", "schema": (ONEX / file).read_text(encoding="utf-8")}


def _filled(event: dict[str, Any]) -> bool:
    with correlations.use(_CHAIN):
        correlations.fill(event)
    return True


_CHAIN = correlations.begin("benchmark")


def _rules() -> SamplingRules:
    """Twenty rules of which the last but one fits, as in a grown configuration."""
    rules = [SamplingRule(number, f"other.{number}.*", rate=0.5) for number in range(18)]
    return SamplingRules([*rules, SamplingRule(18, "*", rate=0.1), SamplingRule(19, "*", rate=0.2)])


def _each(
    report: Report, name: str, stage: Callable[[dict[str, Any]], object], events: list[dict[str, Any]]
) -> None:
    times = []
    for event in events:
        began = time.perf_counter()
        done = stage(event)
        times.append((time.perf_counter() - began) * 1e6)
        if not done:
            raise SystemExit(f"{name} refused a valid event: {event}")
    report.count(name, len(times))
    report.duration(name, sum(times) / 1e6)
    report.metric(f"{name}_p50_us", percentile(times, 0.5), "µs")
    report.metric(f"{name}_p99_us", percentile(times, 0.99), "µs")


def _sink(_event_type: str, metadata: Any = None, *, schema_version: str | None = None) -> str:
    """Where events end here; written as JSON once, as on the way to a registry."""
    return json.dumps(metadata)


def _empty(report: Report, name: str, around: Callable[[], Any]) -> None:
    """What it costs around nothing, START and end written."""
    times = []
    for _ in range(OPERATIONS):
        began = time.perf_counter()
        with around():
            pass
        times.append((time.perf_counter() - began) * 1e6)
    report.count(f"{name}s", len(times))
    report.duration(f"{name}s", sum(times) / 1e6)
    report.metric(f"{name}_p50_us", percentile(times, 0.5), "µs")
    report.metric(f"{name}_p99_us", percentile(times, 0.99), "µs")


def _profiles(report: Report) -> None:
    """The same steps bare and profiled in turn, so that whatever else the machine does is in all of them."""
    work = _work_of(STEP_MS)
    used: dict[str, list[float]] = {"bare": [], "profiled": [], "with_stacks": []}
    kinds: list[tuple[str, Callable[[], Any]]] = [
        ("bare", nullcontext),
        ("profiled", lambda: Profile(_sink, "benchmark")),
        ("with_stacks", lambda: Profile(_sink, "benchmark", stacks=True)),
    ]
    for _ in range(STEPS):
        # Each is the first as often as the others.
        kinds.append(kinds.pop(0))
        for name, around in kinds:
            began = time.process_time()
            with around():
                work()
            used[name].append(time.process_time() - began)
    bare = statistics.median(used["bare"])
    report.count("profiled_steps", STEPS)
    report.duration("profiled_steps", sum(sum(times) for times in used.values()))
    report.metric("step_cpu_ms", bare * 1000, "ms")
    for name in ("profiled", "with_stacks"):
        report.metric(f"{name}_overhead_percent", (statistics.median(used[name]) / bare - 1) * 100, "%")


def _work_of(milliseconds: float) -> Callable[[], object]:
    """Something that allocates, sorts and writes JSON, for about so long."""
    rows = [{"id": number, "name": f"row {number}", "tags": ["a", "b"]} for number in range(200)]

    def once() -> object:
        return json.loads(json.dumps(sorted(rows, key=lambda row: -row["id"])))

    began = time.process_time()
    for _ in range(20):
        once()
    rounds = max(1, int(milliseconds / 1000 / ((time.process_time() - began) / 20)))
    return lambda: [once() for _ in range(rounds)][-1]


if __name__ == "__main__":
    harness.main(measure)
