"""The whole of `./run`, as processes: up, found, killed in parts, and gone."""

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from registry.local import connection, processes, programs
from registry.local.connection import Connection
from registry.local.home import CHECKOUT, discard
from tests.waiting import until

pytestmark = pytest.mark.journey
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def stack_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One home for all tests here, so that only the first start makes a database."""
    home = tmp_path_factory.mktemp("stack") / "home"
    yield home
    discard(home)


@pytest.fixture
def start(stack_home: Path) -> Iterator[Start]:
    """Starts `./run --port 0` with more arguments, and sees to its end."""
    started: list[subprocess.Popen[str]] = []
    environment = {**os.environ, "ONEX_HOME": str(stack_home)}
    environment.pop("DATABASE_URL", None)

    def begin(*arguments: str) -> "subprocess.Popen[str]":
        argv = [sys.executable, "-m", "registry.local", "serve", "--port", "0", *arguments]
        process = subprocess.Popen(
            argv, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.terminate()
        process.communicate(timeout=30)


def up(home: Path) -> Connection:
    until(lambda: connection.find(home), seconds=90)
    found = connection.find(home)
    assert found
    return found


def status(url: str) -> int:
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.status


def gone(groups: list[int]) -> bool:
    return not set(processes._groups()) & set(groups)


def test_it_comes_up_says_how_to_reach_it_and_leaves_nothing_behind(start, stack_home):
    run = start()
    found = up(stack_home)
    children = [pid for name, pid in found.pids.items() if name != "supervisor"]

    assert status(f"{found.url}/readyz") == 200
    assert set(found.pids) == {"supervisor", "postgres", "web", "alerts", "replay", "work", "beat"}
    assert (stack_home / connection.FILE_NAME).stat().st_mode & 0o777 == 0o600
    for queue in programs.QUEUES:
        assert programs.ready_file(stack_home, queue).read_text() == str(found.pids[queue])
    second = start().communicate(timeout=60)[0]
    assert f"Already running from {stack_home} at {found.url}" in second

    run.send_signal(signal.SIGINT)
    said = run.communicate(timeout=20)[0]

    assert run.returncode == 0
    assert all(one in said for one in (found.url, found.login, found.password, found.token, "Stopped."))
    assert gone(children)
    assert not (stack_home / connection.FILE_NAME).exists()


def test_whatever_is_killed_is_started_again_and_found_again(start, stack_home):
    start()
    before = up(stack_home).pids
    for name in ("web", "work", "beat", "postgres"):
        os.kill(before[name], signal.SIGKILL)

    def replaced() -> bool:
        now = up(stack_home).pids
        return all(now[name] != before[name] for name in ("web", "work", "beat", "postgres"))

    until(replaced)
    until(lambda: ready(up(stack_home).url), seconds=60)


def ready(url: str) -> bool:
    try:
        return status(f"{url}/readyz") == 200
    except OSError:
        return False


def test_killing_the_supervisor_takes_everything_along(start, stack_home):
    run = start()
    found = up(stack_home)
    run.kill()

    until(lambda: gone([pid for name, pid in found.pids.items() if name != "supervisor"]))
    until(lambda: not (stack_home / connection.FILE_NAME).exists())


def test_it_stops_by_itself_after_the_seconds_given(start, stack_home):
    said = start("--seconds", "0.5").communicate(timeout=90)[0]

    assert "is up at" in said
    assert said.endswith("Stopped.\n")
