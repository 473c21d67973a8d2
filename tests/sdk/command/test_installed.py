"""The wheels of onex-sdk and onex-compat, installed where nothing of the server is: the command works as here."""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from .conftest import STRICTER

CHECKOUT = Path(__file__).resolve().parents[3]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]


def ran(*argv: object, cwd: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "ONEX_", "DJANGO"))
    }
    return subprocess.run(
        [str(part) for part in argv],
        cwd=cwd,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    sources = []
    for name in ("sdk", "compat"):
        # A copy, because a build may leave files behind.
        source = folder / "sources" / name
        shutil.copytree(CHECKOUT / name, source, ignore=shutil.ignore_patterns("__pycache__"))
        sources.append(source)
    built = ran(*PIP, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, *sources, cwd=folder)
    assert built.returncode == 0, built.stderr
    return folder


def environment(place: Path, wheels: Path, wanted: str) -> Path:
    """A fresh environment; what the wheels depend on is lent from this one, so that nothing is fetched."""
    venv.create(place, with_pip=False)
    [libraries] = (place / "lib").glob("python*/site-packages")
    (libraries / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    python = place / "bin" / "python"
    installed = ran(
        *PIP, "--python", python, "install", "--no-index", "--find-links", wheels, wanted, cwd=wheels
    )
    assert installed.returncode == 0, installed.stderr
    return place / "bin"


@pytest.fixture(scope="module")
def with_check(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> Path:
    return environment(tmp_path_factory.mktemp("with-check") / "env", wheels, "onex-sdk[check]")


def test_check_prints_the_witness_and_exits_1_without_the_server(with_check, project):
    project.write("schemas/order.created.json", STRICTER)
    project.commit()
    # A module of the project that is called like one of ours is in nobody's way.
    project.write("compat.py", "raise SystemExit('not this one')")
    checked = ran(with_check / "onex", "check", "--against", "HEAD~1", cwd=project.root)
    assert checked.returncode == 1, checked.stderr
    assert 'valid for HEAD~1 and refused now: {"amount": 0}' in checked.stdout
    code = "import sys, onex_compat.offline, onex_sdk; print(*(m for m in ('django', 'registry', 'compat', 'onex_sdk._cli') if m in sys.modules))"
    imported = ran(with_check / "python", "-c", code, cwd=project.root)
    assert (imported.returncode, imported.stdout.strip()) == (0, ""), imported.stderr


def test_without_the_extra_the_status_is_3_and_says_what_to_install(tmp_path, wheels, project):
    checked = ran(environment(tmp_path / "env", wheels, "onex-sdk") / "onex", "check", cwd=project.root)
    assert (checked.returncode, checked.stdout) == (3, "")
    assert "pip install 'onex-sdk[check]'" in checked.stderr


def test_the_shell_is_told_what_may_follow(with_check, project):
    completed = ran(
        with_check / "onex",
        cwd=project.root,
        _ONEX_COMPLETE="bash_complete",
        COMP_WORDS="onex ch",
        COMP_CWORD="1",
    )
    assert completed.stdout.split() == ["plain,check"]
