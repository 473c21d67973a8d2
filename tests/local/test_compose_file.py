"""docker-compose.yml: valid, without a secret that works by itself, and running what `./run` runs."""

import json
import re
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
import yaml

from registry.local import programs
from registry.local.home import CHECKOUT

TEXT = (CHECKOUT / "docker-compose.yml").read_text()
COMPOSE = yaml.safe_load(TEXT)
SERVICES = COMPOSE["services"]
OURS = {"prepare", "web", "alerts", "replay", "work", "beat"}


def image_command() -> list[str]:
    """What a container runs when the compose file names no command."""
    command = (CHECKOUT / "Dockerfile").read_text().rpartition("\nCMD ")[2]
    return json.loads(command.replace("\\\n", ""))


def test_it_follows_the_compose_specification():
    schema = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    jsonschema.Draft7Validator(json.loads(schema.read_text())).validate(COMPOSE)


def test_every_secret_comes_from_outside_and_has_no_default():
    assert set(re.findall(r"\$\{(\w*(?:PASSWORD|SECRET)\w*)([:?-]+)", TEXT)) == {
        ("POSTGRES_PASSWORD", ":?"),
        ("SECRET_KEY", ":?"),
    }
    assert "HOST_AUTH_METHOD" not in TEXT


def test_every_service_but_the_preparation_says_whether_it_is_healthy():
    assert {name for name, service in SERVICES.items() if "healthcheck" not in service} == {"prepare"}


def test_our_containers_run_without_privileges():
    assert re.search(r"^USER onex$", (CHECKOUT / "Dockerfile").read_text(), re.MULTILINE)
    for name in OURS:
        assert SERVICES[name]["cap_drop"] == ["ALL"]
        assert SERVICES[name]["read_only"] is True
        assert "user" not in SERVICES[name]


def test_only_the_web_server_is_reachable_and_by_default_only_from_this_machine():
    assert {name: service["ports"] for name, service in SERVICES.items() if "ports" in service} == {
        "web": ["${PUBLISH:-127.0.0.1:8090}:8090"]
    }


@pytest.mark.parametrize("queue", programs.QUEUES)
def test_each_queue_has_a_worker_as_the_supervisor_starts_it(queue):
    ours = next(one.argv for one in programs.workers({}, Path("/srv/one")) if one.name == queue)
    theirs = SERVICES[queue]["command"]
    assert theirs[:9] == ["python", *ours[1:9]]
    assert f"--concurrency={programs.QUEUES[queue]}" in theirs
    assert "--pool=threads" in theirs


def test_the_image_runs_the_web_server_as_the_supervisor_starts_it():
    ours = programs.web({}, host="0.0.0.0", port=8090).argv[1:]
    workers = ours.index("--workers")
    del ours[workers : workers + 2]  # the image takes it from GRANIAN_WORKERS
    assert image_command() == ["python", *ours]


def test_the_image_holds_only_what_it_runs():
    ignored = (CHECKOUT / ".dockerignore").read_text().split()
    assert {".git", ".venv", ".onex*", "tests"} <= set(ignored)
    assert not {Path(line).name for line in ignored} & {
        "compat",
        "access",
        "registry",
        "events",
        "alerts",
        "templates",
        "manage.py",
    }
