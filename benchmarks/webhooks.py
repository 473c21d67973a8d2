"""Verdicts about large real schemas: how many are decided, and how long one takes.

On all pairs of equally named definitions of three versions of GitHub's webhook schemas
(../shared/data/github-webhooks), each with what it refers to. A pair is judged twice in a row: the first time its
schemas have to be read, which the pairs between have pushed out of memory; the second time they have just been. Of
each the least CPU time of some rounds counts, as other work on the machine only ever adds to it.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

from benchmarks import harness
from benchmarks.harness import Report
from compat import check

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "github-webhooks" / "schemas"
VERSIONS = ("5.8.0", "7.3.1", "7.6.1")
WORLDS: tuple[Literal["open", "declared"], ...] = ("open", "declared")
ROUNDS = 3


def measure(report: Report) -> None:
    if not DATA.exists():
        raise SystemExit(f"{DATA} is not there; this benchmark judges its pairs.")
    pairs = list(_pairs())
    report.count("pairs", len(pairs))
    for world in WORLDS:
        unread, read = _costs(report, pairs, world)
        for state, spent in (("unread", unread), ("read", read)):
            report.metric(f"{world}_{state}_median_ms", round(statistics.median(spent), 2), "ms")
            report.metric(f"{world}_{state}_p99_ms", round(statistics.quantiles(spent, n=100)[98], 1), "ms")
            report.metric(f"{world}_{state}_max_ms", round(max(spent), 1), "ms")


def _costs(
    report: Report, pairs: list[tuple[Any, Any]], world: Literal["open", "declared"]
) -> tuple[list[float], list[float]]:
    """Milliseconds for each pair, its schemas unread and read."""
    unread, read = ([float("inf")] * len(pairs) for _ in range(2))
    undecided: set[int] = set()
    for _ in range(ROUNDS):
        for place, pair in enumerate(pairs):
            for spent in (unread, read):
                began = time.thread_time()
                verdict = check(*pair, dialect="draft-07", world=world)
                spent[place] = min(spent[place], (time.thread_time() - began) * 1000)
                if verdict.status == "undecided":
                    undecided.add(place)
    report.count(f"{world}_undecided", len(undecided))
    return unread, read


def _pairs() -> Iterator[tuple[Any, Any]]:
    versions = [
        json.loads((DATA / version / "schema.json").read_text())["definitions"] for version in VERSIONS
    ]
    for old, new in combinations(versions, 2):
        for name in sorted(old.keys() & new.keys()):
            yield _alone(name, old), _alone(name, new)


def _alone(name: str, definitions: dict[str, Any]) -> Any:
    """One definition as a schema of its own."""
    needed: dict[str, Any] = {}
    waiting = [name]
    while waiting:
        wanted = waiting.pop()
        if wanted not in needed:
            needed[wanted] = definitions[wanted]
            waiting.extend(_referred(definitions[wanted]))
    return {"$ref": f"#/definitions/{name}", "definitions": needed}


def _referred(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"].removeprefix("#/definitions/")
        for child in node.values():
            yield from _referred(child)
    elif isinstance(node, list):
        for child in node:
            yield from _referred(child)


if __name__ == "__main__":
    harness.main(measure)
