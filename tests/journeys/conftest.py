"""One real registry for all journeys, started as a user starts it, and what a user's programs need beside it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from registry.local import connection, processes
from registry.local.connection import Connection
from registry.local.demo.receiver import Receiver
from registry.local.home import CHECKOUT, discard
from tests.require import require
from tests.waiting import until

START_SECONDS = 150
STOP_SECONDS = 30
# What would make the stack another than the one of `./run` without settings.
OF_THE_TESTS = ("DATABASE_URL", "REDIS_URL", "OUTBOUND_ALLOW", "PORT", "PUBLIC_URL", "DJANGO_SETTINGS_MODULE")
# How much of each log a failure shows.
LOG_LINES = 60


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """What the instance said last goes with every failure: its folder is gone when somebody reads of it."""
    report = yield
    home = getattr(item, "funcargs", {}).get("home")
    if report.failed and home is not None:
        for log in sorted((home / "logs").glob("*.log")):
            last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
            report.sections.append((f"last lines of {log.name}", "\n".join(last)))
    return report


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("journey") / "home"
    yield folder
    discard(folder)


@pytest.fixture(scope="session")
def registry(home: Path) -> Iterator[Connection]:
    """A running instance. Everything it started is gone at the end, which is part of what is tested."""
    environment = {name: value for name, value in os.environ.items() if name not in OF_THE_TESTS}
    environment["ONEX_HOME"] = str(home)
    output = home.parent / "output.txt"
    with output.open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "registry.local", "serve", "--port", "0"],
            cwd=CHECKOUT,
            env=environment,
            stdout=said,
            stderr=said,
        )
    try:
        yield until(lambda: _up(process, home, output), START_SECONDS)
        groups = {*connection.find(home).pids.values()} - {process.pid}
    finally:
        process.terminate()
        status = process.wait(STOP_SECONDS)
    assert status == 0, output.read_text(encoding="utf-8")
    assert not groups & set(processes._groups())
    assert _with_words(str(home)) == []


def _up(process: "subprocess.Popen[bytes]", home: Path, output: Path) -> Connection | None:
    assert process.poll() is None, output.read_text(encoding="utf-8")
    return connection.find(home)


def _with_words(words: str) -> list[str]:
    """Command lines of the running processes that name the words there or in their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command, environment = ((entry / name).read_bytes() for name in ("cmdline", "environ"))
        except OSError:
            continue  # ended meanwhile, or another user's
        if words.encode() in command + environment:
            found.append(command.replace(b"\0", b" ").decode(errors="replace"))
    return found


@pytest.fixture(scope="session")
def api(registry: Connection) -> Iterator[httpx.Client]:
    """HTTP with the administrator's token; paths begin behind /api/v1/."""
    with client_of(registry) as client:
        yield client


def client_of(registry: Connection, **more: Any) -> httpx.Client:
    """A client of its own, for a thread of its own.

    The instance speaks plain HTTP: reading the certificates of the world's authorities for each client would cost
    28 ms of a processor, and fifty clients that try again while the web server starts kept it from starting for a minute.
    """
    headers = {"Authorization": f"Bearer {registry.token}"}
    return httpx.Client(
        base_url=registry.api + "/", headers=headers, timeout=60, trust_env=False, verify=False, **more
    )


@pytest.fixture(scope="session")
def pages(registry: Connection) -> Iterator[httpx.Client]:
    """A signed-in session; forms are sent with the CSRF token as every page has it."""
    with httpx.Client(base_url=registry.url, timeout=60, trust_env=False) as client:
        client.get("/login")
        client.headers["Origin"] = registry.url
        _send_the_cookie_along(client)
        answer = client.post("/login", data={"username": registry.login, "password": registry.password})
        assert answer.is_redirect, answer.text
        _send_the_cookie_along(client)
        yield client


def _send_the_cookie_along(client: httpx.Client) -> None:
    client.headers["X-CSRFToken"] = next(v for name, v in client.cookies.items() if "csrf" in name)


@pytest.fixture(scope="session")
def receiver(registry: Connection) -> Iterator[Receiver]:
    """The one internal address to which the instance may send; every test takes a path of its own."""
    host, _, port = registry.receiver.rpartition(":")
    with Receiver(host, int(port)) as listening:
        yield listening


# For a module, not longer: an open browser holds the thread's event loop, which no other one can share.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    chromium = require("chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-quic"]
        )
        yield started
        started.close()
