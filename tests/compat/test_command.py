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
        ({"pattern": "a(?!b)c", "type": "string"}, {"pattern": "ac"}, 3),
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


def test_many_pairs_are_judged_line_by_line(file: Any, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"id": "wider", "old": {"type": "integer"}, "new": {"type": "number"}},
        {"id": "narrower", "old": {"type": "number"}, "new": {"type": "integer"}},
        {"id": "tuple", "old": {"items": False}, "new": {"prefixItems": [False]}, "dialect": "2020-12"},
        {"id": "half", "old": {}},
        {"id": "none", "old": {"type": "strin"}, "new": {}},
    ]
    pairs = file("pairs.jsonl", "\n".join(map(json.dumps, rows)) + "\nnot JSON\n")
    assert main(["--pairs", pairs, "--format", "json"]) == 2
    out = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["id"], row["status"]) for row in out] == [
        ("wider", "compatible"),
        ("narrower", "incompatible"),
        ("tuple", "compatible"),
        ("half", "error"),
        ("none", "error"),
        ("6", "error"),
    ]
    main(["--pairs", pairs])
    assert "narrower: incompatible 0.5" in capsys.readouterr().out


def test_the_worst_of_many_pairs_is_the_exit_status(file: Any, capsys: pytest.CaptureFixture[str]) -> None:
    undecided = {"old": {"pattern": "a(?!b)c", "type": "string"}, "new": {"pattern": "ac"}}
    refuted = {"old": {}, "new": False}
    assert main(["--pairs", file("u.jsonl", json.dumps(undecided))]) == 3
    assert main(["--pairs", file("r.jsonl", json.dumps(undecided) + "\n" + json.dumps(refuted))]) == 1
    capsys.readouterr()


def test_older_versions_are_named(file: Any, capsys: pytest.CaptureFixture[str]) -> None:
    files = [file("v1.json", {}), file("v2.json", {"type": "string"}), file("v3.json", {"type": "string"})]
    assert main([*files, "--mode", "backward_transitive"]) == 1
    out = capsys.readouterr().out
    assert "v1.json: incompatible" in out
    assert "v2.json: compatible" in out


def test_a_policy_says_where_it_differs_from_the_proof(file: Any, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = (
        file("old.json", {}),
        file("new.json", {"type": "object", "properties": {"a": {"type": "null"}}}),
    )
    assert main([old, new, "--policy", "confluent-lenient"]) == 1
    narrower = file("named.json", {"properties": {"a": {"type": "null"}}})
    assert main([old, narrower, "--policy", "confluent-lenient"]) == 0
    assert "the witness shows" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["one.json"], ["--pairs", "x", "--mode", "full_transitive"]])
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage" in capsys.readouterr().err
