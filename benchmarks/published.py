"""Verdicts about schemas that others published: each file against the next version of itself, both ways.

BENCH_FOLDERS names one folder for each version, oldest first, separated by colons; files are paired by their path in
it. docs/benchmarks.md says where such folders come from. What names something outside itself, or is no schema, is
counted and left out. CPU time, as other work on the machine only ever adds to it.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from benchmarks import harness
from benchmarks.harness import Report
from compat import check
from compat.errors import SchemaError

WORLDS: tuple[Literal["open", "declared"], ...] = ("open", "declared")


def measure(report: Report) -> None:
    folders = [Path(folder) for folder in os.environ.get("BENCH_FOLDERS", "").split(":") if folder]
    pairs = list(_pairs(folders))
    if not pairs:
        raise SystemExit("BENCH_FOLDERS names no two folders with different versions of a JSON file.")
    for world in WORLDS:
        answers: Counter[str] = Counter()
        spent: list[float] = []
        for old, new in pairs:
            began = time.thread_time()
            try:
                answers[check(old, new, world=world).status] += 1
            except SchemaError:
                answers["unreadable"] += 1
                continue
            spent.append((time.thread_time() - began) * 1000)
        for answer, count in answers.items():
            report.count(f"{world}_{answer}", count)
        report.ratio(f"{world}_decided", round(1 - answers["undecided"] / max(1, len(spent)), 4))
        report.metric(f"{world}_median_ms", round(statistics.median(spent), 2), "ms")
        report.metric(f"{world}_p99_ms", round(statistics.quantiles(spent, n=100)[98], 1), "ms")
        report.metric(f"{world}_max_ms", round(max(spent), 1), "ms")


def _pairs(folders: list[Path]) -> Iterator[tuple[Any, Any]]:
    names = sorted({str(path.relative_to(folder)) for folder in folders for path in folder.rglob("*.json")})
    for name in names:
        texts = [(folder / name).read_text() for folder in folders if (folder / name).exists()]
        distinct = [text for at, text in enumerate(texts) if at == 0 or text != texts[at - 1]]
        for old, new in pairwise(distinct):
            yield json.loads(old), json.loads(new)
            yield json.loads(new), json.loads(old)


if __name__ == "__main__":
    harness.main(measure)
