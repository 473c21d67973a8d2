"""A home of its own for each test that starts something."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from registry.local.home import CHECKOUT, discard, open_home


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home with an embedded database to come; removed at the end, wherever its data lies."""
    monkeypatch.delenv("DATABASE_URL", raising=False)
    folder = tmp_path / "home"
    monkeypatch.setenv("ONEX_HOME", str(folder))
    yield open_home(folder)
    discard(folder)


# A supervisor with two children, each of which has a child of its own; prints their numbers, then stays.
_SUPERVISOR = """
import os, sys
from pathlib import Path
from registry.local import stack
from registry.local.supervisor import Program

PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"
home = Path(sys.argv[1])
with stack.supervised(home) as supervisor:
    for name in ("one", "two"):
        supervisor.start(Program(name, [sys.executable, "-c", PARENT], dict(os.environ), home))
    try:
        print("up", flush=True)
        stack.stay(supervisor)
    except stack.Stop:
        print("stopping", flush=True)
"""


@pytest.fixture
def start_supervisor(home: Path) -> Iterator[Callable[[], "subprocess.Popen[str]"]]:
    """Starts a supervisor process with two families of processes in `home`."""
    started: list[subprocess.Popen[str]] = []

    def start() -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", _SUPERVISOR, str(home)], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        return process

    yield start
    for process in started:
        process.terminate()
        process.wait(20)
        assert process.stdout is not None
        process.stdout.close()
