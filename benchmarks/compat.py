"""Verdicts: how many pairs are decided and how long one takes, beside jsonschema-rs's algebra alone.

On the pairs of ../shared/data/compat-dev.jsonl. Answers are checked against the known counterexamples before they are timed.
"""

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import harness
from benchmarks.harness import Report
from compat import check
from compat.algebra import covers
from compat.inspection import opened
from compat.rewrite import rewritten

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "compat-dev.jsonl"
_STATUS = {"compatible": "proven", "incompatible": "witnessed", "undecided": "undecided"}


def measure(report: Report) -> None:
    if not DATA.exists():
        raise SystemExit(f"{DATA} is not there; this benchmark judges its pairs.")
    rows = [row for line in DATA.read_text().splitlines() if (row := json.loads(line))["truth"] is not None]
    for name, judge in (("compat", _ours), ("jsonschema_rs", _algebra)):
        real, synthetic = _timed(rows, judge, report, name)
        for kind, seconds in (("real", real), ("synthetic", synthetic)):
            report.metric(f"{name}_{kind}_median_ms", round(statistics.median(seconds) * 1000, 3), "ms")
            report.metric(
                f"{name}_{kind}_p99_ms", round(statistics.quantiles(seconds, n=100)[98] * 1000, 3), "ms"
            )
            report.metric(f"{name}_{kind}_max_ms", round(max(seconds) * 1000, 3), "ms")


def _timed(
    rows: list[Any], judge: Callable[[Any], str], report: Report, name: str
) -> tuple[list[float], list[float]]:
    real, synthetic = [], []
    counts = {"judged": 0, "proven": 0, "witnessed": 0, "undecided": 0, "wrong": 0}
    for row in rows:
        began = time.thread_time()
        status = judge(row)
        (real if row["source"] == "iglu" else synthetic).append(time.thread_time() - began)
        counts["judged"] += 1
        counts[status] += 1
        counts["wrong"] += status == "proven" and row["truth"] is False
    for count, value in counts.items():
        report.count(f"{name}_{count}", value)
    decided = counts["proven"] + counts["witnessed"]
    report.metric(f"{name}_decided", round(100 * decided / counts["judged"], 2), "% of pairs with evidence")
    return real, synthetic


def _ours(row: Any) -> str:
    return _STATUS[check(row["old"], row["new"], dialect=row["draft"]).status]


def _algebra(row: Any) -> str:
    """What jsonschema-rs proves by itself; its refusals come without a witness."""
    old, new = (rewritten(opened(row[side], dialect=row["draft"])) for side in ("old", "new"))
    return "proven" if covers(new, old) else "undecided"


if __name__ == "__main__":
    harness.main(measure)
