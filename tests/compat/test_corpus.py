"""The pairs of compat-dev.jsonl, one case per row."""

import json
from pathlib import Path
from typing import Any

import pytest

from compat import SchemaError, check, compile_validator
from tests.require import require

DATA = Path(require("data")) / "compat-dev.jsonl"
ROWS: list[dict[str, Any]] = [json.loads(line) for line in DATA.read_text().splitlines()]


@pytest.mark.parametrize("row", [pytest.param(row, id=f"{i}-{row['source']}") for i, row in enumerate(ROWS)])
def test_verdict_agrees_with_what_is_known_about_the_pair(row: dict[str, Any]) -> None:
    try:
        verdict = check(row["old"], row["new"], dialect=row["draft"])
    except SchemaError:
        assert row["truth"] is None, "only pairs that no tool could judge hold schemas that are none"
        return
    if row["truth"] is False:
        assert verdict.status != "compatible", row["witness"]
    if verdict.witness is not None:
        writer, reader = (compile_validator(row[side], dialect=row["draft"]) for side in ("old", "new"))
        assert writer.is_valid(verdict.witness.instance)
        assert not reader.is_valid(verdict.witness.instance)


def test_at_least_99_of_100_pairs_are_decided() -> None:
    judged = [check(r["old"], r["new"], dialect=r["draft"]).status for r in ROWS if r["truth"] is not None]
    assert judged.count("undecided") <= len(judged) / 100
