"""All commands of docker-compose.yml, run against a PostgreSQL over TCP and a Redis: the shape of production."""

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
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Self

import httpx
import psycopg
import pytest
from psycopg import sql

from registry.local import ports
from registry.local.home import CHECKOUT
from tests.onex import an_event, ok
from tests.receiver import Received, Receiver
from tests.require import require
from tests.waiting import until

from .test_compose_file import OURS, SERVICES, image_command

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
    database: str, redis: str, receiver: Receiver, tmp_path_factory: pytest.TempPathFactory
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
        "OUTBOUND_ALLOW": receiver.place,
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


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as listening:
        yield listening


@pytest.fixture(scope="module")
def account(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What `prepare` leaves for the operator; what it prints is kept by the engine, so no secret is in it."""
    prepared = subprocess.run(
        command_of("prepare", tmp_path_factory.mktemp("prepare")),
        env=environment,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert prepared.returncode == 0, prepared.stderr
    assert "token" not in prepared.stdout
    return json.loads((Path(environment["ONEX_HOME"]) / "admin.json").read_text())


@pytest.fixture(scope="module")
def services(
    environment: dict[str, str], account: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Every service of ours that stays, running; the address of the web server."""
    port = str(free_port())
    with ExitStack() as stack:
        for service in sorted(OURS - {"prepare"}):
            folder = tmp_path_factory.mktemp(service)
            command = command_of(service, folder, **{"8090": port, "0.0.0.0": "127.0.0.1"})
            stack.enter_context(running(command, environment, folder))
        until(lambda: answer(f"http://127.0.0.1:{port}/readyz") == 200, seconds=60)
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def api(services: str, account: dict[str, str]) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {account['token']}"}
    with httpx.Client(base_url=f"{services}/api/v1/", headers=headers, timeout=60, trust_env=False) as client:
        yield client


def test_the_web_server_answers_who_has_a_token(services, account):
    assert answer(f"{services}/api/v1/subjects") == 401
    assert answer(f"{services}/api/v1/subjects", account["token"]) == 200


def test_beat_rings_through_redis_and_the_worker_works(services, database):
    # The first administrator's audit rows are chained.
    until(lambda: unchained(database) == 0, seconds=60)


def test_an_alert_is_evaluated_and_delivered(api, receiver):
    channel = ok(api.post("alerts/channels", json={"name": "here", "url": receiver.url}))["channel"]["id"]
    rule = {
        "name": "failures",
        "selector": {"field": "event_type", "op": "eq", "value": "NODE_FAILURE"},
        "threshold": 2,
        "channels": [channel],
    }
    ok(api.post("alerts/rules", json=rule))
    failure = {"input_state": {}, "error": "the disk did not answer", "execution_time_ms": 3.5}
    sent = [an_event("NODE_FAILURE", failure, schema_version="1.0.0") for _ in range(2)]
    assert ok(api.post("events", json=sent))["counts"] == {"stored": 2}

    until(lambda: "alert.firing" in [json.loads(one.body)["type"] for one in told(receiver)], 60)
    [episode] = ok(api.get("alerts/episodes"))["items"]
    assert episode["state"] == "firing"


def told(receiver: Receiver) -> list[Received]:
    """Requests that are no events of a replay."""
    return [one for one in receiver.received if "onex-replay-id" not in one.headers]


def test_a_replay_is_run(api, receiver):
    sent = [
        an_event("NODE_START", {"input_state": {}}, correlation_id="played", schema_version="1.0.0")
        for _ in range(3)
    ]
    ok(api.post("events", json=sent))
    asked = {"correlation_id": "played", "target": receiver.url, "speed": "max"}
    run = ok(api.post("replays", json=asked))["id"]

    ended = until(lambda: finished(api, run), 60)
    assert (ended["state"], ended["done"], ended["failed"]) == ("completed", 3, 0)
    played = [one for one in receiver.received if "onex-replay-id" in one.headers]
    assert [json.loads(one.body)["event_id"] for one in played] == [event["event_id"] for event in sent]


def finished(api: httpx.Client, run: str) -> dict[str, Any] | None:
    replay = ok(api.get(f"replays/{run}"))["replay"]
    return replay if replay["finished_at"] else None


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
