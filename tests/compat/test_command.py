"""`python -m compat` and its exit status."""

import json
from pathlib import Path
from typing import Any

import pytest

from compat.__main__ import main


@pytest.fixture
def file(tmp_path: Path) -> Any:
    def write(name: str, schema: Any) -> str:
        path = tmp_path / name
        path.write_text(schema if isinstance(schema, str) else json.dumps(schema))
        return str(path)

    return write


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        ({"type": "integer"}, {"type": "number"}, 0),
        ({"type": "number"}, {"type": "integer"}, 1),
        ({"type": "strin"}, {}, 2),
        ("{", {}, 2),
        ({"pattern": "^(?!a)b", "type": "string"}, {"pattern": "b$"}, 3),
    ],
)
def test_exit_status(file: Any, old: Any, new: Any, status: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([file("old.json", old), file("new.json", new)]) == status
    out = capsys.readouterr()
    assert out.err if status == 2 else out.out


def test_json_is_the_whole_verdict(file: Any, capsys: pytest.CaptureFixture[str]) -> None:
    main([file("old.json", {"type": "number"}), file("new.json", {"type": "integer"}), "--format", "json"])
    assert json.loads(capsys.readouterr().out)["witness"]["instance"] == 0.5


def test_a_missing_file_is_wrong_usage(file: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["/nowhere/old.json", file("new.json", {})]) == 2
    assert "nowhere" in capsys.readouterr().err
