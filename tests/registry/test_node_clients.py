"""The unmodified npm clients of the field, against a server on a socket. They are installed once, beside the checkout's home."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.require import ABSENT, CHECKOUT, require

NODE, NPM = require("node"), require("npm")
CLIENTS = Path(__file__).parent / "clients"
pytestmark = pytest.mark.timeout(400)
ORDER = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "Order",
    "type": "object",
    "properties": {"id": {"type": "integer"}, "note": {"type": "string"}},
    "required": ["id"],
}


@pytest.fixture(scope="session")
def modules() -> Path:
    """The locked packages. None of them may run a script of its own, and none needs to."""
    lock = (CLIENTS / "package-lock.json").read_bytes()
    folder = CHECKOUT / ".onex-clients" / hashlib.sha256(lock).hexdigest()[:16]
    if not (folder / "ready").exists():
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(CLIENTS / name, folder)
        command = [NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            assert "npm" not in os.environ.get("REQUIRE", "").split(","), done.stderr
            pytest.skip(f"{ABSENT}npm's packages")
        (folder / "ready").touch()
    return folder / "node_modules"


@pytest.fixture
def run(live_server, owner, modules):
    """`run("kafkajs.js", "basic")` is what the scenario saw."""

    def run(script: str, kind: str, base: str = "/api/v1") -> Any:
        done = subprocess.run(
            [NODE, str(CLIENTS / script), f"{live_server.url}{base}", kind, owner.secret],
            env={**os.environ, "NODE_PATH": str(modules)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.mark.parametrize("kind", ["basic", "bearer"])
@pytest.mark.parametrize("base", ["/api/v1", "/api/v1/contexts/.berlin"])
def test_the_client_of_confluent(run, kind, base):
    said = run("confluent.js", kind, base)
    assert said["again"] == said["found"] == said["first"]["id"]
    assert json.loads(said["byId"]) == json.loads(said["byGuid"]) == ORDER
    assert said["compatible"] is False
    assert (said["refused"]["status"], said["refused"]["code"]) == (409, 40901)
    assert said["owned"]["id"] != said["first"]["id"]
    assert (said["withMetadata"], said["versions"]) == (2, [1, 2])
    assert said["level"] == ["BACKWARD", "FULL", "FULL"]
    assert said["config"] == {"compatibilityGroup": "major", "normalize": True}
    assert said["framed"] == [0, {"id": 7}]
    assert said["invalid"] == "refused"
    assert said["deleted"] == [2, [1], [1, 2]]
    assert (said["gone"]["status"], said["gone"]["code"]) == (404, 40401)
    context = ":.berlin:" if "contexts" in base else ""
    assert said["subjects"] == [f"{context}js.id", f"{context}topic-value"]


@pytest.mark.parametrize("kind", ["basic", "bearer"])
@pytest.mark.parametrize("base", ["/api/v1", "/api/v1/contexts/.berlin"])
def test_the_client_of_kafkajs(run, kind, base):
    said = run("kafkajs.js", kind, base)
    assert said["again"] == said["latest"] == said["byVersion"] == said["bySchema"] == said["first"]
    assert said["framed"] == [0, said["first"], {"id": 7}]
    assert said["invalid"] == "refused"
    assert said["refused"]["status"] == 409
    assert said["referring"] == {"id": 8}
