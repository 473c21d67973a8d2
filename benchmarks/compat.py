"""Verdicts: how many are right, how many are decided, and how long one takes; beside other tools, and as schemas grow.

On the pairs of ../shared/data/compat-dev.jsonl. Answers are checked against the known counterexamples before anything
is said about time. Tools that are not installed (benchmarks/peers/README.md) are left out and named.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs
from jsonschema_rs.canonical import Containment

from benchmarks import harness
from benchmarks.harness import Report
from compat import check
from compat.dialects import named

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "compat-dev.jsonl"
PEERS = Path(__file__).parent / "peers"
#: How large the schemas are whose cost is followed.
GROWTH = {
    "properties": [10, 30, 100, 300, 1000, 3000],
    "tagged_branches": [2, 5, 10, 20, 50, 100],
    "depth": [2, 5, 10, 20, 40, 80],
}


@dataclass(frozen=True)
class Answer:
    """What a tool says about one pair: `yes` (compatible), `no`, or `none`; and whether it came with evidence."""

    said: str
    evidence: bool
    milliseconds: float


def measure(report: Report) -> None:
    if not DATA.exists():
        raise SystemExit(f"{DATA} is not there; this benchmark judges its pairs.")
    rows = [row for line in DATA.read_text().splitlines() if (row := json.loads(line))["truth"] is not None]
    for name, answers in _tools(rows):
        _score(report, name, rows, answers)
    for shape, sizes in GROWTH.items():
        for size in sizes:
            report.metric(f"growth_{shape}_{size}_ms", round(_cost(shape, size), 2), "ms")


def _tools(rows: list[Any]) -> Iterator[tuple[str, list[Answer]]]:
    yield "compat", [_timed(_ours, row) for row in rows]
    yield "jsonschema_rs", [_timed(_algebra, row) for row in rows]
    python, node = PEERS / ".venv" / "bin" / "python", shutil.which("node")
    drivers = {
        "jsonsubschema": [str(python), "jsonsubschema_driver.py"] if python.exists() else None,
        "json_schema_diff": [node, "json_schema_diff_driver.js"]
        if node and (PEERS / "node_modules").exists()
        else None,
    }
    for name, argv in drivers.items():
        if argv is None:
            print(f"{name} is not installed here; benchmarks/peers/install does it.")
        else:
            yield name, _driven(argv, rows)


def _timed(judge: Callable[[Any], tuple[str, bool]], row: Any) -> Answer:
    began = time.thread_time()
    said, evidence = judge(row)
    return Answer(said, evidence, (time.thread_time() - began) * 1000)


def _ours(row: Any) -> tuple[str, bool]:
    verdict = check(row["old"], row["new"], dialect=row["draft"])
    return {"compatible": ("yes", True), "incompatible": ("no", True)}.get(verdict.status, ("none", False))


def _algebra(row: Any) -> tuple[str, bool]:
    """jsonschema-rs by itself: its yes is a proof, its no comes without a witness."""
    draft = named(row["draft"]).number
    try:
        old, new = (
            jsonschema_rs.canonicalize(row[side], draft=draft, offline=True) for side in ("old", "new")
        )
        answer = new.covers(old)
    except (jsonschema_rs.ValidationError, jsonschema_rs.canonical.CanonicalizationError, ValueError):
        return "none", False
    if answer == Containment.UNKNOWN:
        return "none", False
    return ("yes", True) if answer == Containment.YES else ("no", False)


def _driven(argv: list[str], rows: list[Any]) -> list[Answer]:
    lines = "".join(json.dumps({"old": row["old"], "new": row["new"]}) + "\n" for row in rows)
    done = subprocess.run(
        argv, cwd=PEERS, input=lines, capture_output=True, text=True, check=True, timeout=1800
    )
    said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"answer"')]
    if len(said) != len(rows):
        raise SystemExit(f"{argv[1]} answered {len(said)} of {len(rows)} pairs.")
    return [Answer({"error": "none"}.get(one["answer"], one["answer"]), False, one["ms"]) for one in said]


def _score(report: Report, name: str, rows: list[Any], answers: list[Answer]) -> None:
    """Correctness first: a yes against a known counterexample is wrong, a no against none known is suspicious."""
    paired = list(zip(rows, answers, strict=True))
    counts = {
        "judged": len(paired),
        "wrong_yes": sum(a.said == "yes" and row["truth"] is False for row, a in paired),
        "no_without_known_counterexample": sum(a.said == "no" and row["truth"] is True for row, a in paired),
        "answered": sum(a.said != "none" for a in answers),
        "with_evidence": sum(a.evidence for a in answers),
    }
    for count, value in counts.items():
        report.count(f"{name}_{count}", value)
    report.metric(f"{name}_answered", round(100 * counts["answered"] / len(paired), 2), "% of pairs")
    report.metric(
        f"{name}_with_evidence", round(100 * counts["with_evidence"] / len(paired), 2), "% of pairs"
    )
    for kind in ("real", "synthetic"):
        spent = [a.milliseconds for row, a in paired if (row["source"] == "iglu") == (kind == "real")]
        report.metric(f"{name}_{kind}_median_ms", round(statistics.median(spent), 3), "ms")
        report.metric(f"{name}_{kind}_p99_ms", round(statistics.quantiles(spent, n=100)[98], 2), "ms")
        report.metric(f"{name}_{kind}_max_ms", round(max(spent), 1), "ms")


def _cost(shape: str, size: int) -> float:
    """Milliseconds for a compatible pair of this size that no algebra shortens: every leaf was widened."""
    old, new = (_SHAPES[shape](size, {"type": "string", "maxLength": limit}) for limit in (5, 6))
    began = time.thread_time()
    verdict = check(old, new)
    spent = time.thread_time() - began
    if verdict.status != "compatible":
        raise SystemExit(f"{shape} of size {size}: {verdict.status}, {verdict.proof}")
    return spent * 1000


def _properties(size: int, leaf: Any) -> Any:
    members = {f"p{i}": leaf for i in range(size)}
    return {"type": "object", "properties": members, "additionalProperties": False}


def _tagged(size: int, leaf: Any) -> Any:
    branches = [
        {"type": "object", "properties": {"kind": {"const": f"t{i}"}, "v": leaf}, "required": ["kind"]}
        for i in range(size)
    ]
    return {"oneOf": branches}


def _deep(size: int, leaf: Any) -> Any:
    for _ in range(size):
        leaf = {"type": "object", "properties": {"a": leaf}, "required": ["a"]}
    return leaf


_SHAPES: dict[str, Callable[[int, Any], Any]] = {
    "properties": _properties,
    "tagged_branches": _tagged,
    "depth": _deep,
}

if __name__ == "__main__":
    harness.main(measure)
