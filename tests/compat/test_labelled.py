"""Pairs labelled by hand with the place a person would point at: it has to be the change named first.

`labelled.jsonl`: `first` are the pointers (into the reader's schema) that are right; written down before looking.
"""

import json
from pathlib import Path
from typing import Any

from compat import check

PAIRS = [
    json.loads(line) for line in (Path(__file__).parent / "labelled.jsonl").read_text("utf-8").splitlines()
]
WANTED = 0.95


def _named_first(row: dict[str, Any]) -> str | None:
    asked = {key: row[key] for key in ("mode", "world", "dialect") if key in row}
    verdict = check(row["old"], row["new"], **asked)
    assert verdict.status == "incompatible", row["note"]
    if not verdict.changes:
        return None
    first = verdict.changes[0]
    return first.old_pointer if row.get("old_pointer") else first.new_pointer


def test_the_right_keyword_is_named_first() -> None:
    assert len(PAIRS) >= 100
    missed = [
        (row["note"], row["first"], named)
        for row in PAIRS
        if (named := _named_first(row)) not in row["first"]
    ]
    assert 1 - len(missed) / len(PAIRS) >= WANTED, missed
