"""A project in a git repository, and the command run in it as a user runs it, without a process of its own."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from onex_sdk._cli.main import run

ORDER = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {"amount": {"type": "number"}, "currency": {"type": "string"}},
    "required": ["amount"],
}
STRICTER = {**ORDER, "required": ["amount", "currency"]}


@dataclass
class Project:
    root: Path

    def write(self, path: str, content: Any) -> Path:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content if isinstance(content, str) else json.dumps(content, indent=2), "utf-8")
        return place

    def git(self, *arguments: str) -> str:
        who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"]
        done = subprocess.run(
            ["git", *who, *arguments], cwd=self.root, capture_output=True, text=True, check=True
        )
        return done.stdout

    def commit(self, message: str = "change") -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A folder that is in no repository; neither the caller's settings nor tokens reach it."""
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(root)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    for name in ("ONEX_URL", "ONEX_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return Project(root)


@pytest.fixture
def project(folder: Project) -> Project:
    """A repository with one schema and one commit."""
    folder.git("init", "-q")
    folder.write("schemas/order.created.json", ORDER)
    folder.commit()
    return folder


@dataclass
class Ran:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def onex(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """`onex("check", "--against", "HEAD~1")`."""

    def ran(*arguments: str) -> Ran:
        capsys.readouterr()
        status = run(list(arguments))
        captured = capsys.readouterr()
        return Ran(status, captured.out, captured.err)

    return ran


@pytest.fixture(autouse=True)
def installed_verdicts(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """onex-compat as an installed distribution, whose entry point leads to the checkout's `compat`."""
    if "without_verdicts" not in request.fixturenames:
        place = tmp_path / "site" / "onex_compat-0.1.0.dist-info"
        place.mkdir(parents=True)
        (place / "METADATA").write_text("Metadata-Version: 2.1\nName: onex-compat\nVersion: 0.1.0\n")
        (place / "entry_points.txt").write_text("[onex.verdict]\njson-schema = compat.offline\n")
        monkeypatch.setattr(sys, "path", [*sys.path, str(place.parent)])


@pytest.fixture
def without_verdicts() -> None:
    """For tests of what is said where onex-compat is not installed."""
