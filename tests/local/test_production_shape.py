"""The commands of docker-compose.yml, run against a PostgreSQL over TCP and a Redis: the shape of production."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Self

import psycopg
import pytest
from psycopg import sql

from registry.local import ports
from registry.local.home import CHECKOUT
from tests.require import require
from tests.waiting import until

from .test_compose_file import SERVICES, image_command

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """A new database on the external server; gone afterwards."""
    server = require("production-database")
    name = f"onex_production_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as session:
        session.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield server.rpartition("/")[0] + "/" + name
        session.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis of its own, as the compose file starts it."""
    port = free_port()
    command = [
        require("redis"),
        *SERVICES["redis"]["command"][1:],
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
    ]
    with running(command, {}, tmp_path_factory.mktemp("redis")):
        yield f"redis://127.0.0.1:{port}/0"


@pytest.fixture(scope="module")
def environment(
    database: str, redis: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """What the compose file gives each container."""
    home = tmp_path_factory.mktemp("production")
    yield {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(CHECKOUT),
        "ONEX_HOME": str(home),
        "DATABASE_URL": database,
        "REDIS_URL": redis,
        "SECRET_KEY": secrets.token_hex(32),
        "GRANIAN_WORKERS": "1",
    }
    shutil.rmtree(home)


class running:  # noqa: N801 -- used like a function
    """A process group for the time of a `with` block, ended as a container is."""

    def __init__(self, command: list[str], environment: dict[str, str], folder: Path) -> None:
        self.log = folder / "log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, env=environment, cwd=CHECKOUT, stdout=log, stderr=log, start_new_session=True
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(15)
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()


def free_port() -> int:
    with closing(ports.reserve("127.0.0.1", 0)) as reserved:
        return ports.port_of(reserved)


def command_of(service: str, folder: Path, **changed: str) -> list[str]:
    """The service's command on this machine: another Python, other places for its files, another port."""
    command = [
        one.replace("/tmp/", f"{folder}/") for one in SERVICES[service].get("command", image_command())
    ]
    return [sys.executable, *(changed.get(one, one) for one in command[1:])]


def test_the_commands_of_the_compose_file_serve_and_work(environment, database, tmp_path):
    prepared = subprocess.run(
        command_of("prepare", tmp_path),
        env=environment,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert prepared.returncode == 0, prepared.stderr
    assert "token" not in prepared.stdout
    account = json.loads((Path(environment["ONEX_HOME"]) / "admin.json").read_text())

    port = str(free_port())
    web = command_of("web", tmp_path, **{"8090": port, "0.0.0.0": "127.0.0.1"})
    with (
        running(web, environment, tmp_path),
        running(command_of("work", tmp_path), environment, tmp_path),
        running(command_of("beat", tmp_path), environment, tmp_path),
    ):
        url = f"http://127.0.0.1:{port}"
        until(lambda: answer(f"{url}/readyz") == 200, seconds=60)
        assert answer(f"{url}/api/v1/subjects") == 401
        assert answer(f"{url}/api/v1/subjects", account["token"]) == 200
        # Beat rang through Redis, the worker answered: the first administrator's audit rows are chained.
        until(lambda: unchained(database) == 0, seconds=60)


def answer(url: str, token: str = "") -> int:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status
    except urllib.error.HTTPError as refused:
        return refused.code
    except OSError:
        return 0


def unchained(database: str) -> int:
    with psycopg.connect(database) as session:
        return session.execute("SELECT count(*) FROM access_auditentry WHERE hash IS NULL").fetchone()[0]
