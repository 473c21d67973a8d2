"""The page about the wire API names, for every row, a test that there is."""

import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "reference" / "wire-api.md"
ROWS = re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def test_every_row_is_there_once():
    assert [int(number) for number, _, _ in ROWS] == list(range(1, 34))


def test_every_row_names_a_test_that_exists():
    named = [re.fullmatch(r"`(test_\w+\.py)::(test_\w+)`", shown) for _, _, shown in ROWS]
    assert [ROWS[i][0] for i, found in enumerate(named) if found is None] == ["32"]
    for found in filter(None, named):
        assert f"def {found[2]}(" in (HERE / found[1]).read_text(encoding="utf-8"), found[0]
